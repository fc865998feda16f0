"""How many values a body holds is known before it is parsed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.app.http import bodies

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
