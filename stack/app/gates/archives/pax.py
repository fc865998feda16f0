"""Parses the records of a pax extended header (POSIX.1-2001): ``LENGTH KEY=VALUE`` and a newline, in linear time.

It must never guess: a record that isn't exactly as long as it says is a ValueError.
"""

from __future__ import annotations


def pax_records(data: bytes) -> dict[str, str]:
    """Keys and values; text that is no UTF-8 keeps its bytes as surrogates. Raises ValueError."""
    data = data.rstrip(b"\0")
    records: dict[str, str] = {}
    at = 0
    while at < len(data):
        digits, _, _ = data[at : at + 8].partition(b" ")
        end = at + pax_number(digits.decode("ascii", "replace"))
        key, equals, value = data[at + len(digits) + 1 : end].partition(b"=")
        if end > len(data) or not equals or not value.endswith(b"\n"):
            raise ValueError("a damaged pax header")
        records[key.decode("utf-8", "surrogateescape")] = value[:-1].decode("utf-8", "surrogateescape")
        at = end
    return records


def pax_number(text: str) -> int:
    """A decimal number without a sign. Raises ValueError."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 40):
        raise ValueError("a pax header with a damaged number")
    return int(text)
