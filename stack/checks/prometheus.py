"""Checks of Prometheus: it answers, runs exactly the rendered files, evaluates every rule, sees its targets.

They read only; a rule that has not had its turn yet is proven by evaluating its expression here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from stack.checks.check import LOGS, RELOAD, Check
from stack.checks.context import CheckContext
from stack.checks.model import Broken, Rule
from stack.clients.http import HttpFailure
from stack.clients.prometheus import LoadedRule
from stack.common.wait import NotYet
from stack.model.spec import DIGEST_RULE

SHOWN = 3
EVALUATORS = 4


def ready(context: CheckContext) -> str:
    """The readiness address answers."""
    return context.prometheus.ready()


def configuration(context: CheckContext) -> str:
    """The latest load succeeded, and the digest in the loaded rules is that of the rendered files."""
    if not context.prometheus.reload_succeeded():
        raise NotYet(
            "prometheus_config_last_reload_successful is 0: the previous configuration is still active"
        )
    wanted = context.expected.digest
    if not wanted:
        return "the latest load succeeded (the files carry no digest)"
    loaded = _digest(context)
    if loaded != wanted:
        raise NotYet(f"loaded files have digest {loaded or 'none'}, rendered ones {wanted}")
    return f"loaded files have the digest of the rendered ones, {wanted}"


def _digest(context: CheckContext) -> str:
    rule = next((r for r in context.prometheus.rules() if r.name == DIGEST_RULE), None)
    return dict(rule.labels).get("digest", "") if rule else ""


def rules(context: CheckContext) -> str:
    """Exactly the expected rules are loaded and none is in error."""
    loaded = context.prometheus.rules()
    wanted = Counter(_identity(r) for r in context.expected.rules)
    found = Counter(_identity(r) for r in loaded)
    if missing := wanted - found:
        raise NotYet(f"not loaded: {_some(f'{group}/{name}' for group, name, _ in missing)}")
    if surplus := found - wanted:
        raise NotYet(f"loaded but in no file: {_some(f'{group}/{name}' for group, name, _ in surplus)}")
    if broken := [r for r in loaded if r.health == "err" or r.last_error]:
        raise NotYet(f"in error: {_some(f'{r.group}/{r.name}: {r.last_error}' for r in broken)}")
    return f"{len(loaded)} rules loaded, none in error"


def _identity(rule: Rule | LoadedRule) -> tuple[str, str, str]:
    return rule.group, rule.name, rule.kind


def expressions(context: CheckContext) -> str:
    """Every rule's expression evaluates now, whenever its group's first turn may be."""
    if not context.expected.rules:
        raise Broken("there is no rule to evaluate", "the rule files are empty or were not rendered")
    with ThreadPoolExecutor(EVALUATORS) as pool:
        failures = [f for f in pool.map(lambda rule: _evaluate(context, rule), context.expected.rules) if f]
    if failures:
        raise NotYet(_some(failures))
    return f"{len(context.expected.rules)} rules healthy: each expression evaluated"


def _evaluate(context: CheckContext, rule: Rule) -> str:
    try:
        context.prometheus.query(rule.expr)
    except HttpFailure as failure:
        return f"{rule.group}/{rule.name}: {failure}"
    return ""


def alertmanagers(context: CheckContext) -> str:
    """Prometheus has found somebody to send alerts to."""
    found = context.prometheus.alertmanagers()
    if not found:
        raise NotYet("no Alertmanager discovered")
    return f"sends alerts to {', '.join(found)}"


def targets(context: CheckContext) -> str:
    """As many targets a job as the scrape files name, all of them up."""
    found = context.prometheus.targets()
    wanted = dict(context.expected.jobs)
    counts = Counter(t.job for t in found)
    if not wanted:
        raise Broken("no scrape job is expected", "the scrape files are empty or were not rendered")
    if wrong := {job for job in {*wanted, *counts} if wanted.get(job, 0) != counts[job]}:
        raise NotYet(
            _some(f"job {j}: {counts[j]} targets, expected {wanted.get(j, 0)}" for j in sorted(wrong))
        )
    if down := [t for t in found if t.health != "up"]:
        raise NotYet(_some(f"{t.job} {t.instance} is {t.health} {t.last_error}".strip() for t in down))
    return f"{len(found)} targets up in {len(wanted)} jobs"


def _some(texts: Iterable[str]) -> str:
    listed = list(texts)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return "; ".join(listed[:SHOWN]) + more


CHECKS = (
    Check("prometheus.ready", "Prometheus serves", "prometheus", "ready", ready, LOGS, 60),
    Check(
        "prometheus.config",
        "it runs exactly the rendered files",
        "prometheus",
        "checked",
        configuration,
        RELOAD,
        10,
    ),
    Check("prometheus.rules", "every rule is loaded", "prometheus", "checked", rules, RELOAD, 10),
    Check(
        "prometheus.expressions",
        "every rule's expression evaluates",
        "prometheus",
        "checked",
        expressions,
        "mend the expression that the evidence names",
        10,
        every=0.2,
    ),
    Check(
        "prometheus.alertmanagers",
        "alerts have somewhere to go",
        "prometheus",
        "proven",
        alertmanagers,
        "prometheus.yml names alertmanager:9093 under alerting",
        20,
        every=0.1,
        needs=("alertmanager",),
        recurring=True,
    ),
    Check(
        "prometheus.targets",
        "all targets are up, by job and number",
        "prometheus",
        "proven",
        targets,
        "monitoring-stack logs of the target that is down",
        30,
        every=0.1,
        recurring=True,
    ),
)
