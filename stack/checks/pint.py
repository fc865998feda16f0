"""What comments of pint in a rule file ask not to look for: its users know them, so they count here too.

Understood are ``ignore/file``, ``file/disable promql/series``, ``disable promql/series`` with or without a selector in
brackets, and ``rule/set promql/series ignore/label-value LABEL``. Pure text; any other comment has no effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stack.checks.model import Pairs

COMMENT = re.compile(r"#\s*pint\s+(\S+)(?:\s+(.*?))?\s*(?=#|$)")
SERIES = re.compile(r"promql/series(?:\((.*)\))?(?:\s+ignore/label-value\s+(\w+))?\s*$")
NEXT_ITEM = re.compile(r"^\s*-\s")
EVERYTHING = ("", "")


@dataclass(frozen=True, slots=True)
class Requests:
    """What a file asks: ``everywhere``, and of the rule at a line. (selector, label), either may be empty."""

    everywhere: Pairs = ()
    at: tuple[tuple[int, tuple[str, str]], ...] = ()

    def of(self, line: int) -> Pairs:
        """What is asked of the rule at ``line``."""
        return (*self.everywhere, *(asked for place, asked in self.at if place == line))


def requests_in(text: str, rule_lines: list[int]) -> Requests:
    """All requests of a rule file; ``rule_lines`` are the lines on which its rules are named, from the top."""
    if "pint" not in text:
        return Requests()
    everywhere: list[tuple[str, str]] = []
    found: list[tuple[int, tuple[str, str]]] = []
    lines = text.splitlines()
    for number, verb, asked in _comments(lines):
        if verb == "file":
            everywhere.append(asked)
        elif (place := _rule_at(lines, number, rule_lines)) is not None:
            found.append((place, asked))
    return Requests(tuple(everywhere), tuple(found))


def _comments(lines: list[str]) -> Iterator[tuple[int, str, tuple[str, str]]]:
    for number, line in enumerate(lines, 1):
        for told in COMMENT.finditer(line):
            verb, rest = told[1], told[2] or ""
            series = SERIES.match(rest)
            if verb == "ignore/file":
                yield number, "file", EVERYTHING
            elif series and verb in ("disable", "file/disable"):
                yield number, verb.split("/", maxsplit=1)[0], (series[1] or "", "")
            elif series and series[2] and verb == "rule/set":
                yield number, verb, (series[1] or "", series[2])


def _rule_at(lines: list[str], number: int, rule_lines: list[int]) -> int | None:
    """The rule that a comment is about: the next one where it stands above its item, else the one around it."""
    below = next((n for n in range(number, len(lines) + 1) if _says_something(lines[n - 1])), None)
    if below is not None and NEXT_ITEM.match(lines[below - 1]):
        return next((line for line in rule_lines if line >= below), None)
    return max((line for line in rule_lines if line <= number), default=None)


def _says_something(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")
