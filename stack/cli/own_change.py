"""One change of the user's own files: judged before anything is written, applied to what runs, proven, else undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from stack.cli.bring_up import bring_up, validated
from stack.cli.lifecycle import show_plan
from stack.cli.session import Session
from stack.common.errors import StackError
from stack.common.files import write_atomically
from stack.config.tree import OWN

if TYPE_CHECKING:
    from stack.deploy.describe import Description
    from stack.model.observed import Observed

UNDONE = "nothing was changed"


class OwnFile(Struct, frozen=True):
    """A file by its path, which begins with ``own/``, and what becomes of it; without ``content`` it goes."""

    path: str
    content: bytes | None
    mode: int = 0o644


def make_change(session: Session, files: Sequence[OwnFile], prove: Callable[[Description], None]) -> bool:
    """Whether a running stack took the files and ``prove`` found them to hold; with --dry-run prints the plan.

    The plan is that of files that were found good, where the images that judge them are there.

    Where nothing runs, the files are validated and written, for a start to apply. ``prove`` raises a ``StackError``
    where the change does not hold; then, and after any other failure, files and stack are as they were.
    """
    if session.options.dry_run:
        _overlay(session, files)
        description = _described(session, session.engine.observe(session.name), provide=False)
        if all(s.image_id and session.engine.image(s.image_id) for s in description.spec.services):
            validated(session, description)
        show_plan(session, description)
        return False
    with session.lock():
        observed = session.engine.observe(session.name)
        _overlay(session, files)
        description = _described(session, observed)
        validated(session, description)
        if not _runs(observed):
            _write(session.plain.home, files)
            return False
        _apply(session, observed, description, files, prove)
    return True


def _overlay(session: Session, files: Iterable[OwnFile]) -> None:
    session.lay_over({file.path: file.content for file in files})


def _runs(observed: Observed) -> bool:
    return any(container.running for container in observed.containers)


def _described(session: Session, observed: Observed, *, provide: bool = True) -> Description:
    if not _runs(observed):
        return session.described(provide=provide)
    return session.as_it_should(observed, keep_bind=session.may_stay(observed), provide=provide)


def _apply(
    session: Session,
    observed: Observed,
    description: Description,
    files: Sequence[OwnFile],
    prove: Callable[[Description], None],
) -> None:
    home = session.plain.home
    before = [_as_it_is(home, file) for file in files]
    try:
        _write(home, files)
        bring_up(session, description)
        prove(description)
    except BaseException as error:
        said = _undo(session, observed, before)
        if isinstance(error, StackError):
            error.hint = "; ".join(filter(None, (error.hint, said)))
        raise


def _undo(session: Session, observed: Observed, before: Sequence[OwnFile]) -> str:
    """Files and stack are as before; what of it failed, in words."""
    _write(session.plain.home, before)
    session.lay_over({})
    try:
        bring_up(session, _described(session, observed))
    except StackError as error:
        return f"the files are as before, the stack is not ({error.message}): monitoring-stack reload"
    return UNDONE


def _as_it_is(home: Path, file: OwnFile) -> OwnFile:
    path = home / file.path
    try:
        return OwnFile(file.path, path.read_bytes(), path.stat().st_mode & 0o777)
    except FileNotFoundError:
        return OwnFile(file.path, None)


def _write(home: Path, files: Iterable[OwnFile]) -> None:
    for file in files:
        path = home / file.path
        if file.content is not None:
            write_atomically(path.resolve(), file.content, file.mode)  # a link stays one
            continue
        path.unlink(missing_ok=True)
        for folder in Path(file.path).parents:
            if folder == Path(OWN):
                break
            with suppress(OSError):  # others' files lie there
                (home / folder).rmdir()
