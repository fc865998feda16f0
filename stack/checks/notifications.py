"""The check that notifications arrive: what each receiver that tells people took since the last proof, else why not.

Alertmanager's own counts begin anew with each start, before which Prometheus knows them, and with each file that it
reads: those of receivers that were changed meanwhile say nothing any more.
The application's webhook is proven by an alert of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stack.checks.alertmanager_file import rendered, secret_of, understood
from stack.checks.context import CheckContext
from stack.checks.delivery_faults import code_of, remedy
from stack.checks.model import Broken, Evidence
from stack.clients.http import HttpFailure
from stack.clients.notifications import COUNTS, Tally, loaded, reasons, tallied, tallies
from stack.common.moments import wall_clock
from stack.model.receivers import tried_in
from stack.model.spec import TRIED_RECEIVER

LOG_LINES = 400
PROOF, LOAD = "the last proof", "its start or reload"
SHORTEST = 60.0
"""Seconds that Prometheus is asked about at least: of fewer it may have one sample."""


def arriving(context: CheckContext) -> Evidence:
    """No receiver refuses all that it is sent; that some of it was lost is a remark."""
    text = context.expected.alertmanager_config
    answer = context.alertmanager.http.get("/metrics")
    if not (counted := tallies(answer.text)):
        raise HttpFailure(f"{answer.url} has no alertmanager_notifications_total", answer.status)
    if TRIED_RECEIVER not in text:
        return Evidence("no receiver tells anybody but the application")
    with understood():
        config = rendered(text)
        led = tried_in(config)
        secret = {str(one["name"]): secret_of(one) for one in config["receivers"]}
    since, counts = _since_proof(context, answer.text, counted)
    remarks, sent = [], 0
    for (name, kind), tally in sorted(counts.items()):
        if name not in led:
            continue
        sent += tally.requests - tally.refused
        if tally.requests and tally.requests == tally.refused:
            raise _lost(context, name, kind, tally, secret.get(name, ""))
        if tally.given_up:
            remarks.append(
                f"receiver {name} ({kind}): {tally.given_up} of {tally.begun} notifications failed since {since}"
            )
    return Evidence(f"{sent} notifications taken by {len(led)} receivers since {since}", tuple(remarks))


def _since_proof(
    context: CheckContext, page: str, counted: Mapping[tuple[str, str], Tally]
) -> tuple[str, Mapping[tuple[str, str], Tally]]:
    """The counts since the last proof, or since a changed file was read after it; ``since`` says which, in words."""
    proven, now = context.expected.proven, wall_clock()
    began, as_before = loaded(page)
    if not proven or (began > proven and not as_before):
        return LOAD, counted
    asked = _increases(max(now - proven, SHORTEST)) if began > proven else _values(proven)
    try:
        known = tallied(context.prometheus.query(asked))
    except (HttpFailure, KeyError):  # a Prometheus that does not answer is the finding of its own checks
        return LOAD, counted
    both = {key: (tally, known.get(key, Tally())) for key, tally in counted.items()}
    if began > proven:
        return PROOF, {key: tally.at_least(all_of_it) for key, (tally, all_of_it) in both.items()}
    return PROOF, {key: tally.since(before) for key, (tally, before) in both.items()}


def _increases(seconds: float) -> str:
    return _each(lambda name: f"increase({name}[{seconds:.0f}s])")


def _values(moment: float) -> str:
    return _each(lambda name: f"{name} @ {moment:.3f}")


def _each(of: Callable[[str], str]) -> str:
    """One query for all four counts, each marked by its name, since a function takes that away."""
    parts = (f"sum by (integration, receiver_name) ({of(name)})" for name in COUNTS)
    marked = (f'label_replace({p}, "count", "{n}", "", "")' for n, p in zip(COUNTS, parts, strict=True))
    return " or ".join(marked)


def _lost(context: CheckContext, name: str, kind: str, tally: Tally, secret: str) -> Broken:
    lines = [
        line
        for line in context.log_of("alertmanager", LOG_LINES)
        if f'err="{name}/{kind}[' in line or (f"receiver={name} " in line and f"integration={kind}[" in line)
    ]
    reason = reasons(lines, "").get(kind, "no reason in its log")
    code = f" with {code_of(reason)}" if code_of(reason) else ""
    return Broken(
        f"receiver {name} ({kind}) took none of {tally.begun} notifications{code}: {reason}",
        f"{remedy(reason, secret, kind)}; then monitoring-stack receiver test {name}",
    )
