"""Flags of a product that its user adds: read from one text, refused where they would break what the bundle promises.

Pure.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping

FLAG = re.compile(r"--(?P<no>no-)?(?P<name>[a-z][a-z0-9.-]*)(?:=.*)?", re.DOTALL)
FEATURES = "--enable-feature="


def flags(refused: Mapping[str, str]) -> Callable[[str], tuple[str, ...]]:
    """A reader of flags as a shell splits them; ``refused``: beginnings of names, and why they cannot be given."""

    def parse(text: str) -> tuple[str, ...]:
        try:
            words = tuple(shlex.split(text))
        except ValueError as error:
            raise ValueError(f"cannot be split into words: {error}") from error
        for word in words:
            found = FLAG.fullmatch(word)
            if found is None:
                raise ValueError(f"must be flags like --name or --name=value, got {word!r}")
            if why := _refusal(found["name"], refused):
                raise ValueError(f"cannot have --{found['name']}: {why}")
        return words

    return parse


def _refusal(name: str, refused: Mapping[str, str]) -> str:
    """A beginning that ends with a dot stands for all that follow it."""
    return next(
        (why for one, why in refused.items() if name == one or (one.endswith(".") and name.startswith(one))),
        "",
    )


def with_features(feature: str, given: Iterable[str]) -> tuple[str, ...]:
    """The flags with one ``--enable-feature`` for ``feature`` and for those that are given: it cannot be repeated."""
    words = tuple(given)
    more = [word.removeprefix(FEATURES) for word in words if word.startswith(FEATURES)]
    rest = tuple(word for word in words if not word.startswith(FEATURES))
    return (FEATURES + ",".join((feature, *more)), *rest)
