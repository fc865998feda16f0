"""What differs between the rules of the rendered files and those that Prometheus shows: each with both values.

Pure but for ``formatted``, which asks Prometheus for its own spelling where ours finds two different expressions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from stack.checks import promql
from stack.checks.model import OF_PROMETHEUS, Pairs, Rule
from stack.checks.words import apart
from stack.clients.prometheus import LoadedRule
from stack.common.durations import duration
from stack.model.spec import CONFIG_ROOT, CURRENT

BASE = f"{CONFIG_ROOT}/{CURRENT}/"
Formatted = Callable[[str], str]
Place = tuple[str, str]
Identity = tuple[str, str, str, str]


def differences(wanted: Iterable[Rule], found: Iterable[LoadedRule], formatted: Formatted) -> Iterator[str]:
    """Each difference in words; none where Prometheus has exactly the rules of the files, in their order."""
    rules, loaded = list(wanted), list(found)
    files = _files({r.file for r in rules}, {r.file for r in loaded})
    mine = Counter(_identity(r, r.file) for r in rules)
    theirs = Counter(_identity(r, files[r.file]) for r in loaded)
    if mine != theirs:
        yield from (f"{_name(i)} is not loaded" for i in mine - theirs)
        yield from (f"{_name(i)} is loaded but in no file" for i in theirs - mine)
        return
    ours: dict[Place, list[Rule]] = {}
    shown: dict[Place, list[LoadedRule]] = {}
    for rule in rules:
        ours.setdefault((rule.file, rule.group), []).append(rule)
    for one in loaded:
        shown.setdefault((files[one.file], one.group), []).append(one)
    for place, group in ours.items():
        yield from _of_group(group, shown[place], formatted)


def _files(wanted: set[str], found: set[str]) -> dict[str, str]:
    """Each loaded file as the rendered tree names it; a file from elsewhere keeps its own path."""
    named = {}
    for path in found:
        inside = path.removeprefix(BASE)
        known = inside if inside in wanted else next((w for w in wanted if path.endswith(f"/{w}")), inside)
        named[path] = known
    return named


def _identity(rule: Rule | LoadedRule, file: str) -> Identity:
    return file, rule.group, rule.name, rule.kind


def _name(identity: Identity) -> str:
    file, group, name, _ = identity
    return f"{OF_PROMETHEUS}{file} {group}/{name}"


def _of_group(rules: list[Rule], loaded: list[LoadedRule], formatted: Formatted) -> Iterator[str]:
    first = rules[0]
    where = f"{OF_PROMETHEUS}{first.file} {first.group}"
    if (seen := loaded[0].interval) != first.interval:
        yield (
            f"{where}: the group's interval is {duration(seen)} in Prometheus, "
            f"{duration(first.interval)} in the file"
        )
    if loaded[0].limit != first.limit:
        yield f"{where}: the group's limit is {loaded[0].limit} in Prometheus, {first.limit} in the file"
    if [r.name for r in rules] != [r.name for r in loaded]:
        yield f"{where}: its rules stand in another order in Prometheus: {', '.join(r.name for r in loaded)}"
        return
    for rule, one in zip(rules, loaded, strict=True):
        yield from _of_rule(rule, one, formatted)


def _of_rule(rule: Rule, one: LoadedRule, formatted: Formatted) -> Iterator[str]:
    if not same_expression(rule.expr, one.expr, formatted):
        yield _said(rule, "expr", promql.one_line(one.expr), promql.one_line(rule.expr))
    if one.duration != rule.duration:
        yield _said(rule, "for", duration(one.duration), duration(rule.duration))
    if one.keep_firing_for != rule.keep_firing_for:
        yield _said(rule, "keep_firing_for", duration(one.keep_firing_for), duration(rule.keep_firing_for))
    for what, loaded, wanted in (
        ("label", one.labels, rule.labels),
        ("annotation", one.annotations, rule.annotations),
    ):
        yield from (_said(rule, f"{what} {n}", theirs, ours) for n, theirs, ours in _unequal(loaded, wanted))


def same_expression(wanted: str, found: str, formatted: Formatted) -> bool:
    """Whether both texts are one expression. Prometheus has the last word before anything is claimed."""
    if promql.plain(wanted) == promql.plain(found):
        return True
    ours = promql.normal(wanted)
    if ours is not None and ours == promql.normal(found):
        return True
    return formatted(wanted) == formatted(found)


def _unequal(found: Pairs, wanted: Pairs) -> Iterator[tuple[str, str, str]]:
    theirs, ours = {k: v for k, v in found if v}, dict(wanted)
    for name in sorted({*theirs, *ours}):
        if theirs.get(name) != ours.get(name):
            yield name, theirs.get(name, ""), ours.get(name, "")


def _said(rule: Rule, what: str, found: str, wanted: str) -> str:
    theirs, ours = apart(found or "missing", wanted or "missing")
    return f"{rule.place}: {what} is {theirs} in Prometheus, {ours} in the file"
