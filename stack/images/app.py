"""The application's image: a base, one layer of packages, one layer of this program's own source.

Its name is a function of base, lock file and sources, so an unchanged program never rebuilds, and a changed one
rebuilds only the last layer. Byte code is compiled inside the image, whose root is read-only when it runs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stack.common.errors import BuildFailed
from stack.common.files import read_json, scratch_file, write_atomically
from stack.engine.interface import Job
from stack.images.app_inputs import LOCK_NAME, PACKAGES_FILE, SOURCE_FILE, AppInputs, short
from stack.images.interface import ImageEngine, Tell
from stack.images.pins import (
    APP_LOCAL,
    APP_REPOSITORY,
    LABEL_BUILT_FROM,
    LABEL_RECIPE,
    LABEL_VERSION,
    NOBODY,
)
from stack.images.tree import Member, file_member, folder_member, write_members
from stack.images.wheels import PROBE, Interpreter, gather
from stack.model.events import Progress
from stack.model.spec import NAMESPACE

KEEP_SECONDS = 86400.0


@dataclass(frozen=True, slots=True)
class AppBuilder:
    """Builds the application's image on ``engine``; packages are cached below ``cache``."""

    engine: ImageEngine
    cache: Path
    tell: Tell
    clock: Callable[[], float] = time.time

    def build(self, inputs: AppInputs, base_ref: str) -> str:
        """Make the image on the base and return its id. Raises BuildFailed."""
        base = self.engine.image(base_ref)
        if base is None:
            raise BuildFailed(f"app: its base {base_ref} is not there", hint="monitoring-stack images build")
        packages = self._packages(inputs, base.id)
        self.tell(Progress("app", "adding the program"))
        name = inputs.name(base.id)
        labels = {
            LABEL_RECIPE: inputs.digest(),
            LABEL_BUILT_FROM: f"{base_ref} {LOCK_NAME}",
            LABEL_VERSION: inputs.key(base.id),
        }
        files = {path: file_member(content) for path, content in inputs.sources}
        image = self._build(SOURCE_FILE % packages, files, name, labels)
        self.engine.tag(image, APP_LOCAL)
        self._retire({name, packages})
        self.tell(Progress("app", "built"))
        return image

    def _packages(self, inputs: AppInputs, base: str) -> str:
        name = f"{APP_REPOSITORY}-packages:{short(base, PACKAGES_FILE, inputs.lock.decode())}"
        if self.engine.image(name) is not None:
            return name
        self.tell(Progress("app", "gathering Python packages"))
        site = gather(inputs.lock, self._interpreter(base), self.cache)
        self.tell(Progress("app", "adding Python packages"))
        files = {f"site/{path}": member for path, member in _folder(site)}
        self._build(PACKAGES_FILE % base, {**files, "data": folder_member(NOBODY)}, name, {})
        return name

    def _retire(self, fresh: set[str]) -> None:
        """Names that no build has made for a day go; the engine keeps an image that a container uses."""
        record = self.cache / "app-images.json"
        made = {**read_json(record), **dict.fromkeys(fresh, self.clock())}
        old = {name for name, then in made.items() if self.clock() - then > KEEP_SECONDS}
        for name in old:
            self.engine.untag(name)
        write_atomically(record, json.dumps({n: then for n, then in made.items() if n not in old}).encode())

    def _interpreter(self, base: str) -> Interpreter:
        ran = self.engine.run(NAMESPACE, Job(base, ("python3", "-c", PROBE)))
        words = ran.output.split()
        if ran.code != 0 or len(words) != 2:
            raise BuildFailed(f"app: python3 does not run in its base: {ran.output.strip()[-200:]}")
        return Interpreter(*words)

    def _build(self, dockerfile: str, files: dict[str, Member], name: str, labels: dict[str, str]) -> str:
        with scratch_file(self.cache) as out:
            write_members({**files, "Dockerfile": file_member(dockerfile.encode())}, out)
            out.seek(0)
            return self.engine.build_image(out, name, labels, lambda _: None)


def _folder(root: Path) -> Iterator[tuple[str, Member]]:
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield path.relative_to(root).as_posix(), file_member(path.read_bytes(), 0o644)
