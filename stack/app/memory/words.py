"""Text to search words, the same for every database.

Both sides of a keyword search pass through here, so what a user types is only ever words: no operator, quote
or wildcard of FTS5 or of tsquery survives, and SQLite and PostgreSQL find the same packets. It knows no
database.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping

MAX_WORD = 64
MAX_WORDS = 10_000
MAX_QUERY_WORDS = 32
_ASCII = {code: " " for code in range(128) if not chr(code).isalnum()}


def words(text: str, limit: int = MAX_WORDS) -> tuple[str, ...]:
    """The distinct words of `text` in order: case folded, no accents (UAX 15, NFKD), letters and digits."""
    spaced = text.casefold().translate(_ASCII) if text.isascii() else _spaced(text)
    return tuple(dict.fromkeys(word[:MAX_WORD] for word in spaced.split()))[:limit]


def _spaced(text: str) -> str:
    # Compatibility forms may decompose into capitals, so case is folded on both sides.
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text.casefold()).casefold())
    return "".join(char if char.isalnum() else " " for char in folded if not unicodedata.combining(char))


def document(*parts: object) -> str:
    """All words of strings, numbers, mappings and lists, keys included, joined by single spaces."""
    return " ".join(words(" ".join(_leaves(parts))))


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif not isinstance(value, (list, tuple)) and isinstance(
        value, Mapping
    ):  # the first is far cheaper to ask
        for key, item in value.items():
            yield str(key)
            yield from _leaves(item)
    elif isinstance(value, Iterable):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield str(value)
