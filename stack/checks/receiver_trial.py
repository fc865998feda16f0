"""A receiver is tried: a marked alert goes to it alone, through Alertmanager, and its own outcome is waited for.

The alert takes the first route of the receiver's own, which ``stack.components.proof_route`` adds, so nobody else hears
of it; it is always ended, however the trial ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import asdict

from stack.checks.alert_path import HEAD_START, LIFETIME, SKEW
from stack.checks.alertmanager_file import FILE, rendered, secret_of, understood
from stack.checks.context import CheckContext
from stack.checks.delivery_faults import code_of, remedy
from stack.checks.model import Broken
from stack.clients.alertmanager import HeldAlert
from stack.clients.http import HttpFailure
from stack.clients.notifications import ELSEWHERE, Tallies, Tally, reasons, tallies
from stack.common.moments import wall_clock
from stack.common.wait import CLOCK, Clock, NotYet, TimedOut, until
from stack.model.spec import TEST_RECEIVER, TRIED_RECEIVER

ALERT = "ReceiverTest"
SUMMARY = "Test of the receiver {name}: nothing is wrong"
DESCRIPTION = "Sent by `monitoring-stack receiver test {name}`; it ends by itself."
SECONDS = 20.0
"""How long an outcome is waited for."""
PATIENCE = 3.0
"""After a refused request, which Alertmanager repeats, so long."""
SILENT_SECONDS = 3.0
"""An alert of which nothing was begun after so long is held back."""
LOG_LINES = 200
CONFIGS = "_configs"
SILENT_OF_ENDS = frozenset({"email", "rocketchat", "slack", "wechat"})
"""Integrations that tell of no end unless ``send_resolved`` says so, as Alertmanager has it."""
Log = Callable[[int], Iterable[str]]


class Tried(Struct, frozen=True):
    """A receiver of the file: how many of each integration it has, which of them tell of ends, its secret's file."""

    name: str
    integrations: Mapping[str, int]
    tells_ends: frozenset[str]
    secret: str


class Outcome(Struct, frozen=True):
    """What became of the notification of one integration. ``status``: firing or resolved; ``seconds`` it took.

    ``delivered`` is false with the reason in ``answer``, its ``code`` where there was one, and the remedy.
    """

    integration: str
    status: str
    delivered: bool
    seconds: float = 0.0
    answer: str = ""
    code: str = ""
    remedy: str = ""


def receiver_of(text: str, name: str) -> Tried:
    """The receiver in the rendered file; ``Broken`` where there is none to be tried."""
    with understood():
        known = {str(one["name"]): one for one in rendered(text).get("receivers") or ()}
    mine = [one for one in known if one != TEST_RECEIVER]
    if name not in known or name == TEST_RECEIVER:
        raise Broken(f"there is no receiver {name}", f"there are: {', '.join(mine) or 'none'}")
    counts = {
        key.removesuffix(CONFIGS): len(v or ()) for key, v in known[name].items() if key.endswith(CONFIGS)
    }
    counts = {kind: count for kind, count in counts.items() if count}
    if not counts:
        raise Broken(f"receiver {name} tells nobody", f"give it an integration in {FILE}, then reload")
    if f'{TRIED_RECEIVER}="{name}"' not in text.replace("\\", ""):
        raise Broken(
            f"receiver {name} tells the application alone",
            "each start and smoke proves that way as path.alert",
        )
    return Tried(name, counts, tells_ends(known[name]), secret_of(known[name]))


def tells_ends(receiver: Mapping[str, Any]) -> frozenset[str]:
    """The integrations of a receiver of the rendered file that tell of ends too."""
    told = {
        key.removesuffix(CONFIGS): [
            one.get("send_resolved", key.removesuffix(CONFIGS) not in SILENT_OF_ENDS) for one in listed or ()
        ]
        for key, listed in receiver.items()
        if key.endswith(CONFIGS)
    }
    return frozenset(kind for kind, each in told.items() if each and all(each))


