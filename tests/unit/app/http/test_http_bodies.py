"""How many values a body holds is known before it is parsed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.app.http import bodies
from stack.app.http.problems import Problem

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='a,[{"\\\u00e9\n'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='a,[{"\\'), inner),
)


def count(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(count, children))


def empty(value: Any) -> int:
    """Containers without anything in them: their bracket is counted, though no value follows."""
    if not isinstance(value, (dict, list)):
        return 0
    children = value.values() if isinstance(value, dict) else value
    return (not value) + sum(map(empty, children))


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 16_384])
@given(value=VALUES, spaced=st.booleans())
def test_values_are_counted_wherever_the_pieces_are_cut(piece: int, value: Any, spaced: bool) -> None:
    body = json.dumps(value, indent=1 if spaced else None, ensure_ascii=not spaced).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "_PIECE", piece)
        assert bodies._values(body) == count(value) + empty(value)


def test_text_of_any_kind_is_one_value() -> None:
    text = '[{,"\\' * 100_000
    assert bodies._parsed(json.dumps({"text": text}).encode()) == {"text": text}


@pytest.mark.parametrize(
    "body", [b'{"path": "a", "path": "../b"}', b'{"a": [{"b": 1, "c": 2, "\\u0062": 1}]}']
)
def test_a_name_that_stands_twice_is_refused(body: bytes) -> None:
    with pytest.raises(Problem, match="a name twice") as refused:
        bodies._parsed(body)
    assert refused.value.status_code == 400


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_values_do_not_hide_in_another_encoding(encoding: str) -> None:
    """A byte of U+0122 is a quotation mark to whoever counts, and everything behind it would be text."""
    lists = ",".join(["[]"] * (bodies.MAX_VALUES + 1))
    body = f'{{"\u0122": [{lists}]}}'.encode(encoding)
    with pytest.raises((Problem, json.JSONDecodeError)):
        bodies._parsed(body)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "UTF-8"),
        (b'{"a": %s}' % (b"9" * 5000), "digits"),
        (b"[" * 40_000 + b"]" * 40_000, "levels"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_remedy(body: bytes, told: str) -> None:
    with pytest.raises(Problem, match=told) as refused:
        bodies._parsed(body)
    assert refused.value.status_code == 400


def test_a_byte_order_mark_is_no_part_of_the_value() -> None:
    assert bodies._parsed(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
