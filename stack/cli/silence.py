"""silence add, list and expire: alerts held back until an end, by Alertmanager's own tool in its own container.

So it is the same for an engine elsewhere, and Alertmanager itself reads the matchers. What ``smoke`` would call a
fault, a silence over everything or over what proves the alert path, is refused.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from stack.cli.printer import Printer
from stack.cli.running import running
from stack.cli.session import Session
from stack.clients.alertmanager import SHOWN_ID
from stack.common.errors import StackError, StartFailed, UsageError
from stack.common.matchers import Matcher, parse
from stack.common.moments import short, stamp, wall_clock
from stack.common.printable import printable

if TYPE_CHECKING:
    from stack.checks.context import CheckContext
    from stack.clients.alertmanager import Silence

AMTOOL = ("amtool", "--alertmanager.url=http://127.0.0.1:9093")
HEADER = ("ID", "STATE", "MATCHERS", "BY", "COMMENT", "FROM", "UNTIL")
USUAL = "2h"
NAME = re.compile(r"[^=!~\"{}]+")
CLOCK_TIME = re.compile(r"(\d{1,2}):(\d{2})")
SECONDS = 30.0
SAID = re.compile(r"amtool: error: (?:\[[^\]]*\])*\s*")


def add(options: argparse.Namespace, printer: Printer) -> int:
    """One more silence; 2 where it cannot be meant or covers too much."""
    now = wall_clock()
    ends = _end(options.span, options.until, now)
    written = tuple(_matcher(word) for word in options.matchers)
    matchers = tuple(one for text in written for one in parse(text))
    session, context = _opened(options, printer)
    covers = _covers(context, matchers)
    who = options.by or session.user
    until = datetime.fromtimestamp(ends, UTC).isoformat(timespec="seconds")
    words = ("add", "--author", who, "--comment", options.comment, "--end", until, *written)
    id_ = _amtool(session, words).split()[-1]
    _as_meant(session, context, id_, written[0])
    named = ", ".join(map(str, matchers))
    printer.line("silenced", f"{named} until {stamp(ends)} ({short(ends - now)}): {covers}")
    printer.line("", f"monitoring-stack silence expire {id_[:SHOWN_ID]} ends it")
    printer.document({"ok": True, "id": id_, "matchers": named, "until": stamp(ends), "covers": covers})
    return 0


def list_(options: argparse.Namespace, printer: Printer) -> int:
    """Those that hold or will hold."""
    _, context = _opened(options, printer)
    found = _silences(context)
    if found:
        printer.table(HEADER, (tuple(printable(cell) for cell in _cells(one)) for one in found))
    else:
        printer.text("no silence; silence add MATCHER --comment TEXT makes one")
    printer.document({"silences": [_document(one) for one in found]})
    return 0


def expire(options: argparse.Namespace, printer: Printer) -> int:
    """They end now; 2 where an id names none, or several."""
    session, context = _opened(options, printer)
    there = _silences(context)
    ended = list(dict.fromkeys(_of_id(there, id_) for id_ in options.ids))
    _amtool(session, ("expire", *(one.id for one in ended)))
    for one in ended:
        printer.line("ended", f"silence {one.id} of {', '.join(map(str, one.matchers))}")
    printer.document({"ok": True, "ended": [one.id for one in ended]})
    return 0


def _opened(options: argparse.Namespace, printer: Printer) -> tuple[Session, CheckContext]:
    session = Session.open(options, printer)
    _, context = running(session, "alertmanager")
    return session, context


def _matcher(word: str) -> str:
    """As Alertmanager reads it; a mere name is that of an alert."""
    return f'alertname="{word}"' if NAME.fullmatch(word) else word


def _end(span: str | None, until: str | None, now: float) -> float:
    """The Unix time at which a silence ends; ``UsageError`` for what is none, or has passed."""
    if span and until:
        raise UsageError("--for and --until both say when it ends", hint="give one of them")
    ends = _moment(until, now) if until else now + _span(span or USUAL)
    if ends <= now:
        raise UsageError(
            f"--until {until}: that has passed", hint="times are UTC unless they name their zone"
        )
    return ends


def _span(text: str) -> float:
    from stack.common.durations import seconds

    try:
        found = seconds(text)
    except ValueError:
        found = 0.0
    if found <= 0:
        raise UsageError(f"--for {text}: not a span of time", hint="such as 30m, 2h or 1d")
    return found


def _moment(text: str, now: float) -> float:
    if clock := CLOCK_TIME.fullmatch(text):
        today = datetime.fromtimestamp(now, UTC)
        try:
            moment = today.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        except ValueError:
            raise _no_moment(text) from None
        return (moment if moment > today else moment + timedelta(days=1)).timestamp()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _no_moment(text) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _no_moment(text: str) -> UsageError:
    return UsageError(f"--until {text}: not a moment", hint="such as 18:00 or 2027-01-31T08:00")


def _covers(context: CheckContext, matchers: tuple[Matcher, ...]) -> str:
    """Which alerts it may hold back, in words; ``UsageError`` where it holds back what must be heard."""
    from stack.checks.alert_rules import PROOF_ALERT, alerts_of
    from stack.checks.silences import covered, too_much
    from stack.clients.http import HttpFailure

    try:
        alerts = alerts_of(context)
    except (HttpFailure, KeyError):
        return "Prometheus does not answer, which alerts it holds back is not known"
    if what := too_much(matchers, (*alerts, PROOF_ALERT)):
        raise UsageError(f"it would hold back {what}", hint="narrow the matchers; nothing was changed")
    return f"it holds back {covered(matchers, alerts)}"


def _as_meant(session: Session, context: CheckContext, id_: str, first: str) -> None:
    """amtool takes a first matcher that it cannot read for the name of an alert: that silence ends at once."""
    misread = Matcher("alertname", "=", first)
    if any(misread in one.matchers for one in _silences(context) if one.id == id_):
        _amtool(session, ("expire", id_))
        raise UsageError(
            f"{first}: not a matcher", hint='such as gate="url_gate" or team=~"a|b"; nothing was changed'
        )


def _silences(context: CheckContext) -> tuple[Silence, ...]:
    """``StartFailed`` where Alertmanager does not answer."""
    from stack.clients.http import HttpFailure

    try:
        return tuple(sorted(context.alertmanager.silences(), key=lambda one: one.ends))
    except HttpFailure as failure:
        raise StartFailed(
            f"Alertmanager does not answer: {failure}", hint="monitoring-stack smoke"
        ) from failure


def _of_id(there: Iterable[Silence], id_: str) -> Silence:
    found = [one for one in there if one.id.startswith(id_)]
    if len(found) != 1:
        what = (
            f"{len(found)} silences begin with it" if found else "no silence that holds or will hold has it"
        )
        raise UsageError(f"{id_}: {what}", hint="monitoring-stack silence list shows them")
    return found[0]


def _amtool(session: Session, words: tuple[str, ...]) -> str:
    """What it says; ``StackError`` with Alertmanager's own reason where it refuses."""
    from stack.model.spec import container_name

    container = container_name(session.name, "alertmanager")
    ran = session.engine.execute(container, (*AMTOOL, "silence", *words), seconds=SECONDS)
    if ran.code == 0 and ran.output.strip():
        return ran.output
    if ran.code == 0 and words[0] != "add":
        return ""
    said = printable(SAID.sub("", " ".join(ran.output.split())))
    raise StackError(f"Alertmanager refuses it: {said or 'it gave no answer'}", hint="nothing was changed")


def _cells(one: Silence) -> tuple[str, ...]:
    matchers = ", ".join(map(str, one.matchers))
    return (
        one.id[:SHOWN_ID],
        one.state,
        matchers,
        one.author,
        one.comment,
        stamp(one.starts),
        stamp(one.ends),
    )


def _document(one: Silence) -> dict[str, object]:
    return {
        **asdict(one),
        "matchers": [str(matcher) for matcher in one.matchers],
        "starts": stamp(one.starts),
        "ends": stamp(one.ends),
    }
