"""The one check that touches the stack, for ``smoke --deep``: what Prometheus kept is there after a restart."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stack.checks.model import Finding
from stack.clients.http import Http, HttpFailure
from stack.clients.prometheus import Prometheus
from stack.common.errors import UsageError
from stack.common.moments import wall_clock
from stack.common.printable import printable
from stack.common.wait import NotYet, TimedOut, until
from stack.deploy.asking import address_of
from stack.model.spec import container_name

if TYPE_CHECKING:
    from stack.cli.session import Session
    from stack.deploy.describe import Description

RETRIED = (NotYet, HttpFailure)
NAME = "prometheus.persistence"
QUERY = 'sum(count_over_time(up{{job="prometheus"}}[10m] @ {moment:.3f}))'


def still_there(session: Session, description: Description) -> Finding:
    """Restarts Prometheus and asks for the same moment of the past before and after."""
    if session.engine.info().remote:
        raise UsageError("smoke --deep needs an engine on this machine", hint="run it there")
    api = _asked(session, description)
    began, moment = time.monotonic(), wall_clock()
    try:
        before = until(lambda: _kept(api, moment), seconds=5, retry=RETRIED)
    except TimedOut as error:
        return _failed(f"before the restart: {error.last}", "monitoring-stack smoke names what is wrong")
    session.engine.restart(container_name(description.spec.name, "prometheus"))
    api = _asked(session, description)
    try:
        until(api.ready, seconds=60, retry=RETRIED)
        after = until(lambda: _same(_kept(api, moment), before), seconds=20, retry=RETRIED)
    except TimedOut as error:
        return _failed(error.last, "is its data volume mounted?")
    evidence = f"{after:.0f} samples of the last 10 minutes before and after a restart"
    return Finding(NAME, "prometheus", "proven", "ok", evidence, "", time.monotonic() - began)


def _asked(session: Session, description: Description) -> Prometheus:
    """Prometheus; a new start of its container may have given it another address."""
    return Prometheus(Http(address_of(session.engine, description, "prometheus")))


def _failed(evidence: str, hint: str) -> Finding:
    return Finding(NAME, "prometheus", "proven", "failed", printable(evidence), hint)


def _kept(api: Prometheus, moment: float) -> float:
    query = QUERY.format(moment=moment)
    found = api.query(query)
    if not found:
        raise NotYet(f"{query} is empty")
    return found[0].value


def _same(now: float, before: float) -> float:
    if now != before:
        raise NotYet(f"{now:.0f} samples after the restart, {before:.0f} before")
    return now
