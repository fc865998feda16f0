"""The images of the wanted components, as this command may have them: what is there, or with all work done.

Only a component that is switched to ``auto`` may be missing; any other without an image is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from msgspec import Struct

from stack.common.errors import Degraded, ImageError, StackError
from stack.components import BY_NAME, CATALOG
from stack.components.build import Image
from stack.config.settings import Settings
from stack.engine.interface import Engine
from stack.images.decide import Source
from stack.images.lock import read_layers, read_lock
from stack.images.programs import CHECKS
from stack.images.registries import MEMORY, Patience, Registries, in_reach, never_in_reach
from stack.images.resolved import Resolved
from stack.images.resolver import WAY_OUT, Images
from stack.model.events import Event

WORDS = {Source.PRESENT: "present", Source.PULL: "pulled", Source.BUILD: "built here"}


class Found(Struct, frozen=True):
    """Images by component, and what is absent with its reason."""

    images: dict[str, Image]
    absent: tuple[tuple[str, str], ...]
    check_image: str = ""
    """Where checks run that must run inside the stack's network; empty where none must."""


def registries_of(settings: Settings, engine: Engine) -> Registries:
    """The registries as one command asks them."""
    info = engine.info()
    return Registries(
        settings.cache / MEMORY,
        scope=info.address,
        patience=Patience(settings["registry.patience"], settings["registry.remember"]),
        look=never_in_reach if info.remote else in_reach,
    )


@dataclass
class ImageSelection:
    """Resolution for one command; remembers what it found for the words about it."""

    settings: Settings
    engine: Engine
    emit: Callable[[Event], None]
    found: dict[str, Resolved] = field(default_factory=dict)
    way_out: str = WAY_OUT
    registries: Registries | None = None
    """What one command has learnt of them; without it each selection asks for itself."""

    @property
    def images(self) -> Images:
        """The resolver with the user's own references and locked digests."""
        named = (*self.settings.table.names, "python")
        own = {name: self.settings.image(name) for name in named if self.settings.image(name)}
        return Images(
            self.engine,
            self.settings.cache,
            CATALOG,
            overrides=own,
            digests=read_lock(self.settings.home, CATALOG.pins),
            layers=read_layers(self.settings.home, CATALOG.pins),
            tell=self.emit,
            registries=self.registries or registries_of(self.settings, self.engine),
            scope=self.engine.info().address,
        )

    def look(self) -> None:
        """Finds what the engine holds, for ``provide`` to go on from."""
        self.found = self.images.present(self._wanted())

    def present(self) -> Found:
        """What the engine holds; a missing image is described by its reference and no id."""
        self.look()
        return self._described(image for image in self.found.values() if self._runs(image))

    def provide(self) -> Found:
        """The same after pulling and building. ``ImageError`` where one that must run cannot be had."""
        self.found = self.images.provide(self._wanted(), self.found)
        for image in self.found.values():
            if not image.available and not self._optional(image.component):
                raise self._lacking(image)
        return self._described(image for image in self.found.values() if image.available)

    def _lacking(self, image: Resolved) -> StackError:
        """One that may be absent by default and was asked for is a degradation that was refused."""
        unit = next((u for u in self.settings.table.units if u.name == image.component), None)
        if unit is not None and unit.switch == "auto":
            title = BY_NAME[unit.name].title
            return Degraded(f"{title} is required and cannot run: {image.why}", hint=self.way_out)
        return ImageError(f"no image for {image.component}: {image.why}", hint=WAY_OUT)

    def _described(self, found: Iterable[Resolved]) -> Found:
        images = {image.component: Image(image.ref, image.id) for image in found}
        inside = images.pop(CHECKS.name, None)
        return Found(images, self._absent(), inside.ref if inside else "")

    def check_image(self) -> str:
        """The image that checks run in inside a remote engine's network, built if need be; empty for one that is here.

        ``ImageError`` where it cannot be had.
        """
        if not self.engine.info().remote:
            return ""
        image = self.images.provide((CHECKS.name,))[CHECKS.name]
        if not image.available:
            raise ImageError(f"no image for {CHECKS.name}: {image.why}", hint=WAY_OUT)
        return image.ref

    @property
    def missing(self) -> tuple[str, ...]:
        """Components whose image is not there."""
        return tuple(name for name, image in self.found.items() if not image.available)

    @property
    def summary(self) -> str:
        """How many came from where."""
        counts = Counter(WORDS[image.source] for image in self.found.values() if image.available)
        rest = [f"no {name}" for name in self.missing]
        return ", ".join([f"{count} {word}" for word, count in counts.items()] + rest)

    def _wanted(self) -> tuple[str, ...]:
        """A remote engine is checked from inside, which takes an image of its own."""
        names = self.settings.components
        return (*names, CHECKS.name) if self.engine.info().remote else names

    def _runs(self, image: Resolved) -> bool:
        return image.available or not self._optional(image.component)

    def _optional(self, component: str) -> bool:
        return component in self.settings.components and self.settings.switch(component) == "auto"

    def _absent(self) -> tuple[tuple[str, str], ...]:
        return tuple((n, i.why) for n, i in self.found.items() if self._optional(n) and not i.available)
