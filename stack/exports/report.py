"""A report as one HTML file that asks nobody: the data as JSON, and the quick look's functions that draw it. Pure."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import msgspec

FOLDER = Path(__file__).parent
SHARED = ("values.js", "units.js", "times.js", "chart.js", "panels.js", "touch.js")
"""Scripts of the quick look that need neither its page nor Prometheus."""
PAGE = "prometheus/user/"


def page(title: str, document: Mapping[str, Any], tree: Mapping[str, bytes]) -> str:
    """The file. ``tree``: the native files, of which it takes the quick look's; KeyError where one is missing."""
    script = "\n".join(_text(tree, name) for name in SHARED) + _own("report.js")
    parts = {
        "title": html.escape(title),
        "style": _text(tree, "page.css") + _own("report.css"),
        "data": inside_html(document),
        "script": script,
    }
    return Template(_own("report.html")).substitute(parts)


def inside_html(document: Mapping[str, Any]) -> str:
    """JSON that no HTML parser takes for markup, whatever is in it; what is no number is null."""
    text = msgspec.json.encode(document).decode()
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _text(tree: Mapping[str, bytes], name: str) -> str:
    return tree[PAGE + name].decode()


def _own(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
