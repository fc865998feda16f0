"""The quick-look page is whole: it refers to its own files only and knows every kind of panel that we draw."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "prometheus/user"
SERVED_BESIDE = {"runbooks/", "../alerts", "../targets", "data:,"}
SCRIPTS = {path.name: path.read_text("utf-8") for path in PAGE.glob("*.js")}


class References(HTMLParser):
    """Collects links, scripts and ids of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        self.ids += [value for name, value in attrs if name == "id" and value]


INDEX = References((PAGE / "index.html").read_text("utf-8"))


def test_every_reference_is_a_file_beside_it() -> None:
    own = {link for link in INDEX.links if link not in SERVED_BESIDE}
    assert own == {"page.css", *SCRIPTS}
    assert all((PAGE / link).is_file() for link in own)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_names_no_outside_address(name: str) -> None:
    told = SCRIPTS[name].replace("http://www.w3.org/2000/svg", "the name of a kind of XML")
    words = told.replace('"', " ").replace("`", " ").replace("'", " ").split()
    assert not [word for word in words if urlsplit(word).netloc and urlsplit(word).scheme]


def test_the_script_finds_the_elements_it_asks_for() -> None:
    asked = {part.partition('"')[0] for part in SCRIPTS["page.js"].split('element("')[1:]}
    assert asked and asked <= set(INDEX.ids)


def test_every_kind_of_panel_can_be_drawn() -> None:
    documents = [json.loads(path.read_text("utf-8")) for path in (ROOT / "grafana/dashboards").glob("*.json")]
    kinds = {panel["type"] for document in documents for panel in document["panels"]}
    assert kinds
    for kind in kinds:
        assert f"\n  {kind}(panel, series" in SCRIPTS["panels.js"], f"the page can't draw a {kind}"


def test_it_says_that_it_is_not_grafana() -> None:
    assert "This is not Grafana" in (PAGE / "index.html").read_text("utf-8")
