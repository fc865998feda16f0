"""The alerts that a stack may raise, as far as they are known before they fire, and how texts name some of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from stack.checks.context import CheckContext
from stack.checks.model import Broken, Rule
from stack.checks.routing import Alert
from stack.clients.prometheus import LoadedRule
from stack.common.matchers import Labels
from stack.model.spec import TRIED_RECEIVER

PROOF = "StackProof"
PROOF_LABELS = {"alertname": PROOF, "stack_test": "true", "severity": "info"}
"""The alert that the checks post themselves."""
WATCHDOG = "Watchdog"
FRESH_SECONDS = 150.0
"""Alertmanager repeats the Watchdog each minute; after two and a half the path is no longer proven."""
ALWAYS = re.compile(r"\s*vector\(\s*0*[1-9][0-9.]*\s*\)\s*")
TEMPLATE = "{{"
PROOF_ALERT = Alert(PROOF, Labels(PROOF_LABELS), constant=True)


def alerts_of(context: CheckContext) -> tuple[Alert, ...]:
    """Every alerting rule that Prometheus has loaded.

    An alert has the labels of its rule, and perhaps any that a series has or that is added to all; no other.
    """
    expressions = {(rule.group, rule.name): rule.expr for rule in context.expected.rules}
    names = frozenset(context.prometheus.label_names())
    external = context.prometheus.external_labels()
    return tuple(
        _alert(rule, expressions.get((rule.group, rule.name), ""), names, external)
        for rule in context.prometheus.rules()
        if rule.kind == "alerting"
    )


def alerts_in(rules: Iterable[Rule], names: Iterable[str]) -> tuple[Alert, ...]:
    """The alerts of rule files, where nobody is asked; of the labels ``names`` those that no rule sets are unknown."""
    found = []
    for rule in rules:
        if rule.kind == "alerting":
            own = {**dict(rule.labels), "alertname": rule.name}
            constant = ALWAYS.fullmatch(rule.expr) is not None
            templated = {label for label, value in own.items() if TEMPLATE in value}
            others = set() if constant else {*names} - own.keys() - {"stack_test", TRIED_RECEIVER}
            found.append(Alert(rule.name, Labels(own, frozenset(templated | others)), constant))
    return tuple(found)


def _alert(rule: LoadedRule, expression: str, names: frozenset[str], external: Mapping[str, str]) -> Alert:
    constant = ALWAYS.fullmatch(expression) is not None
    own = {**dict(rule.labels), "alertname": rule.name}
    templated = frozenset(label for label, value in own.items() if TEMPLATE in value)
    unknown = templated | (frozenset() if constant else names - own.keys())
    return Alert(rule.name, Labels({**external, **own}, unknown), constant)


def heartbeat(context: CheckContext) -> None:
    """``Broken`` where no rule of the files fires the Watchdog: what is remembered of it proves nothing then."""
    if not any(rule.kind == "alerting" and rule.name == WATCHDOG for rule in context.expected.rules):
        raise Broken(
            f"no rule fires {WATCHDOG}",
            "restore it in prometheus/rules/prometheus.yml, then monitoring-stack reload",
        )
