"""A .env file as python-dotenv reads it: its values, where each stands, and how variables are set in it. Pure.

Only what a .env file has to be read for should import this module: it costs an import of its own.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from msgspec import Struct


class Line(Struct, frozen=True):
    """A statement of a .env file: its variable and where it begins; without a variable it cannot be read."""

    variable: str | None
    number: int
    text: str


def values(text: str) -> dict[str, str | None]:
    """The last value of each variable; None where it is only named."""
    return dict(dotenv_values(stream=io.StringIO(text)))


def lines(text: str) -> Iterator[Line]:
    """Every statement of a .env file, as python-dotenv reads it."""
    for binding in parse_stream(io.StringIO(text)):
        source = binding.original.string
        blank = len(source) - len(source.lstrip())
        number = binding.original.line + source.count("\n", 0, blank)
        if binding.error:
            yield Line(None, number, source)
        elif binding.key is not None:
            yield Line(binding.key, number, source)


def merged(text: str, values: dict[str, str]) -> str:
    """The text with these variables set: where they stand if they do, else at the end; the rest to the byte.

    Values need no quotes: no blanks, quotes, ``#`` or ``$``.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    pieces, missing = [], dict(values)
    for binding in parse_stream(io.StringIO(text, newline="")):
        source = binding.original.string
        if binding.key in values:
            missing.pop(binding.key, None)
            before = re.match(r"\s*(?:export[^\S\r\n]+)?", source)
            after = re.search(r"[\r\n]*\Z", source)
            source = (
                f"{before[0] if before else ''}{binding.key}={values[binding.key]}{after[0] if after else ''}"
            )
        pieces.append(source)
    result = "".join(pieces)
    if missing and result and not result.endswith("\n"):
        result += end
    return result + "".join(f"{name}={value}{end}" for name, value in missing.items())
