"""Text becomes words, in the same way for what is stored and for what is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.app.memory.words import MAX_WORD, document, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("Two  words", ("two", "words")),
        ("same same", ("same",)),
        ("tool:hash-2", ("tool", "hash", "2")),
        ("Größe naïve ﬁne ², İstanbul", ("grosse", "naive", "fine", "2", "istanbul")),
        ("\"a\" OR (b) * ^c -d 'e' & | ! : <->", ("a", "or", "b", "c", "d", "e")),
        ("日本語", ("日本語",)),
        ("x" * 100, ("x" * MAX_WORD,)),
        ("\x00\ud800\n", ()),
    ],
)
def test_words(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == expected


def test_words_are_limited_in_number() -> None:
    assert words("a b c d", 2) == ("a", "b")


@given(st.text())
def test_words_hold_letters_and_digits_only_and_are_stable(text: str) -> None:
    found = words(text)
    assert all(word.isalnum() for word in found)
    assert words(" ".join(found)) == found


def test_a_document_takes_keys_values_and_nesting() -> None:
    assert document("type", ("tag:x",), {"key": ["One", {"deep": 2.5}], "none": None}) == (
        "type tag x key one deep 2 5 none"
    )
