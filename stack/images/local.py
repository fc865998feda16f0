"""Images built on this machine from distribution packages: gather, pack, import, ask the version, then name them.

An image gets its final name only after its program has answered ``--version``; what is interrupted before leaves at
most a name of its own that the next build takes over. Never decides whether to build.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from stack.common.errors import BuildFailed
from stack.common.files import scratch_file
from stack.engine.interface import Job
from stack.images.catalog import Catalog
from stack.images.debian import ARCHITECTURES, SUITE, Deb, Debian
from stack.images.interface import ImageEngine, Tell
from stack.images.pins import BASE, LABEL_BUILT_FROM, LABEL_PIN, LABEL_RECIPE, LABEL_VERSION, Pin
from stack.images.recipes import Recipe
from stack.images.tree import file_member, write_members, write_tree
from stack.model.events import Progress
from stack.model.spec import NAMESPACE

WORKERS = (os.cpu_count() or 1) + 1
"""Packing is work for a core; one more worker has something to do while the engine imports."""


def ignore(_: str) -> None:
    """A listener that does not care."""


class LocalBuilder(Struct, frozen=True):
    """Builds on ``engine``; downloads and temporary files live below ``cache``."""

    engine: ImageEngine
    cache: Path
    catalog: Catalog
    tell: Tell
    built: Callable[[str], None] = ignore
    """Called with each component, in the thread that built it, as soon as its image is there."""

    def build(self, components: Iterable[str]) -> dict[str, str]:
        """Build all of them, in parallel; the image id of each. Raises BuildFailed."""
        known = self.catalog.recipes
        wanted = {name: known[name] for name in sorted(components, key=_others_wait_for_it, reverse=True)}
        for name in wanted:
            self.tell(Progress(name, "fetching packages"))
        debs = self._debian().gather({name: recipe.packages for name, recipe in wanted.items()})
        with ThreadPoolExecutor(WORKERS) as pool:
            built = [
                pool.submit(self._one, self.catalog.pins[n], recipe, debs[n]) for n, recipe in wanted.items()
            ]
        return {name: future.result() for name, future in zip(wanted, built, strict=True)}

    def _one(self, pin: Pin, recipe: Recipe, debs: tuple[Deb, ...]) -> str:
        candidate = f"{NAMESPACE}/{pin.component}:candidate"
        self.tell(Progress(pin.component, "packing"))
        with scratch_file(self.cache) as tar:
            write_tree([deb.path for deb in debs], recipe, tar)
            tar.seek(0)
            self.tell(Progress(pin.component, "importing"))
            self.engine.import_image(tar, candidate, recipe.config)
        labels = {
            LABEL_VERSION: self._version(pin, candidate),
            LABEL_BUILT_FROM: built_from(debs, recipe.main),
            LABEL_PIN: pin.official,
            LABEL_RECIPE: recipe.digest(),
        }
        image = self.engine.build_image(_from(candidate), pin.local, labels, lambda _: None)
        self.engine.untag(candidate)
        self.tell(Progress(pin.component, f"built version {labels[LABEL_VERSION]}"))
        self.tell(Progress.over(pin.component))
        self.built(pin.component)
        return image

    def _version(self, pin: Pin, image: str) -> str:
        ran = self.engine.run(NAMESPACE, Job(image, pin.version_argv))
        version = version_in(ran.output)
        if ran.code != 0 or not version:
            last = (ran.output.strip().splitlines() or ["no output"])[-1]
            raise BuildFailed(
                f"{pin.component}: {' '.join(pin.version_argv)} failed in the built image: {last}"
            )
        return version

    def _debian(self) -> Debian:
        machine = self.engine.info().architecture
        return Debian(self.cache / "debian", ARCHITECTURES.get(machine, machine))


def _others_wait_for_it(component: str) -> bool:
    return component == BASE.component


def version_in(output: str) -> str:
    """The version in a program's answer: the first word that begins with a digit, without the packager's suffix."""
    words = (word.lstrip("v") for word in output.split())
    found = next((word for word in words if word[:1].isdigit()), "")
    return found.partition("+")[0].partition("-")[0].rstrip(",")


def built_from(debs: Iterable[Deb], main: str) -> str:
    """Where the image came from, for its label: the suite and the main package with its full version."""
    version = next((deb.version for deb in debs if deb.name == main), "?")
    return f"Debian {SUITE} {main} {version}"


def _from(image: str) -> io.BytesIO:
    return context({"Dockerfile": f"FROM {image}\n".encode()})


def context(files: Mapping[str, bytes]) -> io.BytesIO:
    """A reproducible build context of plain files."""
    out = io.BytesIO()
    write_members({path: file_member(content) for path, content in files.items()}, out)
    out.seek(0)
    return out
