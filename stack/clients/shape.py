"""One guard for answers that are JSON but not of the documented shape.

It turns the lookup errors of a client into ``HttpFailure`` and must never hide any other error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from yaml import YAMLError

from stack.clients.http import Answer, HttpFailure, snippet
from stack.common.yaml_text import load_yaml

MISREAD = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)
"""What reading a value of another kind raises."""


@contextmanager
def shaped(answer: Answer) -> Iterator[None]:
    """Reading ``answer`` inside: a missing key, a wrong type or number becomes ``HttpFailure``."""
    try:
        yield
    except MISREAD as error:
        raise HttpFailure(
            f"{answer.url} answered another shape ({type(error).__name__}: {error}): {snippet(answer.text)!r}",
            answer.status,
        ) from error


def text(value: Any) -> str:
    """A text; TypeError for anything else, which would only fail later where it is used."""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of a text")
    return value


def objects(value: Any) -> list[dict[str, Any]]:
    """A list of objects; TypeError for anything else."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise TypeError(f"{type(value).__name__} instead of a list of objects")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts; TypeError for anything else."""
    if not isinstance(value, list):
        raise TypeError(f"{type(value).__name__} instead of a list")
    return tuple(text(one) for one in value)


def yaml_object(written: str) -> dict[Any, Any]:
    """The object in a YAML text; ValueError where there is none."""
    try:
        found = load_yaml(written)
    except YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    if not isinstance(found, dict):
        raise TypeError(f"{type(found).__name__} instead of an object")
    return found


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) for one in value)


def _pairs(value: Any) -> bool:
    return isinstance(value, tuple) and all(_texts(pair) and len(pair) == 2 for pair in value)


KINDS: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "str": _text,
        "bool": lambda value: isinstance(value, bool),
        "int": lambda value: type(value) is int,
        "float": lambda value: type(value) in (int, float),
        "tuple[str, ...]": _texts,
        "tuple[tuple[str, str], ...]": _pairs,
        "Pairs": _pairs,
    }
)
"""Whether a value is of an annotated kind; others are not looked at."""


class Typed(Struct, frozen=True):
    """An answer's values: TypeError where one is not of the kind that its field names.

    So an answer of another shape fails where it is read, not later in a comparison or a table.
    """

    def __post_init__(self) -> None:
        for name, kind in type(self).__annotations__.items():
            value = getattr(self, name)
            if kind in KINDS and not KINDS[kind](value):
                raise TypeError(f"{name} is {type(value).__name__}, not {kind}")


def span(value: Any) -> float:
    """Seconds; ValueError for what is no span of time."""
    found = float(value)
    if not 0 <= found < math.inf:
        raise ValueError(f"not a duration: {value!r}")
    return found
