"""Whole volumes of the Docker engine: their content as a tar, and a tar in the place of their content.

The work is done by ``keeping_program`` in a container that the engine removes by itself, whatever becomes of us.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from stack.common.errors import StartFailed
from stack.engine import archive, convert, failures
from stack.engine.client import TAR, Client
from stack.engine.containers import Containers
from stack.engine.frames import framed
from stack.engine.transport import Reply
from stack.engine.volumes import Volumes
from stack.model.volumes import Damage, VolumeKind

SILENCE = 600.0
"""Seconds in which nothing may come: a large database is copied before its first byte is given."""
STDOUT = 1


class Keeping:
    """One volume at a time."""

    def __init__(self, client: Client, containers: Containers, volumes: Volumes) -> None:
        self._client = client
        self._containers = containers
        self._volumes = volumes

    def gather(self, stack: str, image: str, volume: str, kind: VolumeKind) -> Generator[bytes]:
        """See ``Engine``."""
        return self._work(stack, image, volume, ("gather", kind), f"read volume {volume}")

    def adopt(self, stack: str, image: str, volume: str) -> None:
        """See ``Engine``."""
        self._do(stack, image, volume, ("adopt",), f"replace what volume {volume} holds")

    def unstage(self, stack: str, image: str, volume: str) -> None:
        """See ``Engine``."""
        self._do(stack, image, volume, ("unstage",), f"clear volume {volume}")

    def examine(
        self, stack: str, image: str, volume: str, kind: VolumeKind, now: float, *, deep: bool
    ) -> tuple[Damage, ...]:
        """See ``Engine``."""
        words = ("examine", kind, f"{now:.0f}", "deep" if deep else "quick")
        told = b"".join(self._work(stack, image, volume, words, f"examine volume {volume}"))
        return tuple(damage(*json.loads(line)) for line in told.splitlines())

    def set_aside(self, stack: str, image: str, volume: str, folder: str, paths: tuple[str, ...]) -> None:
        """See ``Engine``."""
        words = ("aside", folder, *map(archive.inside, paths))
        self._do(stack, image, volume, words, f"move aside in volume {volume}")

    def keep(self, stack: str, image: str, volume: str, kind: VolumeKind) -> None:
        """See ``Engine``."""
        self._do(stack, image, volume, ("keep", kind), f"keep what volume {volume} holds")

    def from_dump(self, stack: str, image: str, volume: str) -> None:
        """See ``Engine``."""
        self._do(stack, image, volume, ("from_dump",), f"make room in volume {volume}")

    def give_back(self, stack: str, image: str, volume: str) -> None:
        """See ``Engine``."""
        self._do(stack, image, volume, ("give_back",), f"put back what volume {volume} held")

    def stage(self, stack: str, image: str, volume: str, tar: BinaryIO) -> None:
        """See ``Engine``."""
        self._volumes.needed(volume)
        helper = self._containers.create(
            convert.helper_name(stack), convert.helper_body(stack, image, volume)
        )
        try:
            with self._client.asking(f"fill volume {volume}"):
                path = f"containers/{helper}/archive"
                where = {"path": convert.VOLUME_ROOT}
                self._client.read("PUT", path, query=where, data=tar, headers=TAR, seconds=SILENCE)
        finally:
            self._containers.discard(helper)

    def _do(self, stack: str, image: str, volume: str, words: tuple[str, ...], what: str) -> None:
        """What the program does where it writes nothing."""
        for _ in self._work(stack, image, volume, words, what):
            pass

    def _work(
        self, stack: str, image: str, volume: str, words: tuple[str, ...], what: str
    ) -> Generator[bytes]:
        """What the program writes, as it comes; StartFailed unless it says at the end that all was done."""
        self._volumes.needed(volume)
        verb, *rest = words
        argv = ("python3", "-I", "-S", "-c", _program(), verb, convert.VOLUME_ROOT, *rest)
        helper = self._containers.create(
            convert.helper_name(stack), convert.volume_body(stack, image, volume, argv)
        )
        said = b""
        try:
            with self._client.asking(what), self._attached(helper) as reply:
                self._containers.run(helper)
                reply.allow_silence(SILENCE)
                for stream, part in framed(reply.chunks):
                    if stream == STDOUT:
                        yield part
                    else:
                        said += part
        finally:
            self._containers.discard(helper)
        from stack.engine.keeping_program import WHOLE

        *words_said, last = said.decode(errors="replace").strip().splitlines() or [""]
        if last != WHOLE:
            told = failures.one_line(last or "it ended without a word")
            raise StartFailed(f"{what}: {told}", logs=tuple(words_said))

    def _attached(self, helper: str) -> Reply:
        """Its output from its first byte on; it ends once nobody reads it any more."""
        wanted = {"stream": 1, "stdin": 1, "stdout": 1, "stderr": 1}
        return self._client.open("POST", f"containers/{helper}/attach", query=wanted)


def damage(path: str, why: str, moved: list[str]) -> Damage:
    """What the program found, as a value."""
    return Damage(path, why, tuple(moved))


PROGRAMS = ("keeping_program", "examining_program", "upgrading_program")


def _program() -> str:
    """All programs as one text, the later ones knowing the first by its name."""
    here = Path(__file__)
    sources = {f"stack.engine.{one}": here.with_name(f"{one}.py").read_text("utf-8") for one in PROGRAMS}
    return LOADER.format(sources=sources)


LOADER = """
import sys, types
for name in ("stack", "stack.engine"):
    sys.modules[name] = types.ModuleType(name)
for name, source in {sources!r}.items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
others = dict.fromkeys(("examine", "aside"), "examining") | dict.fromkeys(
    ("keep", "from_dump", "give_back"), "upgrading"
)
works = "stack.engine." + others.get(sys.argv[1], "keeping") + "_program"
sys.exit(sys.modules[works].main(*sys.argv[1:]))
"""
