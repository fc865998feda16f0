"""An error is one line."""

from __future__ import annotations

import pytest

from stack.common.errors import ImageError, StackError


@pytest.mark.parametrize("broken", ["a\n- b", "a\r\n   - b", "a\u2028- b", "a\x85- b"])
def test_words_of_others_are_brought_into_one_line(broken: str) -> None:
    error = ImageError(broken, hint=f"{broken}\n")
    assert (error.message, error.hint, str(error)) == ("a - b", "a - b", "a - b: a - b")


def test_blanks_inside_a_line_stay() -> None:
    assert StackError("label  'a  b'").message == "label  'a  b'"
