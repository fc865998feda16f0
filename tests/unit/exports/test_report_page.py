"""The report's file: whole, without any request, and nothing in its data is markup."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stack.config.tree import read_tree
from stack.exports.report import SHARED, inside_html, page

ROOT = Path(__file__).resolve().parents[3]
EVIL = "</script><script>alert(1)</script><!--$title ${data}@data@"


@pytest.fixture(scope="module")
def tree() -> dict[str, bytes]:
    return read_tree(ROOT)


def test_data_is_data_whatever_is_in_it() -> None:
    text = inside_html({"a": EVIL, "b": float("nan"), "c": [1, None]})
    assert "<" not in text and ">" not in text and json.loads(text) == {"a": EVIL, "b": None, "c": [1, None]}


def test_the_file_has_its_parts_once_and_escapes_its_title(tree: dict[str, bytes]) -> None:
    made = page(f"A & {EVIL}", {"x": EVIL}, tree)
    assert made.count("<script") == 2 and made.count("</script>") == 2
    assert "<title>A &amp; &lt;/script&gt;" in made
    data = re.search(r'id="data">(.*?)</script>', made)
    assert data and json.loads(data[1]) == {"x": EVIL}
    assert all(tree[f"prometheus/user/{name}"].decode() in made for name in SHARED)


def test_it_asks_nobody(tree: dict[str, bytes]) -> None:
    made = page("t", {}, tree)
    assert "default-src 'none'" in made and "connect-src" not in made
    words = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", made)
    assert set(words) <= {"http://www.w3.org"}
    assert not re.search(r"<(?:link[^>]+stylesheet|img|iframe|script[^>]+src)", made)


def test_its_scripts_and_styles_are_small(tree: dict[str, bytes]) -> None:
    assert len(page("t", {}, tree).encode()) < 100_000
