"""dashboard add, generate, check, list, remove: the user's own dashboards, each panel of them judged.

A panel without data is told and is no failure: what it asks for may not exist here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stack.boards.board import Board
from stack.boards.generating import MOST_PANELS, TAG, generated
from stack.boards.importing import imported
from stack.checks.exposed import exposed
from stack.checks.model import Broken
from stack.checks.own_boards import YOUNG, Judgement, judged
from stack.checks.promql import quoted
from stack.cli.main import usage
from stack.cli.own_boards import (
    FOLDER,
    Kept,
    address_of,
    board_document,
    find,
    kept_boards,
    refuse_taken,
    tell,
)
from stack.cli.own_change import OwnFile, make_change
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.clients.http import HttpFailure
from stack.common.errors import ConfigurationInvalid, SmokeFailed, StackError
from stack.common.moments import wall_clock
from stack.common.wait import NotYet, TimedOut, until
from stack.deploy.asking import context_of

if TYPE_CHECKING:
    from stack.checks.context import CheckContext
    from stack.deploy.describe import Description

MOST_BYTES = 8 << 20
GONE = 20.0
GRACE = 5.0
LONGEST_INTERVAL = 30.0
"""Nobody waits for two scrapes that come more rarely than each so many seconds."""
SCRAPES = 3
STDIN = "-"


def add(options: argparse.Namespace, printer: Printer) -> int:
    """Takes a dashboard from elsewhere, whatever its form, and judges its panels."""
    session = Session.open(options, printer)
    content, name = _read(options.file)
    board = imported(content, name, uid=options.uid or "", title=options.title or "")
    return _keep(session, board, lambda context: judged(context, board.model, wall_clock()))


def generate(options: argparse.Namespace, printer: Printer) -> int:
    """Makes a dashboard from the metrics of a job."""
    session = Session.open(options, printer)
    context = _running(session, "a dashboard is made from what a running job exposes")
    with _answering():
        _scraped_twice(context, options.job)
        families = exposed(context.prometheus, options.job, wall_clock())
    if not families:
        raise _nothing_of(context, options.job)
    board = generated(options.job, families, options.panels or MOST_PANELS)
    return _keep(session, board, lambda later: _with_data(later, board), may_replace=TAG)


def check(options: argparse.Namespace, printer: Printer) -> int:
    """Judges the panels of one dashboard of the user's own, or of all."""
    session = Session.open(options, printer)
    boards = kept_boards(session.plain.config, session.plain.home)
    own = [one for one in boards if one.own and not one.fault]
    chosen = [find(boards, options.uid)] if options.uid else own
    context = _running(session, "panels are judged by what a running stack has")
    documents = []
    for one in chosen:
        with _answering():
            judgement = judged(context, one.model, wall_clock())
        tell(printer, judgement, "" if options.uid else f"{one.title} ({one.uid}): ")
        documents.append(board_document(judgement))
    if not chosen:
        printer.line("check", f"no dashboard below {FOLDER}")
    printer.document({"ok": True, "dashboards": documents})
    return 0


def list_(options: argparse.Namespace, printer: Printer) -> int:
    """The user's own dashboards."""
    session = Session.open(options, printer)
    own = [one for one in kept_boards(session.plain.config, session.plain.home) if one.own]
    if own:
        rows = ((one.uid or "-", one.title or one.fault, str(one.panels), one.path) for one in own)
        printer.table(("UID", "TITLE", "PANELS", "FILE"), rows)
    else:
        printer.line("list", f"no dashboard below {FOLDER}")
    printer.document({"dashboards": [one.document() for one in own]})
    return 0


def remove(options: argparse.Namespace, printer: Printer) -> int:
    """Takes dashboards of the user's own away, from the products too."""
    session = Session.open(options, printer)
    boards = kept_boards(session.plain.config, session.plain.home)
    chosen = list({one.path: one for one in (find(boards, uid) for uid in options.uids)}.values())
    if shipped := [one.path for one in chosen if not one.own]:
        raise usage(f"{shipped[0]} is shipped: only dashboards below {FOLDER} can be removed")
    gone = [OwnFile(one.path, None) for one in chosen]
    applied = make_change(session, gone, lambda description: _gone(session, description, chosen))
    if options.dry_run:
        return 0
    for one in chosen:
        printer.line("removed", f"{one.title or one.uid} ({one.path})")
    _unless_applied(printer, applied)
    files = [one.path for one in chosen]
    printer.document({"ok": True, "uids": [one.uid for one in chosen], "files": files, "applied": applied})
    return 0


def _read(file: str) -> tuple[bytes, str]:
    """The content of a file, or of the standard input, and what it is called."""
    if file == STDIN:
        content = sys.stdin.buffer.read(MOST_BYTES + 1)
        name = "standard input"
    else:
        path = Path(file)
        if path.is_dir():
            raise usage(f"{file} is a folder: give one dashboard's file")
        try:
            with path.open("rb") as opened:
                content = opened.read(MOST_BYTES + 1)
        except OSError as error:
            raise usage(f"{file}: {error.strerror or error}") from error
        name = path.name
    if len(content) > MOST_BYTES:
        raise ConfigurationInvalid(f"{name}: more than {MOST_BYTES} bytes", hint="is it a dashboard?")
    return content, name


