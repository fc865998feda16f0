"""upgrade: other images for the products of a stack, one after the other, each proven before the next, else undone."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime

from stack.cli.backup import FOLDER, pack
from stack.cli.bring_up import bring_up, validated
from stack.cli.keeping import volume_image
from stack.cli.main import usage
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.cli.upgrade_changes import HEADER, PINS, Change, changes_of, missing, named_images, variable_of
from stack.cli.upgrade_exchange import Done, exchange
from stack.common.errors import StackError
from stack.components import BY_NAME
from stack.deploy.describe import Description
from stack.deploy.room import refuse_full_disk
from stack.model.names import kind_of, kinds_of
from stack.model.observed import Observed

SUFFIX = ".upgrade.tar"
"""How the names of files end with the data before an upgrade; ``--keep`` of backup removes none of them."""


def upgrade(options: argparse.Namespace, printer: Printer) -> int:
    """Shows what changes; without ``--dry-run`` it does it."""
    named = named_images(options.to)
    options.images = {f"{component}.image": image for component, image in named.items()}
    only = frozenset() if PINS in options.to else frozenset(named)
    session = Session.open(options, printer)
    session.tries_again = True
    if options.dry_run:
        observed = _observed(session)
        description = session.as_it_should(observed, keep_bind=session.may_stay(observed), provide=False)
        changes = (*changes_of(session, observed, description, only), *missing(session, observed, only))
        _show(session, changes)
        printer.document({"changes": [one.document() for one in changes]})
        return 0
    with session.lock():
        return _upgrade(session, named, only)


def _observed(session: Session) -> Observed:
    observed = session.engine.observe(session.name)
    if not observed.containers:
        raise usage("nothing to upgrade: this stack has no container; start it first")
    return observed


def _show(session: Session, changes: Sequence[Change]) -> None:
    if changes:
        session.printer.table(HEADER, [one.cells() for one in changes])
    else:
        session.printer.line("upgrade", "nothing to do: every product runs the image that it should")


def _upgrade(session: Session, named: dict[str, str], only: frozenset[str]) -> int:
    observed = _observed(session)
    _provide(session, observed, only)
    description = session.as_it_should(observed, keep_bind=session.may_stay(observed))
    changes = changes_of(session, observed, description, only)
    _show(session, changes)
    if not changes:
        return _ended(session, [], {})
    refuse_full_disk(session.engine, session.settings)
    validated(session, description)
    helper = volume_image(session, observed)
    told = _backup(session, observed, changes)
    _run_all(session, description, observed)
    done: list[Done] = []
    try:
        for change in changes:
            variable = variable_of(kind_of(change.component)) if kind_of(change.component) in named else ""
            done.append(exchange(session, description, change, helper, variable))
            session.printer.line("upgraded", done[-1].words)
    except StackError as error:
        error.details = {**error.details, "ok": False, **told, "upgraded": [one.document() for one in done]}
        raise
    if only:
        return _ended(session, done, told)
    again = session.as_it_should(observed, keep_bind=session.may_stay(observed))
    milestones = bring_up(session, again)
    milestones.told = {**told, "upgraded": [one.document() for one in done]}
    return milestones.finish()


def _provide(session: Session, observed: Observed, only: frozenset[str]) -> None:
    """The images of what is there, or of ``only`` these, pulled or built where they are missing."""
    there = kinds_of(frozenset(c.component for c in observed.containers)) & BY_NAME.keys()
    session.images_for(session.settings.limited_to(frozenset(there & (only or there)))).provide()


def _backup(session: Session, observed: Observed, changes: Sequence[Change]) -> dict[str, object]:
    """One file with the data that another version will open, as it is while all runs."""
    volumes = {one.component: one.volume for one in changes if one.volume and BY_NAME[one.component].data}
    if session.options.no_backup or not volumes:
        return {}
    path = session.plain.home / FOLDER / f"{session.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"
    others = dict.fromkeys(BY_NAME.keys() - volumes.keys(), "no part of the upgrade")
    absent = {name: why for name, why in sorted(others.items()) if BY_NAME[name].data}
    pack(session, observed, volumes, path, key=None, absent=absent)
    session.printer.line("written", f"{path}: monitoring-stack restore brings this data back")
    return {"file": str(path)}


def _run_all(session: Session, description: Description, observed: Observed) -> None:
    """What does not run is started as it is: each new image is proven among the others."""
    for name in description.spec.ordered().components:
        found = observed.container(name)
        if found is not None and not found.running:
            session.still_ours()
            session.engine.start(found.id)
            session.printer.line("started", f"{name} as it was")


def _ended(session: Session, done: Sequence[Done], told: dict[str, object]) -> int:
    seconds = {"seconds": round(session.seconds, 3)}
    if done:
        session.printer.line("prove", "monitoring-stack smoke")
    session.printer.document({"ok": True, **told, **seconds, "upgraded": [one.document() for one in done]})
    return 0
