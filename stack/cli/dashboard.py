"""dashboard add, generate, check, list, remove: the user's own dashboards, each panel of them judged.

A panel without data is told and is no failure: what it asks for may not exist here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from stack.boards.board import Board
from stack.boards.generating import MOST_PANELS, TAG, generated
from stack.boards.importing import all_imported, imported
from stack.checks.exposed import exposed
from stack.checks.model import Broken
from stack.checks.own_boards import YOUNG, Judgement, judged
from stack.checks.promql import quoted
from stack.cli.given_file import given
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

GONE = 20.0
GRACE = 5.0
LONGEST_INTERVAL = 30.0
"""Nobody waits for two scrapes that come more rarely than each so many seconds."""
SCRAPES = 3
Judge = Callable[["CheckContext", Board], Judgement]


def add(options: argparse.Namespace, printer: Printer) -> int:
    """Takes the dashboards of a file from elsewhere, whatever their form, and judges their panels."""
    session = Session.open(options, printer)
    contents = [given(file) for file in options.files]
    named = options.uid or options.title
    boards = [_named(contents, options)] if named else [b for one in contents for b in all_imported(*one)]
    return _keep(session, boards, lambda context, board: judged(context, board.model, wall_clock()))


def _named(files: Sequence[tuple[bytes, str]], options: argparse.Namespace) -> Board:
    """The one dashboard that gets another uid or title."""
    if len(files) > 1:
        raise usage("--uid and --title are of one file; give them one by one")
    ((content, name),) = files
    return imported(content, name, uid=options.uid or "", title=options.title or "")


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
    return _keep(session, (board,), _with_data, may_replace=TAG)


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


def _keep(session: Session, boards: Sequence[Board], judge: Judge, *, may_replace: str = "") -> int:
    """Writes the dashboards, has them loaded, judges them, and tells."""
    printer = session.printer
    files = _files(session, boards, may_replace)
    found: list[Judgement] = []

    def prove(description: Description) -> None:
        context = context_of(session.engine, description)
        with _answering():
            found.extend(judge(context, board) for board in boards)

    for board in boards:
        for note in board.notes:
            printer.line("note", note if len(boards) == 1 else f"{board.title}: {note}")
    applied = make_change(session, files, prove)
    if session.options.dry_run:
        return 0
    documents = []
    for board, file, judgement in zip_longest(boards, files, found):
        printer.line("added", f"{board.title} ({board.uid}) in {file.path}")
        address = address_of(session, board.uid) if applied else ""
        documents.append(
            {"uid": board.uid, "title": board.title, "file": file.path, "address": address}
            | {"notes": list(board.notes)}
            | (board_document(judgement) if judgement else {})
        )
        if judgement:
            tell(printer, judgement)
        if address:
            printer.line("look", address)
    _unless_applied(printer, applied)
    told: dict[str, Any] = documents[0] if len(documents) == 1 else {"dashboards": documents}
    printer.document({"ok": True, "applied": applied, **told})
    return 0


def _files(session: Session, boards: Sequence[Board], may_replace: str) -> list[OwnFile]:
    """Where each is kept; none may have the uid or title of another."""
    replace = session.options.replace
    known = list(kept_boards(session.plain.config, session.plain.home))
    files, new = [], []
    for number, board in enumerate(boards):
        if any(one.uid == board.uid for one in boards[:number]):
            raise ConfigurationInvalid(
                f"two of the dashboards have the uid {board.uid}",
                hint="give one of them by itself, with --uid",
            )
        path = refuse_taken(board, known, replace=replace, tag=may_replace)
        if not replace and all(one.path != path for one in known):
            new.append(board.uid)
        known = [*(one for one in known if one.path != path), Kept(path, board.model)]
        files.append(OwnFile(path, board.text().encode()))
    if new:
        _refuse_handmade(session, new)
    return files


def _refuse_handmade(session: Session, uids: Sequence[str]) -> None:
    """A dashboard that somebody saved in Grafana under such a uid stays: Grafana would put the file in its place."""
    observed = session.engine.observe(session.name)
    if not any(c.component == "grafana" and c.running for c in observed.containers):
        return
    context = context_of(session.engine, session.as_it_runs(observed))
    for uid in uids:
        try:
            held = context.administrator().dashboard(uid)
        except (HttpFailure, Broken, KeyError):
            continue  # there is none, or whoever applies the files says what is wrong
        if not held.provisioned:
            title = held.model.get("title", "")
            raise ConfigurationInvalid(
                f"uid {uid} is that of {title!r}, which somebody made in Grafana",
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
