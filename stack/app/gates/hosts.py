"""A URL's host in the one form that everybody who reads it agrees on.

Names follow UTS 46 (non-transitional) and IDNA 2008 (RFC 5891); numbers follow the WHATWG IPv4 parser, so decimal,
octal, hexadecimal and short forms become addresses. What had to be mapped for that is marked, since parsers map
differently. Labels made to look like others (UTS 39) are refused. It decides on text alone and must never resolve a
name. Every refusal is a ValueError with a hint.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

import idna

from stack.app.gates.addresses import Address, canonical

_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
# Strict and bounded, since int() also reads signs, underscores and 0o.
_PART: Final = re.compile(r"0[xX][0-9a-fA-F]{0,40}|0[0-7]{0,40}|[1-9][0-9]{0,40}")
_DOTTED: Final = re.compile(r"[0-9]+(\.[0-9]+){3}")
_MAX_NAME: Final = 253

# Letters of Cyrillic that look like Latin ones, as Chromium's display policy lists them.
_LATIN_LOOKALIKES: Final = frozenset("асԁеһіјӏорԗԛѕԝхуъЬҽпгѵѡ")
_CYRILLIC_ENDINGS: Final = frozenset(("ru", "su", "by", "ua", "bg", "kz", "kg", "mk", "mn", "rs", "tj", "uz"))
_CONFUSED: Final = frozenset(
    ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "TIFINAGH", "CANADIAN")
)
# Phonetic letters that fonts draw like a and g.
_PHONETIC: Final = frozenset("ɑɡ")


@dataclass(frozen=True, slots=True)
class Host:
    """``name`` as parsers agree on it, ``readings`` the addresses that a literal may mean.

    ``mapped`` says that it was written in another form, which some parsers map in another way or not at all.
    """

    name: str
    readings: tuple[Address, ...] = ()
    mapped: bool = False

    @property
    def compared(self) -> tuple[str, ...]:
        """What patterns are compared with: without the final dot; a literal in each of its forms."""
        return (self.name.removesuffix("."), *map(str, self.readings))


@lru_cache(maxsize=4096)
def parse_host(text: str) -> Host:
    """The host of a URL's authority, brackets included. Raises ValueError with a hint.

    The length is judged first, whatever form it has: what is accepted is kept.
    """
    _refuse_length(text)
    if text.startswith("["):
        return _literal_v6(text)
    name, mapped = (text.lower(), False) if text.isascii() else _mapped(text)
    labels = name.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _literal_v4(labels, text)
    _refuse_length(name)
    for label in labels:
        _check_label(label, labels[-1])
    return Host(name, mapped=mapped)


def _refuse_length(name: str) -> None:
    if len(name.removesuffix(".")) > _MAX_NAME:
        raise ValueError(f"a host name has at most {_MAX_NAME} characters (RFC 1035)")


def matches(host: Host, patterns: Iterable[str]) -> bool:
    """Whether a host is one of ``name`` or below one of ``*.name``."""
    return any(
        name.endswith(suffix) if wild else name == suffix
        for suffix, wild in map(_pattern, patterns)
        for name in host.compared
    )


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> tuple[str, bool]:
    wild = pattern.startswith("*.")
    name = parse_host(pattern[2:] if wild else pattern).compared[-1]
    return (f".{name}" if wild else name), wild


def check_pattern(pattern: str) -> str | None:
    """What is wrong with a host pattern of a policy; None when nothing is."""
    try:
        _pattern(pattern)
    except ValueError as fault:
        return f"must be a host or *.host ({fault})"
    return None


def _mapped(text: str) -> tuple[str, bool]:
    """An international name in ASCII (UTS 46, RFC 5891), and whether more than ASCII capitals had to be mapped."""
    try:
        name = idna.uts46_remap(text, std3_rules=True, transitional=False)
        labels = [part if part.isascii() else idna.alabel(part).decode("ascii") for part in name.split(".")]
    except (idna.IDNAError, UnicodeError) as fault:
        raise ValueError(f"not a valid international name (IDNA 2008): {fault}") from None
    return ".".join(labels), name != "".join(c.lower() if c.isascii() else c for c in text)


def _check_label(label: str, ending: str) -> None:
    if not _LABEL.fullmatch(label):
        raise ValueError("a label has 1-63 letters, digits, - or _ (RFC 1123)")
    if not label.startswith("xn--"):
        return
    try:
        shown = idna.ulabel(label)
    except (idna.IDNAError, UnicodeError) as fault:
        raise ValueError(f"not a valid punycode label (RFC 5891): {fault}") from None
    _check_lookalike(shown, ending)


def _check_lookalike(label: str, ending: str) -> None:
    """Mixed scripts, restricted letters and whole-script confusables (UTS 39, sections 5.1, 3.1 and 4)."""
    letters = [c for c in label if c.isalpha()]
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in letters} & _CONFUSED
    if len(scripts) > 1:
        raise ValueError(f"mixes {' and '.join(s.title() for s in sorted(scripts))} letters (UTS 39)")
    if not _PHONETIC.isdisjoint(letters):
        raise ValueError("phonetic letters that look like a or g (UTS 39)")
    cyrillic_site = ending in _CYRILLIC_ENDINGS or ending.startswith("xn--")
    if letters and not cyrillic_site and _LATIN_LOOKALIKES.issuperset(letters):
        raise ValueError("only Cyrillic letters that look like Latin ones (UTS 39)")


def _literal_v6(text: str) -> Host:
    if not text.endswith("]"):
        raise ValueError("the bracket of the IPv6 address is not closed (RFC 3986)")
    inner = text[1:-1].replace("%25", "%", 1)
    try:
        address = IPv6Address(inner)
    except AddressValueError as fault:
        raise ValueError(f"not an IPv6 address (RFC 4291): {fault}") from None
    low = int(address) & 0xFFFFFFFF
    shown = str(address) if address.ipv4_mapped is None else f"::ffff:{low >> 16:x}:{low & 0xFFFF:x}"
    return Host(f"[{shown}]", (canonical(address),))


def _literal_v4(labels: list[str], text: str) -> Host:
    """WHATWG IPv4 parser. A dotted quad with leading zeros is octal to some and decimal to others: both count."""
    if len(labels) > 4:
        raise ValueError("an IPv4 address has at most 4 parts")
    *firsts, last = [_number(label) for label in labels]
    if any(part > 255 for part in firsts) or last >= 256 ** (5 - len(labels)):
        raise ValueError("a part of the IPv4 address is too large")
    address = IPv4Address(sum(part << 8 * (3 - i) for i, part in enumerate(firsts)) + last)
    decimal = [int(label) for label in labels] if _DOTTED.fullmatch(".".join(labels)) else []
    readings = [address]
    if decimal and max(decimal) <= 255:
        readings.append(IPv4Address(".".join(map(str, decimal))))
    return Host(str(address), tuple(dict.fromkeys(readings)), mapped=text != str(address))


def _number(part: str) -> int:
    if not _PART.fullmatch(part):
        raise ValueError("not a part of an IPv4 address (decimal, 0octal or 0xhex)")
    if part[:2].lower() == "0x":
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") else 10)
