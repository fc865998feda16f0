"""What a rejection shows of a hostile value."""

from __future__ import annotations

import pytest

from stack.app.gates.types import Rejected, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("Größe 日本", "Größe 日本"),
        ("a\r\nFAKE log line", "a\\r\\nFAKE log line"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("exe\u202etxt", "exe\\u202etxt"),
        ("\ud800", "\\ud800"),
        ("x" * 121, "x" * 120 + "..."),
    ],
)
def test_a_value_is_shortened_and_escaped(value: str, text: str) -> None:
    assert shown(value) == text


def test_a_rejection_is_one_line() -> None:
    refused = Rejected("url_gate", "E_SCHEME", "a\nb", "use http\nor https")
    assert str(refused) == "E_SCHEME: use http\\nor https (url_gate: a\\nb)"
    assert (refused.gate, refused.error_code, refused.value) == ("url_gate", "E_SCHEME", "a\\nb")
