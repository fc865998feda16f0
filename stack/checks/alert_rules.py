"""The alerts that a stack may raise, as far as they are known before they fire, and how texts name some of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stack.checks.context import CheckContext
from stack.checks.routing import Alert
from stack.common.matchers import Labels

PROOF = "StackProof"
PROOF_LABELS = {"alertname": PROOF, "stack_test": "true", "severity": "info"}
"""The alert that the checks post themselves."""
WATCHDOG = "Watchdog"
FRESH_SECONDS = 150.0
"""Alertmanager repeats the Watchdog each minute; after two and a half the path is no longer proven."""
ALWAYS = re.compile(r"\s*vector\(\s*0*[1-9][0-9.]*\s*\)\s*")
TEMPLATE = "{{"
SHOWN = 3
PROOF_ALERT = Alert(PROOF, Labels(PROOF_LABELS), constant=True)


def alerts_of(context: CheckContext) -> tuple[Alert, ...]:
    """Every alerting rule that Prometheus has loaded. What an expression adds to its labels is unknown."""
    expressions = {(rule.group, rule.name): rule.expr for rule in context.expected.rules}
    return tuple(
        _alert(rule.name, dict(rule.labels), expressions.get((rule.group, rule.name), ""))
        for rule in context.prometheus.rules()
        if rule.kind == "alerting"
    )


def _alert(name: str, labels: dict[str, str], expression: str) -> Alert:
    constant = ALWAYS.fullmatch(expression) is not None
    unknown = frozenset(label for label, value in labels.items() if TEMPLATE in value)
    return Alert(name, Labels({**labels, "alertname": name}, complete=constant, unknown=unknown), constant)


def some(names: Iterable[str]) -> str:
    """The first few of some names, each once, and how many more there are."""
    listed = list(dict.fromkeys(names))
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more
