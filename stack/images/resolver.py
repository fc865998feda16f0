"""The door of this package: which image each component runs, and the work to have it.

Observes, lets ``decide`` decide, acts, and decides again with what it learnt. Only work that changes something takes
the lock, so two starts never build twice and a start with all images present waits for nobody. Never runs a component.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from stack.common.errors import BuildFailed, RegistryUnreachable
from stack.common.files import clear_unfinished, exclusive
from stack.engine.interface import ImageInfo
from stack.images.catalog import Catalog
from stack.images.decide import LOCAL_CURRENT, LOCAL_STALE, Decision, Facts, Source, decide, wanted
from stack.images.interface import ImageEngine, Tell
from stack.images.lock import checksum
from stack.images.pins import BASE, Pin, pinned, registry_of
from stack.images.programs import PROGRAMS, Inputs, Program, read_inputs
from stack.images.registries import MEMORY, Registries
from stack.images.resolved import Resolved, baseless, made_by, program_present
from stack.model.events import Progress

if TYPE_CHECKING:
    from stack.images.local import LocalBuilder

WAITING = Progress("images", "another command is fetching or building images; waiting for it")
WAY_OUT = "bring the image with `docker load` or `monitoring-stack images load`, or reach a registry and start again"


def _obstacle() -> str:
    from stack.images import debian

    return debian.obstacle()


def ignore(_: str) -> None:
    """A listener that does not care."""


def silent(_: Progress) -> None:
    """A listener that does not care."""


class Images(Struct, frozen=True):
    """Images on one engine.

    ``overrides``: the user's own reference by component; ``digests``: locked content; ``layers``: by which that is
    known where an archive has brought it; ``scope``: the engine's address, since what one engine cannot reach another
    one may.
    """

    engine: ImageEngine
    cache: Path
    catalog: Catalog
    overrides: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, str] = field(default_factory=dict)
    tell: Tell = silent
    obstacle: Callable[[], str] = _obstacle
    inputs: Callable[[Program], Inputs] = read_inputs
    registries: Registries | None = None
    scope: str = ""

    def present(self, components: Iterable[str]) -> dict[str, Resolved]:
        """What is there now; fetches and builds nothing."""
        names = tuple(components)
        with ThreadPoolExecutor(max(1, len(names))) as pool:
            return dict(zip(names, pool.map(self._present, names), strict=True))

    def provide(
        self, components: Iterable[str], seen: Mapping[str, Resolved] = MappingProxyType({})
    ) -> dict[str, Resolved]:
        """The same after pulling and building what is missing. Raises PullRefused or BuildFailed.

        ``seen``: what has been found just now.
        """
        names = tuple(components)
        found = dict(seen) if seen.keys() == set(names) else self.present(names)
        if all(image.available or image.source is Source.UNAVAILABLE for image in found.values()):
            return found
        with self._alone():
            self.tell(Progress.over(WAITING.topic))
            clear_unfinished(self.cache)
            return self._provide(names)

    def pull(self, components: Iterable[str]) -> dict[str, Resolved]:
        """Pull the official images even where a local one would do. Raises RegistryUnreachable or PullRefused."""
        registries = self._registries()
        registries.forget()
        pins = [self.catalog.pins[name] for name in components if name in self.catalog.pins]
        _each(partial(self._pull, registries, pin, self._wanted(pin)) for pin in pins)
        return self.present([pin.component for pin in pins])

    def build(self, components: Iterable[str]) -> dict[str, Resolved]:
        """Build anew whatever can be built here, present or not. Raises BuildFailed."""
        names = tuple(components)
        buildable = [name for name in names if name in self.catalog.recipes]
        with self._alone():
            if buildable:
                self._builder().build(buildable)
            programs = [PROGRAMS[name] for name in names if name in PROGRAMS]
            if not programs:
                return self.present(names)
            base = self._provide_pins((BASE.component,))[BASE.component]
            built = {p.name: self._provide_program(base, self.inputs(p)) for p in programs}
        return {**self.present(names), **built}

    def _present(self, name: str) -> Resolved:
        if self._is_ours(name):
            return program_present(self.engine, self.inputs(PROGRAMS[name]), self._present(BASE.component))
        pin = self._pin(name)
        held = self._held(pin)
        facts = self._facts(pin, held)
        decision = decide(pin, replace(facts, registry_silent=True))
        if decision.source is not Source.PRESENT:
            registries, registry = self._registries(), registry_of(self._wanted(pin))
            asked = _asked(facts, registries, registry)
            decision = decide(pin, replace(asked, silent_before=registries.before(registry)))
        return _resolved(pin, decision, held.get(decision.ref))

    def _is_ours(self, name: str) -> bool:
        """Whether it is made of this package's own code, and not an image that the settings name."""
        return name in PROGRAMS and not self.overrides.get(name)

    def _provide(self, names: tuple[str, ...]) -> dict[str, Resolved]:
        found = self.present(names)
        missing = [name for name in names if not found[name].available]
        ours = [PROGRAMS[name] for name in missing if self._is_ours(name)]
        pins = [name for name in missing if not self._is_ours(name)]
        return {**found, **(self._provide_with(ours, pins) if ours else self._provide_pins(pins))}

    def _provide_with(self, programs: list[Program], pins: list[str]) -> dict[str, Resolved]:
        """Programs are built as soon as their base is there, while other images are still being made."""
        inputs = [self.inputs(program) for program in programs]
        early: dict[str, Resolved] = {}

        def built(component: str) -> None:
            if component == BASE.component:
                base = self._present(BASE.component)
                early.update({i.program.name: self._provide_program(base, i) for i in inputs})

        found = self._provide_pins([BASE.component, *pins], built)
        base = found.pop(BASE.component)
        return {**found, **(early or {i.program.name: self._provide_program(base, i) for i in inputs})}

    def _provide_pins(
        self, names: Iterable[str], built: Callable[[str], None] = ignore
    ) -> dict[str, Resolved]:
        """Pulls in parallel first; what no registry gives is then built, in parallel too."""
        pins = [self._pin(name) for name in names]
        registries = self._registries()
        decisions: dict[str, Decision] = {}

        def settle(pin: Pin) -> None:
            decisions[pin.component] = self._pull_or_else(registries, pin)

        _each(partial(settle, pin) for pin in pins)
        to_build = [pin for pin in pins if decisions[pin.component].source is Source.BUILD]
        if to_build:
            decisions |= self._build_or_else(to_build, built)
        return {pin.component: self._as_decided(pin, decisions[pin.component]) for pin in pins}

    def _build_or_else(self, pins: list[Pin], built: Callable[[str], None]) -> dict[str, Decision]:
        """Build; where that fails, images of an older recipe will do if each component has one."""
        try:
            self._builder(built).build(pin.component for pin in pins)
        except BuildFailed as failure:
            known = replace(Facts(), registry_silent=True, cannot_build=failure.message)
            older = {
                p.component: decide(p, replace(known, local=self._local(p, self._held(p)))) for p in pins
            }
            if any(decision.source is not Source.PRESENT for decision in older.values()):
                raise
            return older
        return {pin.component: Decision(Source.BUILD, pin.local, "built now") for pin in pins}

    def _pull_or_else(self, registries: Registries, pin: Pin) -> Decision:
        facts = self._facts(pin, self._held(pin))
        ref = self._wanted(pin)
        decision = decide(pin, _asked(facts, registries, registry_of(ref)))
        if decision.source is not Source.PULL:
            return decision
        try:
            self._pull(registries, pin, ref)
        except RegistryUnreachable:
            return decide(pin, _asked(facts, registries, registry_of(ref)))
        return decision

    def _pull(self, registries: Registries, pin: Pin, ref: str) -> None:
        self.tell(Progress(pin.component, f"asking {registry_of(ref)} for {ref}"))
        try:
            registries.pull(self.engine, ref, lambda line: self.tell(Progress(pin.component, line)))
        finally:
            self.tell(Progress.over(pin.component))

    def _held(self, pin: Pin) -> dict[str, ImageInfo | None]:
        """The images of it that may be on the engine, by reference."""
        built = (pin.local,) if pin.component in self.catalog.recipes else ()
        return {ref: self.engine.image(ref) for ref in (*built, self._wanted(pin))}

    def _local(self, pin: Pin, held: Mapping[str, ImageInfo | None]) -> str:
        """Whether the image built here is made by today's recipe; empty where there is none."""
        local, recipe = held.get(pin.local), self.catalog.recipes.get(pin.component)
        if local is None or recipe is None:
            return ""
        return LOCAL_CURRENT if made_by(local, recipe.digest()) else LOCAL_STALE

    def _facts(self, pin: Pin, held: Mapping[str, ImageInfo | None]) -> Facts:
        recipe = self.catalog.recipes.get(pin.component)
        local, present = self._local(pin, held), held[self._wanted(pin)] is not None
        needed = not present and local != LOCAL_CURRENT
        return Facts(
            override=self.overrides.get(pin.component, ""),
            digest=self._digest(pin),
            wanted_present=present,
            local=local,
            cannot_build=(self.obstacle() if needed else "")
            if recipe
            else "no package of it exists to build it from",
        )

    def _builder(self, built: Callable[[str], None] = ignore) -> LocalBuilder:
        from stack.images.local import LocalBuilder

        return LocalBuilder(self.engine, self.cache, self.catalog, self.tell, built)

    def _pin(self, name: str) -> Pin:
        """The pinned image, or a program's that the settings name."""
        return self.catalog.pins.get(name) or Pin(name, self.overrides[name])

    def _wanted(self, pin: Pin) -> str:
        return wanted(pin, self.overrides.get(pin.component, ""), self._digest(pin))

    def _digest(self, pin: Pin) -> str:
        """The locked digest; empty where none is, or where the very content is here under its tag alone."""
        digest, layers = self.digests.get(pin.component, ""), self.layers.get(pin.component, "")
        if not digest or not layers or self.engine.image(pinned(pin.official, digest)):
            return digest
        held = self.engine.image(pin.official)
        return "" if held and checksum(held.layers) == layers else digest

    def _as_decided(self, pin: Pin, decision: Decision) -> Resolved:
        return _resolved(pin, decision, self.engine.image(decision.ref))

    def _provide_program(self, base: Resolved, inputs: Inputs) -> Resolved:
        if not base.available:
            return baseless(inputs.program, base)
        from stack.images.program_image import ProgramBuilder

        image = ProgramBuilder(self.engine, self.cache, self.tell).build(inputs, base.ref)
        return Resolved(inputs.program.name, inputs.name(base.id), image, Source.BUILD, "built now")

    def _alone(self) -> AbstractContextManager[None]:
        return exclusive(self.cache / "images.lock", lambda: self.tell(WAITING))

    def _registries(self) -> Registries:
        return self.registries or Registries(self.cache / MEMORY, scope=self.scope)


def _resolved(pin: Pin, decision: Decision, image: ImageInfo | None) -> Resolved:
    return Resolved(pin.component, decision.ref, image.id if image else "", decision.source, decision.why)


def _asked(facts: Facts, registries: Registries, registry: str) -> Facts:
    silent = registries.silent(registry)
    return replace(facts, registry_silent=silent, silence=registries.words(registry) if silent else "")


def _each(tasks: Iterable[Callable[[], None]]) -> None:
    """Run all at once in threads that an interrupt does not wait for; raise the first failure after the last ends."""
    failures: list[BaseException] = []

    def guarded(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as failure:  # raised below, by the caller's thread
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
