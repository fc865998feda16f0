"""report: what a stack did over a time, as one file of HTML for people who have no access to it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from msgspec import Struct, to_builtins

from stack import __version__
from stack.boards.durations import seconds_of
from stack.boards.interpolate import Span
from stack.checks.context import CheckContext
from stack.checks.drawn_panels import POINTS, Gallery, gallery
from stack.checks.own_queries import span_of
from stack.checks.past_alerts import Past, fired
from stack.cli.main import usage
from stack.cli.printer import Printer
from stack.cli.running import running
from stack.cli.session import Session
from stack.cli.status import Look, looked
from stack.clients.http import Http
from stack.clients.ranges import at
from stack.common.errors import StackError
from stack.common.files import write_atomically
from stack.common.moments import moment, stamp, wall_clock
from stack.exports.report import page
from stack.model.events import Progress

SHORTEST, LONGEST = 60.0, 400 * 86400.0
VERSIONS = '{__name__=~".+_build_info",version!=""}'
AVAILABLE = "avg by (job, instance) (avg_over_time(up[{seconds:.0f}s]))"


class Asked(Struct, frozen=True):
    """The time that is reported on, in Unix seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


def report(options: argparse.Namespace, printer: Printer) -> int:
    """Writes the file; 0 also where the stack has faults, which the report tells."""
    asked = time_of(options, wall_clock())
    session = Session.open(options, printer)
    target = _target(session, asked)
    description, context = running(session, "prometheus")
    span = span_of(asked.end, asked.seconds, context.expected.panel_interval, None, POINTS)
    found = _gallery(session, context, span)
    past = fired(context.prometheus.http, asked.start, asked.end)
    look = looked(session)
    document = {
        **_what(session, asked),
        **_state(look, context.prometheus.http, asked),
        **_alerts(past),
        **_boards(found),
    }
    text = page(
        f"{session.name}: {stamp(asked.start)} to {stamp(asked.end)}", document, description.build.tree
    )
    try:
        write_atomically(target, text.encode(), mode=0o644)
    except OSError as error:
        raise StackError(
            f"{target}: cannot be written: {error.strerror}", hint="-o names another file"
        ) from error
    _told(session, target, len(text.encode()), document)
    return 0


def time_of(options: argparse.Namespace, now: float) -> Asked:
    """From what the command line says; ``UsageError`` where it cannot be meant."""
    if options.range and options.from_:
        raise usage("--range and --from both say where it begins: give one")
    end = _moment(options.to, "--to", now)
    length = seconds_of(options.range or "6h")
    if length is None:
        raise usage(f"--range {options.range}: not a span such as 6h, 90m or 7d")
    start = _moment(options.from_, "--from", now) if options.from_ else end - length
    if end > now + 1:
        raise usage(f"--to {options.to}: that is still to come")
    if not SHORTEST <= end - start <= LONGEST:
        raise usage(f"{stamp(start)} to {stamp(end)}: a report is about at least a minute, at most 400 days")
    return Asked(start, end)


def _moment(text: str, flag: str, now: float) -> float:
    if text in ("", "now"):
        return now
    if text.startswith("now-") and (ago := seconds_of(text.removeprefix("now-"))) is not None:
        return now - ago
    if found := moment(text.removesuffix(" UTC")):
        return found
    raise usage(f"{flag} {text}: not a moment such as 2026-01-31T12:00 (UTC), or now-6h")


def _target(session: Session, asked: Asked) -> Path:
    """Where it is written: beside stack.toml unless it is said; into a folder under a name of its own."""
    name = f"report-{session.name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(asked.end))}.html"
    given = Path(session.options.output) if session.options.output else session.plain.home / "reports" / name
    return given / name if given.is_dir() else given


def _gallery(session: Session, context: CheckContext, span: Span) -> Gallery:
    boards, wanted = context.expected.dashboards, session.options.dashboard
    known = [one.uid for one in boards]
    if unknown := [uid for uid in wanted if uid not in known]:
        raise usage(f"--dashboard {unknown[0]}: there is {', '.join(known)}")
    chosen = [one for one in boards if not wanted or one.uid in wanted]
    told = session.printer
    found = gallery(context, chosen, span, lambda title: told.event(Progress("report", title, passing=True)))
    told.event(Progress.over("report"))
    return found


def _what(session: Session, asked: Asked) -> dict[str, Any]:
    info = session.engine.info()
    return {
        "stack": session.name,
        "from": round(asked.start, 3),
        "to": round(asked.end, 3),
        "made": round(wall_clock(), 3),
        "made_by": __version__,
        "engine": f"{info.product} {info.version}",
    }


def _state(look: Look, http: Http, asked: Asked) -> dict[str, Any]:
    """What runs at the end, with the versions that the products themselves tell."""
    told = look.document()
    versions = {
        one.labels.get("__name__", "").removesuffix("_build_info"): one.labels.get("version", "")
        for one in at(http, VERSIONS, asked.end)
    }
    up = at(http, AVAILABLE.format(seconds=asked.seconds), asked.end)
    available = {(one.labels.get("job"), one.labels.get("instance")): one.points[0][1] for one in up}
    return {
        "status": told["status"],
        "silent": look.silent,
        "components": [{**row, "version": versions.get(row["component"], "")} for row in told["components"]],
        "faults": told["faults"],
        "remarks": told["remarks"],
        "absent": told["absent"],
        "data": told["data"],
        "targets": [
            {
                "job": one.job,
                "instance": one.instance,
                "health": one.health,
                "error": one.last_error,
                "available": available.get((one.job_label, one.instance)),
            }
            for one in look.targets
        ],
    }


def _alerts(past: Past) -> dict[str, Any]:
    alerts = [{**to_builtins(one), "seconds": one.seconds} for one in past.alerts]
    return {"alerts": alerts, "alerts_step": past.step, "alerts_left": past.left}


def _boards(found: Gallery) -> dict[str, Any]:
    left = [{"title": title, "uid": uid} for title, uid in found.left_out]
    return {"boards": to_builtins(found.boards), "left_out": left}


def _told(session: Session, target: Path, size: int, document: dict[str, Any]) -> None:
    panels = [panel for board in document["boards"] for panel in board["panels"]]
    empty = sum(not panel["series"] for panel in panels)
    alerts = document["alerts"]
    firing = sum(one["firing"] for one in alerts)
    session.printer.line(
        "report",
        f"{target}: {size / 1e6:.1f} MB, {len(document['boards'])} dashboards, {len(panels)} panels"
        f"{f' ({empty} without data)' if empty else ''}, {len(alerts)} alerts fired, {firing} of them still do",
    )
    for one in document["left_out"]:
        session.printer.warning(
            f"{one['title']} is left out, since one report has its bounds: --dashboard {one['uid']} chooses it"
        )
    summary = {
        "file": str(target),
        "bytes": size,
        "from": stamp(document["from"]),
        "to": stamp(document["to"]),
        "dashboards": [
            {"uid": b["uid"], "title": b["title"], "panels": len(b["panels"])} for b in document["boards"]
        ],
        "panels": len(panels),
        "panels_without_data": empty,
        "left_out": document["left_out"],
        "alerts": [
            {key: one[key] for key in ("name", "severity", "labels", "firing", "seconds")} for one in alerts
        ],
        "targets": document["targets"],
    }
    session.printer.document(summary)
