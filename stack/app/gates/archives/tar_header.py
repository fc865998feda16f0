"""Parses one header block of a tar by its magic (POSIX.1-2001 ustar, GNU, v7), and the records of a pax header.

Readers differ on nearly every field that is not filled in as its format says: whether a prefix belongs to the name,
where a number ends, what counts as the same checksum. Here a block is either what all of them take it for or no
header at all. A record (``LENGTH KEY=VALUE`` and a newline) that isn't exactly as long as it says, a key that comes
twice or of which a reader in C would see a part only, and an empty name are refused too. Every refusal is a ValueError.
It must never read beyond its block.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

BLOCK: Final = 512
LARGEST_OCTAL: Final = 8**11 - 1

_POSIX: Final = (b"ustar\x0000", b"ustar\0\0\0")  # the second by Ant and Maven; to some it has no prefix
_WITHOUT_PREFIX: Final = (_POSIX[1], b"ustar  \0", bytes(8))
_NAME: Final = slice(0, 100)
_SIZE: Final = slice(124, 136)
_CHECKSUM: Final = slice(148, 156)
_KIND: Final = slice(156, 157)
_MAGIC: Final = slice(257, 265)
_PREFIX: Final = slice(345, 500)
_NUMBERS: Final[Mapping[str, slice]] = {
    "mode": slice(100, 108),
    "owner": slice(108, 116),
    "group": slice(116, 124),
    "date": slice(136, 148),
    "major device": slice(329, 337),
    "minor device": slice(337, 345),
}
_LARGE: Final = ("owner", "group", "date")  # which GNU tar writes in base-256 at times
_OCTAL: Final = re.compile(rb" *([0-7]+)[ \0]*")
_BASE_256: Final = re.compile(rb"\x80\0{3}[\0-\x7f].{7}", re.DOTALL)

_LENGTH: Final = re.compile(rb"[1-9][0-9]{0,6}(?= )")
_KEY: Final = re.compile(r"[^\s\0][^\n\0]*")
_DECIDING: Final = ("path", "linkpath", "size")
_SPARSE: Final = re.compile(r"GNU\.|SUN\.holesdata|SCHILY\.(?:realsize|offset|filetype|volhdr)")
_CHARSETS: Final = ("ISO-IR 10646 2000 UTF-8", "BINARY")


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says: the name with its prefix, bytes that are no UTF-8 as surrogates; ``kind`` is one byte."""

    name: str
    kind: bytes
    size: int


def has_checksum(head: bytes) -> bool:
    """Whether some reader takes a file's first block for a header; sums of signed bytes count too."""
    block = head[:BLOCK]
    match = re.match(rb"[\0\s]*([0-7]+)", block[_CHECKSUM])
    if len(block) < BLOCK or match is None:
        return False
    unsigned = _sum(block)
    high = sum(byte >= 0x80 for byte in (*block[:148], *block[156:]))
    return int(match[1], 8) in (unsigned, unsigned - 256 * high)


def parse(block: bytes) -> Header:
    """One header block. Raises ValueError when readers may take it for different things."""
    if _octal("checksum", block[_CHECKSUM]) != _sum(block):
        raise ValueError("a header's checksum is wrong")
    magic = block[_MAGIC]
    if magic not in (*_POSIX, *_WITHOUT_PREFIX):
        raise ValueError(f"a header of an unknown format, {magic!r}")
    if magic in _WITHOUT_PREFIX and any(block[_PREFIX]):
        raise ValueError("a prefix in a header whose format has none")
    for field, place in _NUMBERS.items():
        large = field in _LARGE and block[place][0] in (0x80, 0xFF)
        if any(block[place]) and not large:
            _octal(field, block[place])
    prefix, name = _text(block[_PREFIX]), _text(block[_NAME])
    return Header(f"{prefix}/{name}" if prefix else name, block[_KIND], _size(block[_SIZE]))


def _size(field: bytes) -> int:
    """Octal, or GNU's base-256 up to 63 bits without a sign."""
    if _BASE_256.fullmatch(field):
        return int.from_bytes(field[1:], "big")
    return _octal("size", field)


def _octal(name: str, field: bytes) -> int:
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise ValueError(f"a {name} that is no number, {field!r}")
    return int(match[1], 8)


def _text(field: bytes) -> str:
    text, _, rest = field.partition(b"\0")
    if any(rest):
        raise ValueError("a name with something behind its end")
    return text.decode("utf-8", "surrogateescape")


def _sum(block: bytes) -> int:
    """With blanks in place of the checksum itself."""
    return sum(block) - sum(block[_CHECKSUM]) + 8 * 0x20


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