def trial(
    context: CheckContext,
    tried: Tried,
    log: Log,
    *,
    severity: str = "info",
    ends: bool = False,
    clock: Clock = CLOCK,
) -> tuple[Outcome, ...]:
    """The outcome of each integration; with ``ends`` that of the alert's end too, where the firing was delivered.

    ``Broken`` where Alertmanager holds the alert back.
    """
    proof, began = uuid4().hex, wall_clock() - HEAD_START
    labels = {
        "alertname": ALERT,
        "stack_test": "true",
        TRIED_RECEIVER: tried.name,
        "severity": severity,
        "proof_id": proof,
    }
    texts = {"summary": SUMMARY.format(name=tried.name), "description": DESCRIPTION.format(name=tried.name)}

    def post(until_when: float) -> None:
        context.alertmanager.post_alert(labels, texts, began, until_when)

    waiting = _Waiting(context, tried, log, proof, clock)
    try:
        found = waiting.outcomes("firing", tried.integrations.keys(), lambda: post(wall_clock() + LIFETIME))
        if ends and all(outcome.delivered for outcome in found):
            found += waiting.outcomes("resolved", tried.tells_ends, lambda: post(wall_clock() - SKEW))
    finally:
        post(wall_clock() - SKEW)
    return tuple(found)


class _Waiting(Struct):
    """For what becomes of one alert."""

    context: CheckContext
    tried: Tried
    log: Log
    proof: str
    clock: Clock

    def outcomes(self, status: str, kinds: Iterable[str], send: Callable[[], None]) -> list[Outcome]:
        """Sends the alert, or its end, and waits."""
        wanted = {kind: self.tried.integrations[kind] for kind in kinds}
        before, began, done = self._tallies(), self.clock.now(), dict[str, Outcome]()
        refused: dict[str, float] = {}
        last: dict[str, Tally] = {}
        send()

        def ask() -> None:
            now, since = self._tallies(), self.clock.now() - began
            for kind in wanted.keys() - done.keys():
                added = _of(now, self.tried.name, kind).since(_of(before, self.tried.name, kind))
                before_that, last[kind] = last.get(kind), added
                if added != before_that:
                    continue  # Requests are counted before their refusals: only a count that stays is believed.
                if added.requests - added.refused >= wanted[kind] and not added.given_up:
                    done[kind] = Outcome(kind, status, delivered=True, seconds=since)
                elif added.refused or added.given_up:
                    first = refused.setdefault(kind, since)
                    if added.given_up or since - first > PATIENCE:
                        done[kind] = self._failed(kind, status, since)
                elif not added.begun and since > SILENT_SECONDS:
                    self._held_back()
            if len(done) < len(wanted):
                raise NotYet("no answer")

        try:
            until(ask, seconds=SECONDS, retry=(NotYet, HttpFailure), clock=self.clock)
        except TimedOut as failure:
            for kind in wanted.keys() - done.keys():
                done[kind] = self._failed(kind, status, SECONDS, f"{failure.last} within {SECONDS:g} s")
        return [done[kind] for kind in sorted(done)]

    def _failed(
        self, kind: str, status: str, seconds: float, otherwise: str = "no reason in its log"
    ) -> Outcome:
        said = reasons(self.log(LOG_LINES), self.proof)
        reason = said.get(kind) or said.get("") or otherwise
        advice = remedy(reason if reason != otherwise else "timeout", self.tried.secret, kind)
        return Outcome(kind, status, False, seconds, reason, code_of(reason), advice)

    def _tallies(self) -> Tallies:
        return tallies(self.context.alertmanager.http.get("/metrics").text)

    def _held_back(self) -> None:
        for alert in self.context.alertmanager.alerts(ALERT):
            if alert.labels.get("proof_id") == self.proof and (why := ", ".join(_holders(alert))):
                raise Broken(
                    f"the test alert is held back by {why}",
                    "end it, or narrow what it matches, and try again",
                )


def _of(found: Tallies, name: str, kind: str) -> Tally:
    """The receiver's own counts, or those of all where they are not told apart."""
    return found.get((name, kind)) or found.get((ELSEWHERE, kind)) or Tally()


def _holders(alert: HeldAlert) -> Iterator[str]:
    yield from (f"silence {one}" for one in alert.silenced)
    yield from ("an inhibition" for _ in alert.inhibited[:1])
    yield from (f"time interval {one}" for one in alert.muted)


def document(outcome: Outcome) -> dict[str, Any]:
    """As plain values."""
    return {**asdict(outcome), "seconds": round(outcome.seconds, 3)}
