"""Values as JSON text that every reader takes: bounded in depth, finite, and Unicode throughout.

Python's own ``json`` reads and writes more than that: lone surrogates (RFC 8259, section 8.2), which no UTF-8 text
can hold, NaN, and as many levels as its stack allows. It must never change a value to make it fit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

MAX_DEPTH = 100
_ascii = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def json_text(value: Mapping[str, Any]) -> str:
    """The object as JSON in ASCII. Raises ValueError with one line that says what no reader would take."""
    try:
        text = _ascii(dict(value))
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    # Few texts have as many brackets as levels are allowed, and few hold a surrogate, paired or not.
    if text.count("{") + text.count("[") > MAX_DEPTH and _deeper(value, MAX_DEPTH):
        raise ValueError(f"more than {MAX_DEPTH} levels deep")
    if "\\ud" in text:
        _refuse_lone_surrogates(value)
    return text


def _deeper(value: object, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [
            item for each in level for item in _items(each) if isinstance(item, (list, dict, tuple, Mapping))
        ]
    return bool(level)


def _items(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, Mapping) else value  # type: ignore[return-value]


def _refuse_lone_surrogates(value: Mapping[str, Any]) -> None:
    try:
        json.dumps(dict(value), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"text that is no Unicode: {error.object[error.start]!r}, a lone surrogate"
        ) from None
