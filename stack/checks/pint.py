"""What comments of pint in a rule file ask not to look for: its users know them, so they count here too.

Understood are ``ignore/file``, ``file/disable CHECK`` and ``disable CHECK``, that of promql/series with or without a
selector in brackets, and ``rule/set promql/series ignore/label-value LABEL``. Pure text; others have no effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from stack.checks.model import Pairs

COMMENT = re.compile(r"#\s*pint\s+(\S+)(?:\s+(.*?))?\s*(?=#|$)")
SERIES = re.compile(r"promql/series(?:\((.*)\))?(?:\s+ignore/label-value\s+(\w+))?\s*$")
CHECK = re.compile(r"[a-z_]+/[a-z_]+(?=\s|$)")
NEXT_ITEM = re.compile(r"^\s*-\s")
EVERYTHING = ("", "")


class Requests(Struct, frozen=True):
    """What a file asks: ``everywhere``, and of the rule at a line. (selector, label), either may be empty.

    ``left``: checks that the rule at a line leaves out, at line 0 each rule.
    """

    everywhere: Pairs = ()
    at: tuple[tuple[int, tuple[str, str]], ...] = ()
    left: tuple[tuple[int, str], ...] = ()

    def of(self, line: int) -> Pairs:
        """What is asked of the rule at ``line``."""
        return (*self.everywhere, *(asked for place, asked in self.at if place == line))

    def left_at(self, line: int) -> tuple[str, ...]:
        """The checks that the rule at ``line`` leaves out."""
        return tuple(check for place, check in self.left if place in (0, line))


def requests_in(text: str, rule_lines: list[int]) -> Requests:
    """All requests of a rule file; ``rule_lines`` are the lines on which its rules are named, from the top."""
    if "pint" not in text:
        return Requests()
    everywhere: list[tuple[str, str]] = []
    found: list[tuple[int, tuple[str, str]]] = []
    left: list[tuple[int, str]] = []
    lines = text.splitlines()
    for number, verb, check in _disabled(lines):
        place = 0 if verb == "file/disable" else _rule_at(lines, number, rule_lines)
        left += [] if place is None else [(place, check)]
    for number, verb, asked in _comments(lines):
        if verb == "file":
            everywhere.append(asked)
        elif (place := _rule_at(lines, number, rule_lines)) is not None:
            found.append((place, asked))
    return Requests(tuple(everywhere), tuple(found), tuple(left))


def _disabled(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(lines, 1):
        for told in COMMENT.finditer(line):
            if told[1] in ("disable", "file/disable") and (check := CHECK.match(told[2] or "")):
                yield number, told[1], check[0]


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
