"""The runbook pages that alerts link to: docs/alerts.md and the rule files in, one small HTML page per alert out.

The text is written once, in docs/alerts.md; expression, severity and duration come from the rules themselves, so a
page can't tell another story than the alert. It must never write a file, and a page must need nothing from outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from msgspec import Struct

ROOT = Path(__file__).parents[2]
SECTIONS = ("Meaning", "First checks", "Remedy")
STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;"
    "padding:0 1rem}code{font-family:ui-monospace,monospace;font-size:.9em}pre{padding:.8rem;overflow:auto;"
    "background:#8882;border-radius:6px}dt{float:left;width:7rem;opacity:.7}nav,footer{opacity:.7}"
)


class Runbook(Struct, frozen=True):
    """What to know about one alert; ``sections`` maps a heading to its lines of Markdown."""

    alert: str
    sections: dict[str, tuple[str, ...]]


def pages(root: Path = ROOT) -> dict[str, str]:
    """Path -> HTML for each alert of the rules and an index; KeyError names an alert that docs/alerts.md lacks."""
    books = {book.alert: book for book in read((root / "docs/alerts.md").read_text("utf-8"))}
    alerts = {rule["alert"]: rule for rule in rules(root) if "alert" in rule}
    texts = {f"{name}.html": _page(books[name], rule) for name, rule in alerts.items()}
    texts["index.html"] = _index(alerts)
    return {f"prometheus/user/runbooks/{name}": text for name, text in texts.items()}


def rules(root: Path = ROOT) -> Iterator[dict[str, Any]]:
    """Every rule of every file below prometheus/rules, in file order."""
    for path in sorted((root / "prometheus/rules").rglob("*.yml")):
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            yield from group["rules"]


def read(markdown: str) -> Iterator[Runbook]:
    """The runbooks of a document: ``## Alert`` opens one, ``### Section`` its parts."""
    for block in markdown.split("\n## ")[1:]:
        name, _, body = block.partition("\n")
        parts = [part.partition("\n") for part in body.split("### ")[1:]]
        yield Runbook(name.strip(), {title.strip(): tuple(_lines(text)) for title, _, text in parts})


def _lines(text: str) -> Iterator[str]:
    """The lines of a section; an indented line continues the one before."""
    joined = text.strip().replace("\n  ", " ")
    return (line.strip() for line in joined.splitlines() if line.strip())


def _page(book: Runbook, rule: dict[str, Any]) -> str:
    facts = {
        "Severity": rule["labels"]["severity"],
        "Component": "of the target" if "{{" in rule["labels"]["component"] else rule["labels"]["component"],
        "Fires after": rule.get("for", "0m"),
    }
    listed = "".join(f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items())
    expression = str(rule["expr"]).strip()
    query = (
        f'<pre><code>{escape(expression)}</code></pre><p><a href="{_ask(expression)}">Ask Prometheus</a></p>'
    )
    body = "".join(f"<h2>{title}</h2>{_section(title, book.sections[title])}" for title in SECTIONS)
    return _document(
        book.alert,
        f"<nav><a href='index.html'>All runbooks</a></nav><h1>{book.alert}</h1>"
        f"<p>{escape(rule['annotations']['summary'])}.</p><dl>{listed}</dl>{query}{body}",
    )


def _index(alerts: dict[str, dict[str, Any]]) -> str:
    items = "".join(
        f'<li><a href="{name}.html">{name}</a> ({escape(rule["labels"]["severity"])}): '
        f"{escape(rule['annotations']['summary'])}</li>"
        for name, rule in sorted(alerts.items())
    )
    return _document("Runbooks", f"<nav><a href='../'>Quick look</a></nav><h1>Runbooks</h1><ul>{items}</ul>")


def _document(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body>{body}</body>\n</html>\n"
    )


def _section(title: str, lines: tuple[str, ...]) -> str:
    """Paragraphs and a list."""
    write = _check if title == "First checks" else _inline
    items = "".join(f"<li>{write(line[2:])}</li>" for line in lines if line.startswith("- "))
    text = "".join(f"<p>{_inline(line)}</p>" for line in lines if not line.startswith("- "))
    return f"{text}<ul>{items}</ul>" if items else text


def _check(line: str) -> str:
    """A check that begins with `PromQL` links to the query page with it."""
    if not line.startswith("`"):
        return _inline(line)
    expression, _, rest = line[1:].partition("`")
    return f'<a href="{_ask(expression)}"><code>{escape(expression)}</code></a>{_inline(rest)}'


def _inline(line: str) -> str:
    """Text with `code` spans."""
    parts = line.split("`")
    return "".join(f"<code>{escape(p)}</code>" if i % 2 else escape(p) for i, p in enumerate(parts))


def _ask(expression: str) -> str:
    """A link to Prometheus' query page; relative, so it works under any address and prefix."""
    return f"../../query?g0.expr={quote(expression, safe='')}&amp;g0.tab=table"
