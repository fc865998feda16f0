"""The check that notifications arrive: what Alertmanager counts of each receiver that tells people, and why it failed.

Its counts begin anew with each file that it reads. The application's webhook is proven by an alert of its own.
"""

from __future__ import annotations

from stack.checks.alertmanager_file import rendered, secret_of, understood
from stack.checks.context import CheckContext
from stack.checks.delivery_faults import code_of, remedy
from stack.checks.model import Broken, Evidence
from stack.clients.http import HttpFailure
from stack.clients.notifications import Tally, reasons, tallies
from stack.model.receivers import tried_in
from stack.model.spec import TRIED_RECEIVER

LOG_LINES = 400


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
    remarks, sent = [], 0
    for (name, kind), tally in sorted(counted.items()):
        if name not in led:
            continue
        sent += tally.requests - tally.refused
        if tally.requests and tally.requests == tally.refused:
            raise _lost(context, name, kind, tally, secret.get(name, ""))
        if tally.given_up:
            remarks.append(
                f"receiver {name} ({kind}): {tally.given_up} of {tally.begun} notifications failed "
                "since its start or reload"
            )
    return Evidence(f"{sent} notifications taken by {len(led)} receivers", tuple(remarks))


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
        f"{remedy(reason, secret)}; then monitoring-stack receiver test {name}",
    )
