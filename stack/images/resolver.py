"""The door of this package: which image each component runs, and the work to have it.

Observes, lets ``decide`` decide, acts, and decides again with what it learnt. Only work that changes something takes
the lock, so two starts never build twice and a start with all images present waits for nobody. Never runs a component.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stack.common.errors import BuildFailed, RegistryUnreachable
from stack.common.files import clear_unfinished, exclusive
from stack.engine.interface import ImageInfo
from stack.images.app_inputs import AppInputs, read_inputs
from stack.images.decide import LOCAL_CURRENT, LOCAL_STALE, Decision, Facts, Source, decide, wanted
from stack.images.interface import ImageEngine, Tell
from stack.images.pins import APP_LOCAL, BASE, LABEL_RECIPE, PINS, Pin, registry_of
from stack.images.recipes import recipes
from stack.images.registries import Registries
from stack.model.events import Progress

if TYPE_CHECKING:
    from stack.images.local import LocalBuilder

WAY_OUT = "bring the image with `docker load` or `monitoring-stack images load`, or reach a registry and start again"
APP = "app"


@dataclass(frozen=True, slots=True)
class Resolved:
    """One component's image. ``id`` is empty where it is not there; then ``source`` says what could be done."""

    component: str
    ref: str
    id: str
    source: Source
    why: str

    @property
    def available(self) -> bool:
        """Whether the engine holds it."""
        return bool(self.id)


def _obstacle() -> str:
    from stack.images import debian

    return debian.obstacle()


def ignore(_: str) -> None:
    """A listener that does not care."""


def silent(_: Progress) -> None:
    """A listener that does not care."""


