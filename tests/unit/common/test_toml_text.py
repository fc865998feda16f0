"""What is no TOML has one error."""

from __future__ import annotations

import pytest

from stack.common.toml_text import NoToml, load_toml


def test_a_document_is_read() -> None:
    assert load_toml("[a]\nb = 1") == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a = ", "at end of document"),
        ("a = " + "[" * 100_000, "nested too deep"),
        ("a = " + "{a = " * 100_000, "nested too deep"),
        ("a = " + "9" * 6_000, "4300 digits"),
    ],
    ids=["cut off", "lists", "tables", "digits"],
)
def test_what_is_none_is_told(text: str, says: str) -> None:
    with pytest.raises(NoToml) as caught:
        load_toml(text)
    assert says in str(caught.value)
