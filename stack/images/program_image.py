"""Builds a program's image: a base, one layer of packages, one layer of the program's own source.

Its name is a function of base, lock file and sources, so an unchanged program never rebuilds, and a changed one
rebuilds only the last layer. Byte code is compiled inside the image, whose root is read-only when it runs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from stack.common.errors import BuildFailed
from stack.common.files import read_json, scratch_file, write_atomically
from stack.engine.interface import Job
from stack.images.interface import ImageEngine, Tell
from stack.images.pins import LABEL_BUILT_FROM, LABEL_RECIPE, LABEL_VERSION
from stack.images.programs import SOURCE_FILE, Inputs
from stack.images.tree import Member, file_member, folder_member, write_members
from stack.images.wheels import PROBE, Interpreter, gather
from stack.model.events import Progress
from stack.model.spec import NAMESPACE, NOBODY

KEEP_SECONDS = 86400.0


class ProgramBuilder(Struct, frozen=True):
    """Builds one program's image on ``engine``; packages are cached below ``cache``."""

    engine: ImageEngine
    cache: Path
    tell: Tell
    clock: Callable[[], float] = time.time

    def build(self, inputs: Inputs, base_ref: str) -> str:
        """Make the image on the base and return its id. Raises BuildFailed."""
        program = inputs.program
        base = self.engine.image(base_ref)
        if base is None:
            raise BuildFailed(
                f"{program.name}: its base {base_ref} is not there", hint="monitoring-stack images build"
            )
        packages = self._packages(inputs, base.id)
        self.tell(Progress(program.name, "adding the program"))
        name = inputs.name(base.id)
        labels = {
            LABEL_RECIPE: inputs.digest(),
            LABEL_BUILT_FROM: f"{base_ref} {program.lock}",
            LABEL_VERSION: inputs.key(base.id),
        }
        files = {path: file_member(content) for path, content in inputs.sources}
        image = self._build(program.name, SOURCE_FILE % packages, files, (name, labels))
        self.engine.tag(image, program.local)
        self._retire(self.cache / f"{program.name}-images.json", {name, packages})
        self.tell(Progress(program.name, "built"))
        self.tell(Progress.over(program.name))
        return image

    def _packages(self, inputs: Inputs, base: str) -> str:
        program, name = inputs.program, inputs.packages_name(base)
        if self.engine.image(name) is not None:
            return name
        self.tell(Progress(program.name, "gathering Python packages"))
        site = gather(inputs.lock, self._interpreter(base), self.cache)
        self.tell(Progress(program.name, "adding Python packages"))
        files = {f"site/{path}": member for path, member in _folder(site)}
        data = {"data": folder_member(NOBODY)} if program.data else {}
        self._build(program.name, program.packages_file % base, {**files, **data}, (name, {}))
        return name

    def _retire(self, record: Path, fresh: set[str]) -> None:
        """Names that no build has made for a day go; the engine keeps an image that a container uses."""
        made = {**read_json(record), **dict.fromkeys(fresh, self.clock())}
        old = {name for name, then in made.items() if self.clock() - then > KEEP_SECONDS}
        for name in old:
            self.engine.untag(name)
        write_atomically(record, json.dumps({n: then for n, then in made.items() if n not in old}).encode())

    def _interpreter(self, base: str) -> Interpreter:
        ran = self.engine.run(NAMESPACE, Job(base, ("python3", "-c", PROBE)))
        words = ran.output.split()
        if ran.code != 0 or len(words) != 2:
            raise BuildFailed(f"python3 does not run in the base: {ran.output.strip()[-200:]}")
        return Interpreter(*words)

    def _build(
        self, topic: str, dockerfile: str, files: dict[str, Member], made: tuple[str, dict[str, str]]
    ) -> str:
        """One image with its name and labels; the engine's words about it are told as they come."""
        with scratch_file(self.cache) as out:
            write_members({**files, "Dockerfile": file_member(dockerfile.encode())}, out)
            out.seek(0)
            return self.engine.build_image(
                out, *made, lambda line: self.tell(Progress(topic, line, passing=True))
            )


def _folder(root: Path) -> Iterator[tuple[str, Member]]:
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield path.relative_to(root).as_posix(), file_member(path.read_bytes(), 0o644)