def _keep(
    session: Session, board: Board, judge: Callable[[CheckContext], Judgement], *, may_replace: str = ""
) -> int:
    """Writes the dashboard, has it loaded, judges it, and tells."""
    options, printer = session.options, session.printer
    boards = kept_boards(session.plain.config, session.plain.home)
    path = refuse_taken(board, boards, replace=options.replace, tag=may_replace)
    if not any(one.path == path for one in boards) and not options.replace:
        _refuse_handmade(session, board)
    found: list[Judgement] = []

    def prove(description: Description) -> None:
        with _answering():
            found.append(judge(context_of(session.engine, description)))

    for note in board.notes:
        printer.line("note", note)
    applied = make_change(session, [OwnFile(path, board.text().encode())], prove)
    if options.dry_run:
        return 0
    address = address_of(session, board.uid) if applied else ""
    printer.line("added", f"{board.title} ({board.uid}) in {path}")
    for judgement in found:
        tell(printer, judgement)
    _unless_applied(printer, applied)
    if address:
        printer.line("look", address)
    told: dict[str, Any] = {"ok": True, "uid": board.uid, "title": board.title, "file": path}
    told |= {"applied": applied, "address": address, "notes": list(board.notes)}
    for judgement in found:
        told |= board_document(judgement)
    printer.document(told)
    return 0


def _refuse_handmade(session: Session, board: Board) -> None:
    """A dashboard that somebody saved in Grafana under that uid stays: Grafana would put the file in its place."""
    observed = session.engine.observe(session.name)
    if not any(c.component == "grafana" and c.running for c in observed.containers):
        return
    context = context_of(session.engine, session.as_it_runs(observed))
    try:
        held = context.administrator().dashboard(board.uid)
    except (HttpFailure, Broken, KeyError):  # there is none, or whoever applies the files says what is wrong
        return
    if not held.provisioned:
        title = held.model.get("title", "")
        raise ConfigurationInvalid(
            f"uid {board.uid} is that of {title!r}, which somebody made in Grafana",
            hint="--uid NAME gives it another, --replace puts it in its place",
        )


def _unless_applied(printer: Printer, applied: bool) -> None:
    if not applied:
        printer.line("", "nothing runs: the next start loads it")


def _running(session: Session, why: str) -> CheckContext:
    """The running stack; a usage error where there is none."""
    observed = session.engine.observe(session.name)
    if not any(c.component == "prometheus" and c.running for c in observed.containers):
        raise usage(f"Prometheus of {session.name} does not run, and {why}: start it first")
    return context_of(session.engine, session.as_it_runs(observed))


@contextmanager
def _answering() -> Iterator[None]:
    """A Prometheus that gives no usable answer is an error of ours."""
    try:
        yield
    except HttpFailure as failure:
        raise SmokeFailed(
            str(failure), hint="monitoring-stack status shows whether Prometheus runs"
        ) from failure


def _nothing_of(context: CheckContext, job: str) -> StackError:
    """Why a job has nothing to show."""
    with suppress(HttpFailure):
        down = [one for one in context.prometheus.targets() if one.job == job and one.health != "up"]
        if down:
            said = down[0].last_error or "it was not scraped yet"
            return SmokeFailed(
                f"target {down[0].instance} of {job} is {down[0].health}: {said}",
                hint="monitoring-stack status shows all targets",
            )
        known = context.prometheus.label_values("job", "")
        return usage(f"no series has job={job!r}; there is {', '.join(known) or 'none yet'}")
    return SmokeFailed("Prometheus does not answer", hint="monitoring-stack status shows why")


def _scraped_twice(context: CheckContext, job: str) -> None:
    """Waits until the targets of a job that is new have been scraped often enough for rates; not for one without."""

    def ask() -> None:
        counts = context.prometheus.query(f"count_over_time(up{{job={quoted(job)}}}[5m])")
        if counts and max(one.value for one in counts) < SCRAPES:
            raise NotYet("it was scraped just now")

    with suppress(TimedOut):
        until(ask, seconds=_two_scrapes(context), every=0.5, retry=(NotYet,))


def _two_scrapes(context: CheckContext) -> float:
    return 2 * min(context.expected.scrape_interval, LONGEST_INTERVAL) + GRACE


def _with_data(context: CheckContext, board: Board) -> Judgement:
    """The judgement once no panel waits for its second sample, or the last one."""
    last: list[Judgement] = []

    def ask() -> None:
        last[:] = [judged(context, board.model, wall_clock())]
        if any(one.why == YOUNG for one in last[0].panels):
            raise NotYet("panels wait for data")

    with suppress(TimedOut):
        until(ask, seconds=_two_scrapes(context), every=1.0, retry=(NotYet,))
    return last[0]


def _gone(session: Session, description: Description, removed: list[Kept]) -> None:
    """Grafana has them no more, where there is one that can be asked."""
    context = context_of(session.engine, description)
    if not context.expected.has("grafana") or session.engine.info().remote:
        return

    def ask() -> None:
        held = context.administrator().dashboard_uids()
        if left := [one.uid for one in removed if one.uid in held]:
            raise NotYet(f"Grafana still has {', '.join(left)}")

    try:
        until(ask, seconds=GONE, every=0.2, retry=(NotYet, HttpFailure))
    except TimedOut as error:
        raise SmokeFailed(str(error), hint="monitoring-stack logs grafana shows why") from error
