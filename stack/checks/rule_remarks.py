"""What is to be said of the rules and jobs of a stack without asking it. Pure.

Of the user's own rules everything; of the shipped ones whether their windows suit the scrape interval.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from stack.checks.model import Expected, Job, Rule
from stack.checks.rule_lint import World, remarks, windows
from stack.checks.rule_windows import Intervals, intervals_of, rare_jobs

SHOWN = 20
ASKED_OF_PROMETHEUS = "promql/series"
"""What exists is better asked for where it can be."""
MATTERS_OF_STYLE = frozenset({"alerts/for", "group/interval", "rule/duplicate", "rule/name"})
"""What is said where a rule is added or validated; a proof says what does not work."""


def told(expected: Expected, known: Mapping[str, tuple[str, ...]] | None = None) -> list[str]:
    """All remarks, one line each. ``known``: metric > its jobs, where Prometheus was asked."""
    return [
        *rare_jobs(expected.jobs),
        *_of_rules(expected, intervals_of(expected.jobs, expected.rules, known)),
    ]


def _of_rules(expected: Expected, intervals: Intervals) -> Iterator[str]:
    for rule in expected.rules:
        if not rule.own:
            yield from map(str, windows([rule], _beside(rule, expected.jobs) or intervals))
    own = [rule for rule in expected.rules if rule.own]
    yield from of_own(expected, own, intervals, frozenset())


def _beside(rule: Rule, jobs: Sequence[Job]) -> Intervals | None:
    """Those of the component that a shipped rule is about, where its job is shipped too."""
    stem = PurePosixPath(rule.file).stem
    about = [j for j in jobs if j.component and (stem == j.component or stem.startswith(f"{j.component}-"))]
    return intervals_of(about, ()) if about else None


def of_own(
    expected: Expected, rules: Sequence[Rule], intervals: Intervals, unsaid: Container[str]
) -> Iterator[str]:
    """Of some rules of the user's own, but for remarks by these names."""
    found = remarks(rules, World(expected.rules, intervals))
    return (str(remark) for remark in found if remark.check not in unsaid)


def bounded(lines: Sequence[str], elsewhere: str = "") -> list[str]:
    """The first of them, and how many more there are; ``elsewhere`` shows all."""
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], *([f"{more} more remarks{elsewhere}"] if more > 0 else [])]
