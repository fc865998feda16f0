"""Checks of Prometheus: it answers, runs the rendered files, and has somebody to send alerts to.

All of them read only. Those of rules, of what the rules read, and of targets stand beside this module.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from stack.checks import prometheus_rules, prometheus_targets
from stack.checks.check import RELOAD, SILENT, Check, knows_its_address, later
from stack.checks.context import CheckContext
from stack.checks.main_differences import differences
from stack.checks.words import some
from stack.common.wait import NotYet
from stack.model.spec import DIGEST_RULE

OURS = "alertmanager:9093"
"""The stack's Alertmanager as Prometheus finds it."""
REFUSED = (
    "the latest load of the files failed: the previous configuration is still active",
    "monitoring-stack validate names the line; monitoring-stack logs prometheus has its own word",
)


def ready(context: CheckContext) -> str:
    """The readiness address answers."""
    return context.prometheus.ready()


def configuration(context: CheckContext) -> str:
    """The latest load succeeded, the rules carry the digest of the files, and the main file says what ours says."""
    if not context.prometheus.reload_succeeded():
        raise NotYet(*REFUSED)
    wanted = context.expected.digest
    loaded = _digest(context) if wanted else ""
    if loaded != wanted:
        raise NotYet(f"loaded files have digest {loaded or 'none'}, rendered ones {wanted}")
    text = context.expected.prometheus_config
    if found := list(differences(text, context.prometheus.configuration())):
        raise NotYet(some(found))
    if not wanted:
        return "the loaded configuration is the rendered one (the files carry no digest)"
    return f"loaded files have the digest of the rendered ones, {wanted}, and the main file is the same"


def _digest(context: CheckContext) -> str:
    rule = next((r for r in context.prometheus.rules() if r.name == DIGEST_RULE), None)
    return dict(rule.labels).get("digest", "") if rule else ""


def alertmanagers(context: CheckContext) -> str:
    """Prometheus has found somebody to send alerts to, and the stack's own Alertmanager is among them."""
    found = context.prometheus.alertmanagers()
    if not found:
        raise NotYet("no Alertmanager discovered")
    if OURS not in {urlsplit(url).netloc for url in found}:
        raise NotYet(f"sends alerts to {', '.join(found)}, not to this stack's Alertmanager, {OURS}")
    return f"sends alerts to {', '.join(found)}"


CHECKS = (
    Check("prometheus.ready", "Prometheus serves", "prometheus", "ready", ready, SILENT, 60),
    Check(
        "prometheus.config",
        "it runs exactly the rendered files",
        "prometheus",
        "checked",
        configuration,
        RELOAD,
        10,
    ),
    *prometheus_rules.CHECKS,
    knows_its_address("prometheus"),
    Check(
        "prometheus.public",
        "what answers at the public addresses",
        "prometheus",
        "checked",
        later("public:reached"),
        "",
        30,
        by_engine=True,
        addressed=True,
    ),
    Check(
        "prometheus.alertmanagers",
        "alerts have somewhere to go",
        "prometheus",
        "proven",
        alertmanagers,
        f"prometheus.yml must name {OURS} under alerting, then monitoring-stack reload",
        20,
        every=0.1,
        needs=("alertmanager",),
        after=("prometheus.config",),
        recurring=True,
    ),
    *prometheus_targets.CHECKS,
    Check(
        "prometheus.remote_write",
        "samples arrive where they are sent",
        "prometheus",
        "proven",
        later("remote_write:arrival"),
        "monitoring-stack logs prometheus says more",
        30,
        every=0.5,
        after=("prometheus.config", "prometheus.targets"),
        by_scrape="shipped",
        sending=True,
        recurring=True,
    ),
    Check(
        "prometheus.series",
        "what the rules read exists",
        "prometheus",
        "proven",
        later("prometheus_series:series"),
        "correct the name or value in the rule",
        30,
        every=0.5,
        after=("prometheus.expressions", "prometheus.targets"),
        by_scrape="shipped",
    ),
)
