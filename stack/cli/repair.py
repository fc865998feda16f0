"""repair: finds what is damaged in the data of a stack, and moves just that aside, within its volume."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

from msgspec import Struct

from stack.cli.keeping import volume_image
from stack.cli.main import usage
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import NotReady, SmokeFailed, StackError
from stack.components import BY_NAME
from stack.components.manifest import Data
from stack.deploy.restoring import volumes_of
from stack.model.observed import Observed
from stack.model.spec import container_name
from stack.model.volumes import Damage

TABLE = ("COMPONENT", "DAMAGED", "HOW", "MOVED ASIDE")


class Harm(Struct, frozen=True):
    """Damage in the data of one component."""

    component: str
    volume: str
    damage: Damage

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        moved = self.damage.moved
        shown = f"{moved[0]} and {len(moved) - 1} more" if moved[2:] else " ".join(moved)
        return (self.component, self.damage.path, self.damage.why, shown)

    def document(self) -> dict[str, object]:
        """As plain values."""
        told = {"path": self.damage.path, "why": self.damage.why, "moved": list(self.damage.moved)}
        return {"component": self.component, "volume": self.volume, **told}


def repair(options: argparse.Namespace, printer: Printer) -> int:
    """Shows the damage and moves it aside; with ``--dry-run`` only shows it."""
    session = Session.open(options, printer)
    with session.lock():
        observed = session.engine.observe(session.name)
        image = volume_image(session, observed)
        harms = _found(session, observed, options.components, image, deep=True)
        if harms:
            printer.table(TABLE, [one.cells() for one in harms])
        else:
            printer.line("repair", "nothing is damaged, as far as the form of the files tells")
        folder = f".damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        moves = bool(harms) and not options.dry_run and _agreed(session)
        if moves:
            _move(session, observed, harms, folder)
        told = {"damage": [one.document() for one in harms], "moved_to": folder if moves else ""}
        printer.document({"ok": True, **told})
    return 0


def _found(
    session: Session, observed: Observed, wanted: Iterable[str], image: str, *, deep: bool
) -> tuple[Harm, ...]:
    volumes = volumes_of(session.name, observed)
    chosen = list(wanted) or list(volumes)
    if unknown := [name for name in chosen if name not in volumes]:
        known = ", ".join(volumes) or "none"
        raise usage(f"{unknown[0]} keeps no data in stack {session.name}: one of {known}")
    return tuple(
        Harm(name, volumes[name], one)
        for name in chosen
        for one in session.engine.examine(
            session.name, image, volumes[name], (BY_NAME[name].data or Data()).kind, time.time(), deep=deep
        )
    )


def _agreed(session: Session) -> bool:
    if session.options.yes:
        return True
    if session.printer.json or not sys.stdin.isatty():
        raise usage("repair moves data aside: --yes, where nobody can be asked, or --dry-run")
    session.printer.raw(f"Move this aside in stack {session.name}? What is moved is no longer shown. [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _move(session: Session, observed: Observed, harms: tuple[Harm, ...], folder: str) -> None:
    """A component that runs is stopped meanwhile."""
    engine, image = session.engine, volume_image(session, observed, provide=False)
    for component in dict.fromkeys(one.component for one in harms):
        mine = [one for one in harms if one.component == component]
        found, name = observed.container(component), container_name(session.name, component)
        runs = found is not None and found.state in ("running", "restarting")
        if runs:
            engine.stop(name)
        session.still_ours()
        for one in mine:
            engine.set_aside(session.name, image, one.volume, folder, one.damage.moved)
            session.printer.line(
                "moved", f"{component}: {' '.join(one.damage.moved)} to {folder} of its volume"
            )
        if runs:
            engine.start(name)
    session.printer.line("next", "monitoring-stack start")


def name_damage(session: Session, error: StackError) -> None:
    """Adds to the error of a start which file is damaged, and the command that moves it aside."""
    if not isinstance(error, (NotReady, SmokeFailed)):
        return
    with suppress(StackError):  # the error itself counts
        observed = session.engine.observe(session.name)
        image = volume_image(session, observed, provide=False)
        harms = _found(session, observed, (), image, deep=False) if image else ()
        if harms:
            first = harms[0]
            more = f", and {len(harms) - 1} more" if harms[1:] else ""
            said = f"{first.component}: {first.damage.path} is damaged ({first.damage.why}){more}"
            error.hint = f"{said}: monitoring-stack repair {first.component} moves just that aside"
