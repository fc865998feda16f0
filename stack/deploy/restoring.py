"""Data of an archive in the place of a stack's own: all of it or nothing, wherever it is interrupted.

Everything is first laid beside what is there. Then the state document, which is written wholly or not at all, says
that the new one counts; from there on each step can be repeated until it is done, by whichever command comes next.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from stack.archives.entries import below, stream_of
from stack.archives.reading import Archive
from stack.common.errors import StartFailed
from stack.common.files import write_atomically
from stack.components import COMPONENTS
from stack.config.settings import Settings
from stack.deploy.state import StateStore
from stack.engine.interface import Engine
from stack.model.observed import Observed
from stack.model.spec import data_volume
from stack.model.state import Restoring, StackState
from stack.model.volumes import STAGED

Told = Callable[[str, int, int], None]
"""Hears of a component, how many of its bytes are there, and how many it has."""


def volumes_of(stack: str, observed: Observed) -> dict[str, str]:
    """Component > its data volume, of those that are there and hold what a backup must."""
    named = {c.name: data_volume(stack, c.name) for c in COMPONENTS if c.data}
    return {component: volume for component, volume in named.items() if volume in observed.volumes}


def not_taken(stack: str, observed: Observed) -> dict[str, str]:
    """Component > why its data volume is in no backup."""
    others = (c.name for c in COMPONENTS if not c.data and data_volume(stack, c.name) in observed.volumes)
    return dict.fromkeys(others, "its data is not taken")


def staged_in(settings: Settings) -> Path:
    """Where files for the user's own folder lie until the restore counts that brings them."""
    return settings.state / "restore"


def settle(engine: Engine, state: StateStore, settings: Settings) -> str:
    """Ends a restore that was interrupted: undone, or done where it counted already. In words; empty for none."""
    under = state.now.restoring
    if under is None:
        return ""
    _clear_helpers(engine, state.stack)
    if under.decided:
        _finish(engine, state, under, settings)
        return "an interrupted restore was finished"
    _undo(engine, state, under, staged_in(settings))
    return "an interrupted restore was undone: the data is what it was before"


def lay(engine: Engine, state: StateStore, image: str, archive: Archive, told: Told) -> Restoring:
    """All data of the archive beside what is there; after a failure nothing of it is left."""
    stack = state.stack
    there = engine.observe(stack).volumes
    parts = {one: data_volume(stack, one.component) for one in archive.manifest.members if one.component}
    volumes = tuple(parts.values())
    made = tuple(volume for volume in volumes if volume not in there)
    under = Restoring(image, volumes, made, fresh=engine.read_state(stack) is None)
    state.change(restoring=under)
    try:
        for member, volume in parts.items():

            def seen(size: int, name: str = member.component, total: int = member.content) -> None:
                told(name, size, total)

            engine.create_volume(volume, stack)
            engine.unstage(stack, image, volume)
            content = below(STAGED, archive.content(member, seen), f"{archive.path}: {member.name}")
            engine.stage(stack, image, volume, stream_of(content))
    except BaseException:
        _clear_helpers(engine, stack)
        _undo(engine, state, under, None)
        raise
    return under


def lay_files(settings: Settings, files: Mapping[str, tuple[bytes, int]]) -> None:
    """Files of the user's own folder beside it, by path."""
    staged = staged_in(settings)
    shutil.rmtree(staged, ignore_errors=True)
    for path, (content, mode) in files.items():
        write_atomically(staged / path, content, mode)


def decide(engine: Engine, state: StateStore, under: Restoring, settings: Settings, **told: Any) -> None:
    """From here on what was laid beside counts; ``told`` are fields of the state that it brings."""
    decided = Restoring(under.image, under.volumes, under.made, fresh=under.fresh, decided=True)
    state.change(restoring=decided, proven=None, started=(), drilled=(), detour="", **told)
    _finish(engine, state, decided, settings)


def give_up(engine: Engine, state: StateStore, under: Restoring, settings: Settings) -> None:
    """What was laid beside goes again."""
    _undo(engine, state, under, staged_in(settings))


def _finish(engine: Engine, state: StateStore, under: Restoring, settings: Settings) -> None:
    home, staged = settings.home, staged_in(settings)
    for volume in under.volumes:
        engine.adopt(state.stack, under.image, volume)
    if staged.is_dir():
        for path in sorted(one for one in staged.rglob("*") if one.is_file()):
            target = home / path.relative_to(staged)
            write_atomically(target.resolve(), path.read_bytes(), path.stat().st_mode & 0o777)
        shutil.rmtree(staged)
    state.change(restoring=None)


def _undo(engine: Engine, state: StateStore, under: Restoring, staged: Path | None) -> None:
    there = engine.observe(state.stack).volumes
    for volume in (one for one in under.volumes if one in there):
        if volume in under.made:
            engine.remove_volume(volume)
        else:
            engine.unstage(state.stack, under.image, volume)
    if staged is not None:
        shutil.rmtree(staged, ignore_errors=True)
    state.change(restoring=None)
    if under.fresh and state.now == StackState():
        engine.remove_state(state.stack)
        state.forget_all()


def _clear_helpers(engine: Engine, stack: str) -> None:
    """Helpers of a killed command still hold its volumes."""
    for left in engine.observe(stack).leftovers:
        if left.component == "helper":
            engine.remove(left.id)


def refuse_running(observed: Observed) -> None:
    """StartFailed where a container of the stack runs."""
    runs = [one.component for one in observed.containers if one.running]
    if runs:
        raise StartFailed(
            f"stack {observed.name} runs ({', '.join(runs)}): its data cannot be replaced meanwhile",
            hint="monitoring-stack stop, or another name: --name",
        )


def newer(versions: Mapping[str, str], here: Mapping[str, str]) -> Iterable[tuple[str, str, str]]:
    """Component, its version in the archive, that of the image here, where the archive's is the newer one.

    Only the first two numbers count: within them products read each other's data.
    """
    for component, version in versions.items():
        if component in here and _numbers(version) > _numbers(here[component]) > ():
            yield component, version, here[component]


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.removeprefix("v").partition("-")[0].split(".")[:2]
    return tuple(int(one) for one in parts) if all(one.isdigit() for one in parts) else ()
