"""Which receiver of the settings a tool complains of that names neither its line nor its kind: trial by omission."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from stack.model.spec import TRIED_RECEIVER, ConfigFile
from stack.validation.native import MADE_OF

NAME = re.compile(rb"(?:\[receivers\.|own/receivers/)(.+?)(?:\]|\.toml)$")
TRIED = TRIED_RECEIVER.encode() + b'=\\"%b\\"'
Files = tuple[ConfigFile, ...]


def culprit(files: Files, said: str, complaint: Callable[[Files], str]) -> str:
    """The place that made the lines without which the tool no longer says so; empty where there is none.

    ``complaint``: what the tool says of such files.
    """
    places = dict.fromkeys(found for file in files for found in _places(file))
    found = (p for p in places if complaint(tuple(_without(file, p) for file in files)) != said)
    return next(found, b"").decode(errors="replace")


def _places(file: ConfigFile) -> Iterable[bytes]:
    if not file.source:
        return ()
    return (made[1] for line in file.content.splitlines() if (made := MADE_OF.search(line)))


def _without(file: ConfigFile, place: bytes) -> ConfigFile:
    lines = file.content.splitlines(keepends=True)
    return replace(file, content=b"".join(line for line in lines if not _of(line, place)))


def _of(line: bytes, place: bytes) -> bool:
    """Whether the line is made of the place, or is the route by which its receiver is tried."""
    if made := MADE_OF.search(line.rstrip()):
        return made[1] == place
    name = NAME.search(place)
    return name is not None and TRIED % name[1] in line
