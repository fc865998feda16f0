"""Runbooks: one page per alert, complete, self-contained, with links that ask valid questions."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from stack.dashboards.runbooks import SECTIONS, pages, read, rules
from tests.promql_nodes import parse

ROOT = Path(__file__).resolve().parents[3]
ALERTS = sorted(rule["alert"] for rule in rules() if "alert" in rule)
PAGES = {Path(path).stem: text for path, text in pages().items()}
BOOKS = {book.alert: book for book in read((ROOT / "docs/alerts.md").read_text("utf-8"))}


class Links(HTMLParser):
    """Collects what a page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert sorted(PAGES) == sorted([*ALERTS, "index"])
    assert sorted(BOOKS) == ALERTS


@pytest.mark.parametrize("alert", ALERTS)
def test_runbook_is_complete(alert: str) -> None:
    assert tuple(BOOKS[alert].sections) == SECTIONS
    assert all(BOOKS[alert].sections.values())


@pytest.mark.parametrize("alert", ALERTS)
def test_links_ask_valid_questions(alert: str) -> None:
    asked = [link for link in Links(PAGES[alert]).found if "g0.expr" in link]
    assert asked, "no PromQL link"
    for link in asked:
        assert link.startswith("../../query?")
        parse(parse_qs(urlsplit(link).query)["g0.expr"][0])


@pytest.mark.parametrize("page", PAGES)
def test_page_needs_nothing_from_outside(page: str) -> None:
    assert not [link for link in Links(PAGES[page]).found if urlsplit(link).netloc]


def test_index_names_every_alert() -> None:
    assert {f"{alert}.html" for alert in ALERTS} <= set(Links(PAGES["index"]).found)


def test_an_alert_without_a_runbook_is_named(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/alerts.md").write_text("# Alerts\n")
    (tmp_path / "prometheus/rules").mkdir(parents=True)
    (tmp_path / "prometheus/rules/x.yml").write_text(
        "groups: [{name: g, rules: [{alert: Lonely, expr: up}]}]"
    )
    with pytest.raises(KeyError, match="Lonely"):
        pages(tmp_path)


def test_text_is_escaped_and_continued_lines_are_joined() -> None:
    (book,) = read("# T\n\n## A\n### Meaning\na <b>\n  c `d<e`\n")
    assert book.sections["Meaning"] == ("a <b> c `d<e`",)
