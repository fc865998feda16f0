"""Parses the records of a pax extended header (POSIX.1-2001): ``LENGTH KEY=VALUE`` and a newline, in linear time.

It must never guess: a record that isn't exactly as long as it says, a key that comes twice or of which a reader in
C would see a part only, and an empty name are a ValueError.
"""

from __future__ import annotations

import re
from typing import Final

_LENGTH: Final = re.compile(rb"[1-9][0-9]{0,6}(?= )")
_KEY: Final = re.compile(r"[^\s\0][^\n\0]*")
_DECIDING: Final = ("path", "linkpath", "size")
_SPARSE: Final = re.compile(r"GNU\.|SUN\.holesdata|SCHILY\.(?:realsize|offset|filetype|volhdr)")
_CHARSETS: Final = ("ISO-IR 10646 2000 UTF-8", "BINARY")


def pax_records(data: bytes) -> dict[str, str]:
    """Keys and values; text that is no UTF-8 keeps its bytes as surrogates. Raises ValueError."""
    records: dict[str, str] = {}
    at = 0
    while at < len(data):
        digits = _LENGTH.match(data, at)
        end = at + int(digits[0]) if digits else 0
        if digits is None or end > len(data) or data[end - 1 : end] != b"\n":
            raise ValueError("a damaged pax header")
        raw, equals, value = data[digits.end() + 1 : end - 1].partition(b"=")
        key = raw.decode("utf-8", "surrogateescape")
        if not equals or not _KEY.fullmatch(key) or key in records:
            raise ValueError(f"a pax header with a damaged or repeated key, {key[:80]!r}")
        records[key] = value.decode("utf-8", "surrogateescape")
        _refuse_doubt(key, records[key])
        at = end
    return records


def _refuse_doubt(key: str, value: str) -> None:
    if key in _DECIDING and not value:
        raise ValueError(f"a pax header with an empty {key}")
    if key == "hdrcharset" and value not in _CHARSETS:
        raise ValueError("a pax header in another character set than UTF-8")


def decides(key: str) -> bool:
    """Whether a record says what a member is, rather than who made it and when."""
    return key in _DECIDING or is_sparse(key)


def is_sparse(key: str) -> bool:
    """Whether a record makes its member something else than the bytes that follow."""
    return _SPARSE.match(key) is not None


def pax_number(text: str) -> int:
    """A decimal number without a sign. Raises ValueError."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 40):
        raise ValueError("a pax header with a damaged number")
    return int(text)
