"""images: list, check, pull, build, save, load, lock, and the variables that docker-compose.yml reads."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import to_builtins

from stack.cli.main import usage
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import ImageError, RegistryUnreachable
from stack.components import BY_NAME, CATALOG
from stack.images import inventory
from stack.images.lock import LOCK_NAME
from stack.images.programs import CHECKS, PROGRAMS
from stack.images.resolved import Resolved

if TYPE_CHECKING:
    from stack.images.newer import Checked

CHECK_HEADER = ("COMPONENT", "IMAGE", "LINE", "NEWEST", "SAYS")
HEADER = ("COMPONENT", "IMAGE", "VERSION", "PIN", "SIZE", "FROM")
MIB = 1024 * 1024


def images(options: argparse.Namespace, printer: Printer) -> int:
    """One action on the images of all components."""
    session = Session.open(options, printer)
    actions: dict[str, Callable[[Session], int]] = {
        "list": lambda s: _list(s, _here(s)),
        "check": _check,
        "pull": _pull,
        "build": _build,
        "save": _save,
        "load": _load,
        "lock": _lock,
        "env": _env,
    }
    return actions[options.action](session)


def _here(session: Session) -> Iterable[Resolved]:
    return session.images.images.present(_components(session)).values()


def _components(session: Session) -> list[str]:
    """All but those that are off, unless they are on by default, or not needed.

    For a remote engine what its checks run in, too.
    """
    wanted, units = session.settings.components, session.settings.table.units
    names = [unit.name for unit in units if unit.switch not in ("off", "needed") or unit.name in wanted]
    return [*names, CHECKS.name] if session.engine.info().remote else names


def _list(session: Session, found: Iterable[Resolved]) -> int:
    rows = inventory.rows(session.engine, found, CATALOG.pins)
    printer = session.printer
    printer.table(HEADER, [_cells(row) for row in rows])
    for row in rows:
        if row.differs:
            printer.text(
                f"\n{row.component}: {row.version} instead of the pinned {row.pin}, from {row.built_from}"
            )
    printer.document({"images": [to_builtins(row) for row in rows]})
    return 0


def _cells(row: inventory.Row) -> tuple[str, ...]:
    if not row.id:
        return (row.component, row.ref, "-", row.pin, "-", row.why)
    size = f"{row.size / MIB:.0f} MiB"
    return (row.component, row.ref, row.version, row.pin, size, row.built_from or "registry")


def _check(session: Session) -> int:
    """Newer releases of each image's line, as its registry has them; an error where no registry answers at all."""
    from stack.images.newer import check
    from stack.images.tag_list import TagList

    wanted = {name: session.settings.image(name) or pin.official for name, pin in CATALOG.pins.items()}
    found = check(wanted, CATALOG.pins, TagList().tags)
    document: dict[str, object] = {"images": [to_builtins(one) for one in found]}
    if not any(one.answered for one in found):
        problems = sorted({one.problem for one in found})
        error = RegistryUnreachable("; ".join(problems), hint="nothing is known of newer releases")
        error.details = document
        raise error
    rows = [(one.component, one.image, one.line or "-", one.newest or "-", _says(one)) for one in found]
    session.printer.table(CHECK_HEADER, rows)
    session.printer.document(document)
    return 0


def _says(one: Checked) -> str:
    return one.problem or ("newer" if one.newer else "up to date")


def _pull(session: Session) -> int:
    session.images.images.pull([c for c in _components(session) if c not in PROGRAMS])
    return _list(session, _here(session))


def _build(session: Session) -> int:
    session.images.images.build([c for c in _components(session) if c in CATALOG.recipes or c in PROGRAMS])
    return _list(session, _here(session))


def _save(session: Session) -> int:
    if not session.options.output:
        raise usage("images save needs -o FILE")
    archive = Path(session.options.output).resolve()
    found = session.images.images.present(dict.fromkeys((*_components(session), *CATALOG.pins, *PROGRAMS)))
    try:
        refs = inventory.save(session.engine, found.values(), archive)
    except OSError as error:
        raise ImageError(
            f"{archive}: {error.strerror}", hint="choose a place with space and permission"
        ) from error
    session.printer.line("saved", f"{', '.join(refs)} in {archive}")
    missing = [name for name in _components(session) if not found[name].available]
    for name in missing:
        session.printer.warning(f"not saved {name}: {found[name].why}")
    session.printer.document({"saved": refs, "file": str(archive), "missing": missing})
    return 0


def _load(session: Session) -> int:
    if not session.options.input:
        raise usage("images load needs -i FILE")
    refs = inventory.load(session.engine, Path(session.options.input))
    session.printer.line("loaded", ", ".join(refs))
    session.printer.document({"loaded": refs})
    return 0


def _lock(session: Session) -> int:
    digests = inventory.lock(session.engine, session.settings.home, CATALOG.pins)
    if not digests:
        raise ImageError("no official image is here whose digest could be locked", hint="images pull first")
    session.printer.line("locked", f"{len(digests)} digests in {LOCK_NAME}")
    session.printer.document({"locked": digests})
    return 0


def _env(session: Session) -> int:
    """Variables for .env, so that docker-compose.yml runs the images that are here; --write sets them there."""
    found = [image for image in _here(session) if image.available and image.component in BY_NAME]
    lines = {f"STACK_{image.component.upper()}_IMAGE": image.ref for image in found}
    if session.options.write:
        _merge(session, lines)
    elif not session.printer.json:
        session.printer.raw("\n".join(f"{key}={value}" for key, value in lines.items()))
    session.printer.document(lines)
    return 0


def _merge(session: Session, lines: dict[str, str]) -> None:
    if not lines:
        raise ImageError("no image is here that .env could name", hint="images build, or start, first")
    from stack.config.env_change import set_in_env

    path = set_in_env(session.settings.home, lines)
    session.printer.line("written", f"{', '.join(lines)} in {path}")
