"""Whether a line of releases has a newer patch than the one in use: tags are compared, registries asked all at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from msgspec import Struct

from stack.common.errors import ImageError, RegistryUnreachable
from stack.images.pins import Pin, registry_of, tag_of

VERSION = re.compile(r"(?P<v>v?)(?P<numbers>\d+(?:\.\d+)*)(?:-security-(?P<fix>\d+))?(?P<variant>-.+)?")
"""A tag that names a version: ``v3.13.5``, ``18.6-trixie``, ``12.3.1-security-01``; the variant must stay the same."""
IN_A_LINE = 2
"""Numbers that name a line where no pin says it: 3.13 of 3.13.5."""

Numbers = tuple[int, ...]


class Checked(Struct, frozen=True):
    """What a registry says of one image. ``newest`` is empty where nothing could be learnt, ``problem`` says why then.

    ``answered`` tells a registry that says no from one that says nothing.
    """

    component: str
    image: str
    line: str
    newest: str = ""
    newer: bool = False
    answered: bool = True
    problem: str = ""


def check(
    images: Mapping[str, str], pins: Mapping[str, Pin], tags: Callable[[str], Iterable[str]]
) -> tuple[Checked, ...]:
    """Every component's image against the tags of its repository; a failure concerns its own row only."""
    with ThreadPoolExecutor(max(1, len(images))) as pool:
        return tuple(pool.map(partial(_one, tags, pins), images.keys(), images.values()))


def _one(
    tags: Callable[[str], Iterable[str]], pins: Mapping[str, Pin], component: str, image: str
) -> Checked:
    tag = tag_of(image)
    line = line_of(tag, pins.get(component))
    if not line:
        return Checked(component, image, "", problem=f"the tag {tag} names no version")
    try:
        newest = newest_of(line, tag, tags(image))
    except RegistryUnreachable as error:
        return Checked(component, image, line, answered=False, problem=error.message)
    except ImageError as error:
        return Checked(component, image, line, problem=error.message)
    if not newest:
        return Checked(component, image, line, problem=f"{registry_of(image)} has no tag of the line {line}")
    return Checked(component, image, line, newest, newer=_newer(newest, tag))


def line_of(tag: str, pin: Pin | None) -> str:
    """The series that a tag belongs to: its pin's, else its first two numbers; empty where the tag is no version."""
    found = VERSION.fullmatch(tag)
    if found is None:
        return ""
    numbers = found["numbers"]
    if pin is not None and pin.line is not None and _within(_numbers(numbers), pin.line.series):
        return pin.line.series
    return ".".join(numbers.split(".")[:IN_A_LINE])


def newest_of(line: str, tag: str, tags: Iterable[str]) -> str:
    """The newest of ``tags`` in the line that is written as ``tag`` is; empty where there is none.

    A tag of the whole line, such as 3.14, moves with it and is not newer than its own patches.
    """
    wanted = VERSION.fullmatch(tag)
    if wanted is None:
        return ""
    alike = [
        (_order(found), found.string)
        for found in map(VERSION.fullmatch, tags)
        if found is not None
        and (found["v"], found["variant"]) == (wanted["v"], wanted["variant"])
        and _within(_numbers(found["numbers"]), line)
    ]
    return max(alike, default=((), ""))[1]


def _newer(newest: str, tag: str) -> bool:
    found, held = VERSION.fullmatch(newest), VERSION.fullmatch(tag)
    if found is None or held is None:
        return False
    moves = len(_order(found)[0]) > len(_order(held)[0]) and _within(_order(found)[0], held["numbers"])
    return not moves and _order(found) > _order(held)


def _order(found: re.Match[str]) -> tuple[Numbers, int]:
    return _numbers(found["numbers"]), int(found["fix"] or 0)


def _numbers(text: str) -> Numbers:
    return tuple(int(part) for part in text.split("."))


def _within(numbers: Numbers, series: str) -> bool:
    first = _numbers(series)
    return numbers[: len(first)] == first
