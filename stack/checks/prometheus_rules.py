"""Checks of the rules: Prometheus has exactly those of the files, none is in error, and each can be evaluated now.

They read only; a rule that has not had its turn yet is evaluated here, with its labels, as Prometheus will.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from stack.checks.check import RELOAD, Check
from stack.checks.context import CheckContext
from stack.checks.model import Broken, Rule
from stack.checks.promql import plain
from stack.checks.rule_differences import BASE, differences
from stack.checks.rule_results import Outcome, outcome, remedy
from stack.checks.selfreport import DISK, DISK_FULL, SPACE
from stack.checks.words import some
from stack.clients.http import HttpFailure
from stack.clients.prometheus import LoadedRule, Refused
from stack.common.wait import CLOCK, NotYet

EVALUATORS = 4
ENOUGH = 10.0
"""Seconds after which rules of the user's own are asked for no more: Prometheus evaluates them all in their turns."""
EVALUATED = "what each rule yields"


def rules(context: CheckContext) -> str:
    """The rules that are loaded are those of the files, in all that they say, and none is in error."""
    loaded = context.prometheus.rules()

    def formatted(expr: str) -> str:
        try:
            return context.prometheus.formatted(expr)
        except HttpFailure:
            return plain(expr)

    if found := list(differences(context.expected.rules, loaded, formatted)):
        raise NotYet(some(found))
    if broken := [r for r in loaded if r.health == "err" or r.last_error]:
        places = {(r.file, r.group, r.name): r for r in context.expected.rules}
        known = [(_rule_of(places, r), r.last_error or "in error") for r in broken]
        if full := next((said for _, said in known if SPACE in said), ""):
            raise Broken(f"{DISK_FULL}: {full}", DISK)
        raise Broken(
            some(f"{rule.place} is in error: {said}" for rule, said in known),
            remedy(known[0][0], known[0][1]),
        )
    return f"{len(loaded)} rules loaded as their files have them, none in error"


def _rule_of(places: dict[tuple[str, str, str], Rule], one: LoadedRule) -> Rule:
    file = one.file.removeprefix(BASE)
    unknown = Rule(one.group, one.name, "recording", one.expr, file=file)
    return places.get((file, one.group, one.name), unknown)


def expressions(context: CheckContext) -> str:
    """Every rule can be evaluated now, whenever its group's first turn may be."""
    found = context.kept[EVALUATED] = evaluated(context)
    left = sum(not made.asked for _, made in found)
    rest = f", but for {left} of your own, which Prometheus evaluates in their turns" if left else ""
    return f"{len(found)} rules healthy: each expression evaluated{rest}"


def lately_evaluated(context: CheckContext) -> list[tuple[Rule, Outcome]]:
    """What each rule yields, as this run has just seen it; asked anew the next time."""
    found: list[tuple[Rule, Outcome]] | None = context.kept.pop(EVALUATED, None)
    return evaluated(context) if found is None else found


def evaluated(context: CheckContext) -> list[tuple[Rule, Outcome]]:
    """What each rule yields now, its labels applied. ``Broken`` where Prometheus would refuse one."""
    if not context.expected.rules:
        raise Broken("there is no rule to evaluate", "the rule files are empty or were not rendered")
    end = CLOCK.now() + ENOUGH

    def ask(rule: Rule) -> tuple[Rule, Outcome]:
        late = rule.own and CLOCK.now() > end
        return rule, Outcome(asked=False) if late else _evaluate(context, rule)

    with ThreadPoolExecutor(EVALUATORS) as pool:
        found = list(pool.map(ask, context.expected.rules))
    faults = [(rule, made) for rule, made in found if made.error]
    if faults:
        raise Broken(_told(faults), faults[0][1].remedy)
    return found


def _told(faults: Iterable[tuple[Rule, Outcome]]) -> str:
    return some(f"{rule.place} fails when it is evaluated: {made.error}" for rule, made in faults)


def _evaluate(context: CheckContext, rule: Rule) -> Outcome:
    try:
        samples = context.prometheus.query(rule.expr)
    except Refused as refusal:
        if refusal.status == 503:  # timed out or aborted: another time may be a better one
            raise NotYet(f"{rule.place}: {refusal}", remedy(rule, str(refusal))) from refusal
        return Outcome(error=str(refusal), remedy=remedy(rule, str(refusal)))
    except HttpFailure as failure:
        raise NotYet(f"{rule.place}: {failure}") from failure
    return outcome(rule, (sample.labels for sample in samples))


CHECKS = (
    Check(
        "prometheus.rules",
        "its rules are those of the files, none in error",
        "prometheus",
        "checked",
        rules,
        RELOAD,
        10,
        after=("prometheus.config",),
        recurring=True,
    ),
    Check(
        "prometheus.expressions",
        "every rule's expression evaluates",
        "prometheus",
        "checked",
        expressions,
        "mend the expression that the evidence names",
        10,
        every=0.2,
        after=("prometheus.rules",),
    ),
)
