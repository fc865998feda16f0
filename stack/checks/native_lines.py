"""On which lines of Prometheus' native files the jobs and rules are named, from the top. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

import yaml

from stack.common import yaml_edit as edit

JOB = re.compile(r"\bjob_name\b")
RULE = re.compile(r"\b(?:alert|record)\b[\"']?\s*:")
FIRST = re.compile(r"\s*(?:-\s+)?")
"""What stands before a key that has its line to itself."""


def job_lines(text: str, count: int) -> list[int]:
    """Those of all jobs, of which there are so many; none where the text is no YAML."""
    return _lines(text, JOB, count, _jobs, {"job_name"})


def rule_lines(text: str, count: int) -> list[int]:
    """The same of all rules."""
    return _lines(text, RULE, count, _rules, {"alert", "record"})


def _lines(
    text: str,
    key: re.Pattern[str],
    count: int,
    nodes: Callable[[yaml.Node | None], list[yaml.Node]],
    names: Collection[str],
) -> list[int]:
    """The text is composed only where it does not tell by itself, which takes four times as long."""
    if not count:
        return []
    return _plain(text, key, count) or [*_named(nodes(_composed(text)), names)]


def _plain(text: str, key: re.Pattern[str], count: int) -> list[int]:
    """As most files are written: the key stands nowhere else, and each time on a line of its own; else none."""
    places = [(n, found) for n, line in enumerate(text.splitlines(), 1) for found in key.finditer(line)]
    plain = len(places) == count and all(
        FIRST.fullmatch(found.string, 0, found.start()) for _, found in places
    )
    return [n for n, _ in places] if plain else []


def _composed(text: str) -> yaml.Node | None:
    return edit.compose(text.removeprefix(edit.BYTE_ORDER_MARK))


def _jobs(document: yaml.Node | None) -> list[yaml.Node]:
    return edit.items(edit.member(document, "scrape_configs"))


def _rules(document: yaml.Node | None) -> list[yaml.Node]:
    groups = edit.items(edit.member(document, "groups"))
    return [rule for group in groups for rule in edit.items(edit.member(group, "rules")) if edit.keys(rule)]


def _named(nodes: list[yaml.Node], keys: Collection[str]) -> Iterator[int]:
    for node in nodes:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        marks = [key.start_mark for key, _ in pairs if key.value in keys]
        yield (marks[0] if marks else node.start_mark).line + 1
