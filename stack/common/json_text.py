"""Reads JSON as the products do: no NaN, no number that is too large for one, no byte order mark. Pure."""

from __future__ import annotations

import json
import math
from typing import Any

BYTE_ORDER_MARK = "\ufeff"
LONGEST = 20
"""Digits of a number that are shown."""


class NoJson(ValueError):
    """What is wrong with the text; ``place``: ``:LINE:COLUMN`` or ``:LINE``, empty where it is not known."""

    def __init__(self, what: str, place: str = "") -> None:
        super().__init__(what)
        self.place = place


class _NoNumber(ValueError):
    pass


def load_json(text: str) -> Any:
    """The document; ``NoJson`` where it is none."""
    if text.startswith(BYTE_ORDER_MARK):
        raise NoJson("it begins with a byte order mark (BOM), which JSON has not", ":1")
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_float, parse_int=_whole)
    except _NoNumber as error:
        said = str(error)
        line = text.count("\n", 0, text.find(said)) + 1
        shown = said if len(said) <= LONGEST else f"{said[:LONGEST]}..."
        raise NoJson(f"{shown} is no number of JSON", f":{line}") from error
    except json.JSONDecodeError as error:
        raise NoJson(error.msg, f":{error.lineno}:{error.colno}") from error
    except RecursionError as error:
        raise NoJson("nested too deep") from error


def _no_number(said: str) -> Any:
    raise _NoNumber(said)


def _float(said: str) -> float:
    return value if math.isfinite(value := float(said)) else _no_number(said)


def _whole(said: str) -> float:
    return int(said) if len(said) < LONGEST else _float(said)