@dataclass(frozen=True, slots=True)
class Images:
    """Images on one engine.

    ``overrides``: the user's own reference by component; ``digests``: locked content; ``scope``: the engine's address,
    since what one engine cannot reach another one may.
    """

    engine: ImageEngine
    cache: Path
    overrides: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    tell: Tell = silent
    obstacle: Callable[[], str] = _obstacle
    inputs: Callable[[], AppInputs] = read_inputs
    registries: Registries | None = None
    scope: str = ""

    def present(self, components: Iterable[str]) -> dict[str, Resolved]:
        """What is there now; fetches and builds nothing."""
        names = tuple(components)
        with ThreadPoolExecutor(max(1, len(names))) as pool:
            return dict(zip(names, pool.map(self._present, names), strict=True))

    def provide(self, components: Iterable[str]) -> dict[str, Resolved]:
        """The same after pulling and building what is missing. Raises PullRefused or BuildFailed."""
        names = tuple(components)
        found = self.present(names)
        if all(image.available or image.source is Source.UNAVAILABLE for image in found.values()):
            return found
        with self._alone():
            clear_unfinished(self.cache)
            return self._provide(names)

    def pull(self, components: Iterable[str]) -> dict[str, Resolved]:
        """Pull the official images even where a local one would do. Raises RegistryUnreachable or PullRefused."""
        registries = self._registries()
        registries.forget()
        pins = [PINS[name] for name in components if name in PINS]
        _each(partial(self._pull, registries, pin, self._wanted(pin)) for pin in pins)
        return self.present([pin.component for pin in pins])

    def build(self, components: Iterable[str]) -> dict[str, Resolved]:
        """Build anew whatever can be built here, present or not. Raises BuildFailed."""
        names = tuple(components)
        buildable = [name for name in names if name in recipes()]
        with self._alone():
            if buildable:
                self._builder().build(buildable)
            if APP not in names:
                return self.present(names)
            base = self._provide_pins((BASE.component,))[BASE.component]
            app = self._provide_app(base, self.inputs())
        return {**self.present(names), APP: app}

    def _present(self, name: str) -> Resolved:
        if name == APP and not self.overrides.get(APP):
            return self._app_present()
        pin = self._pin(name)
        facts = self._facts(pin)
        decision = decide(pin, replace(facts, registry_silent=True))
        if decision.source is not Source.PRESENT:
            silent_now = self._registries().silent(registry_of(self._wanted(pin)))
            decision = decide(pin, replace(facts, registry_silent=silent_now))
        return self._resolved(pin, decision)

    def _provide(self, names: tuple[str, ...]) -> dict[str, Resolved]:
        found = self.present(names)
        missing = [name for name in names if not found[name].available]
        if APP not in missing or self.overrides.get(APP):
            return {**found, **self._provide_pins(missing)}
        return {**found, **self._provide_with_app([n for n in missing if n != APP])}

    def _provide_with_app(self, pins: list[str]) -> dict[str, Resolved]:
        """The application is built as soon as its base is there, while other images are still being made."""
        inputs = self.inputs()
        early: dict[str, Resolved] = {}

        def built(component: str) -> None:
            if component == BASE.component:
                early[APP] = self._provide_app(self._present(BASE.component), inputs)

        found = self._provide_pins([BASE.component, *pins], built)
        base = found.pop(BASE.component)
        return {**found, APP: early[APP] if early else self._provide_app(base, inputs)}

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
        return {pin.component: self._resolved(pin, decisions[pin.component]) for pin in pins}

    def _build_or_else(self, pins: list[Pin], built: Callable[[str], None]) -> dict[str, Decision]:
        """Build; where that fails, images of an older recipe will do if each component has one."""
        try:
            self._builder(built).build(pin.component for pin in pins)
        except BuildFailed as failure:
            known = replace(Facts(), registry_silent=True, cannot_build=failure.message)
            older = {p.component: decide(p, replace(known, local=self._facts(p).local)) for p in pins}
            if any(decision.source is not Source.PRESENT for decision in older.values()):
                raise
            return older
        return {pin.component: Decision(Source.BUILD, pin.local, "built now") for pin in pins}

    def _pull_or_else(self, registries: Registries, pin: Pin) -> Decision:
        facts = self._facts(pin)
        ref = self._wanted(pin)
        decision = decide(pin, replace(facts, registry_silent=registries.silent(registry_of(ref))))
        if decision.source is not Source.PULL:
            return decision
        try:
            self._pull(registries, pin, ref)
        except RegistryUnreachable:
            return decide(pin, replace(facts, registry_silent=True))
        return decision

    def _pull(self, registries: Registries, pin: Pin, ref: str) -> None:
        self.tell(Progress(pin.component, f"asking {registry_of(ref)} for {ref}"))
        registries.pull(self.engine, ref, lambda line: self.tell(Progress(pin.component, line)))

    def _facts(self, pin: Pin) -> Facts:
        recipe = recipes().get(pin.component)
        local = self.engine.image(pin.local) if recipe else None
        fits = LOCAL_CURRENT if local and recipe and _made_by(local, recipe.digest()) else LOCAL_STALE
        present = self.engine.image(self._wanted(pin)) is not None
        needed = not present and not (local and fits == LOCAL_CURRENT)
        return Facts(
            override=self.overrides.get(pin.component, ""),
            digest=self.digests.get(pin.component, ""),
            wanted_present=present,
            local=fits if local else "",
            cannot_build=(self.obstacle() if needed else "")
            if recipe
            else "no package of it exists to build it from",
        )

    def _builder(self, built: Callable[[str], None] = ignore) -> LocalBuilder:
        from stack.images.local import LocalBuilder

        return LocalBuilder(self.engine, self.cache, self.tell, built)

    def _pin(self, name: str) -> Pin:
        """The pinned image, or the application's that the settings name."""
        return PINS.get(name) or Pin(name, self.overrides[name])

    def _wanted(self, pin: Pin) -> str:
        name = pin.component
        return wanted(pin, self.overrides.get(name, ""), self.digests.get(name, ""))

    def _resolved(self, pin: Pin, decision: Decision) -> Resolved:
        image = self.engine.image(decision.ref)
        return Resolved(pin.component, decision.ref, image.id if image else "", decision.source, decision.why)

    def _app_present(self) -> Resolved:
        inputs = self.inputs()
        base = self._present(BASE.component)
        if base.available:
            image = self.engine.image(inputs.name(base.id))
            return _app(inputs.name(base.id), image, Source.BUILD)
        latest = self.engine.image(APP_LOCAL)
        if latest and _made_by(latest, inputs.digest()):
            return _app(APP_LOCAL, latest, Source.BUILD)
        return _baseless(base) if base.source is Source.UNAVAILABLE else _app(APP_LOCAL, None, Source.BUILD)

    def _provide_app(self, base: Resolved, inputs: AppInputs) -> Resolved:
        if not base.available:
            return _baseless(base)
        from stack.images.app import AppBuilder

        image = AppBuilder(self.engine, self.cache, self.tell).build(inputs, base.ref)
        return Resolved(APP, inputs.name(base.id), image, Source.BUILD, "built now")

    def _alone(self) -> AbstractContextManager[None]:
        waiting = Progress("images", "another command is fetching or building images; waiting for it")
        return exclusive(self.cache / "images.lock", lambda: self.tell(waiting))

    def _registries(self) -> Registries:
        return self.registries or Registries(self.cache / "silent-registries.json", scope=self.scope)


def _made_by(image: ImageInfo, recipe: str) -> bool:
    return image.labels.get(LABEL_RECIPE) == recipe


def _app(ref: str, image: ImageInfo | None, otherwise: Source) -> Resolved:
    if image is None:
        return Resolved(APP, ref, "", otherwise, "not built for this program and base yet")
    return Resolved(APP, ref, image.id, Source.PRESENT, "built here before")


def _baseless(base: Resolved) -> Resolved:
    return Resolved(APP, APP_LOCAL, "", Source.UNAVAILABLE, f"its base cannot be had: {base.why}")


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
