"""What every command begins with: settings, the engine, the stack's state, images; each made when first needed.

Holds no decisions of a command.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stack.cli.grammar_parts import given
from stack.cli.printer import Printer
from stack.common.errors import StackError
from stack.common.moments import follow
from stack.components import BY_NAME, load
from stack.components.build import Image
from stack.components.own_paths import OWN_HOSTS
from stack.config.cache import Cache
from stack.config.secret import Secret
from stack.config.settings import Settings
from stack.config.tree import Native, read_native
from stack.deploy.describe import Description, asked_for, describe, secrets_in, secrets_of
from stack.deploy.state import StateStore, remembered, switched
from stack.model.names import kind_of, kinds_of

if TYPE_CHECKING:
    from stack.deploy.images import Found, ImageSelection
    from stack.engine.interface import Engine
    from stack.images.registries import Registries
    from stack.model.observed import Observed
    from stack.model.state import StackState


@dataclass
class Session:
    """One run of one command. ``plain`` are the settings without what the stack remembers."""

    options: argparse.Namespace
    printer: Printer
    plain: Settings
    began: float
    own: Mapping[str, bytes | None] = field(default_factory=dict)
    """Files of the user's own by path, in place of what lies there; None: not there. See ``lay_over``."""
    _asked_ahead: tuple[Future[Observed], Future[StackState]] | None = None
    _images_seen: ImageSelection | None = None
    tries_again: bool = False
    """Images that have failed an upgrade are taken all the same."""
    still_ours: Callable[[], None] = lambda: None
    """Raises where another command has taken the lock over."""

    @classmethod
    def open(cls, options: argparse.Namespace, printer: Printer) -> Session:
        """Reads the settings; an error names the value and the remedy."""
        began = getattr(options, "began", None) or time.monotonic()
        settings = load(given(options))
        printer.keep_log(settings.state)
        return cls(options, printer, settings, began)

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.plain.name

    @property
    def seconds(self) -> float:
        """Since the command began."""
        return time.monotonic() - self.began

    @property
    def user(self) -> str:
        """Whose command this is, as this machine knows them."""
        from stack.engine.holder import this_process

        return this_process("").user

    @cached_property
    def engine(self) -> Engine:
        """The Docker engine; ``EngineUnavailable`` where none answers."""
        from stack.engine.docker import connect

        return connect(self.plain.docker_host, stack=self.name, reach=self.plain.reach, on_clock=follow)

    @cached_property
    def cache(self) -> Cache:
        """What this client remembers."""
        return Cache(self.plain.state)

    @cached_property
    def state(self) -> StateStore:
        """What the stack remembers."""
        return StateStore(self.engine, self.name, self.cache)

    @cached_property
    def asked(self) -> dict[str, str]:
        """Components that the command line switches."""
        return asked_for(getattr(self.options, "with_", []), getattr(self.options, "without", []))

    @cached_property
    def native(self) -> Native:
        """The native files, shipped and own."""
        return read_native(self.plain.config, self.plain.home).overlaid(self.own)

    @cached_property
    def settings(self) -> Settings:
        """The settings, with the one-off switches that hold, those of this command, and what the files need."""
        switches = {f"components.{name}": switch for name, switch in self.asked.items()}
        held = remembered(self.plain, self.state.now)
        found = load({**given(self.options), **switches}, remembered=held)
        return found.for_files(self.native.tree)

    @property
    def switches(self) -> dict[str, object]:
        """What the stack is to remember of the switches of this command."""
        return dict(switched(self.plain, self.asked, self.state.now))

    @cached_property
    def images(self) -> ImageSelection:
        """The images of the wanted components."""
        seen = self._images_seen
        return seen if seen and seen.settings == self.settings else self.images_for(self.settings)

    def look_at_images(self) -> tuple[str, ...]:
        """Asks for images before it is known what is remembered; returns the components whose image is there."""
        with suppress(StackError):  # told where they are needed
            self._images_seen = seen = self.images_for(self.plain.for_files(self.native.tree))
            seen.look()
            return tuple(name for name, image in seen.found.items() if image.available)
        return ()

    def images_for(self, settings: Settings) -> ImageSelection:
        """The images of the components that these settings want."""
        from stack.deploy.images import ImageSelection

        return ImageSelection(settings, self.engine, self.printer.event, registries=self.registries)

    @cached_property
    def registries(self) -> Registries:
        """What this command learns of registries."""
        from stack.deploy.images import registries_of

        return registries_of(self.plain, self.engine)

    def described(self, *, provide: bool) -> Description:
        """The description by the settings; with ``provide`` missing images are pulled or built."""
        found = self.images.provide() if provide else self.images.present()
        return self._describe(self.settings, found, found.absent)

    def described_anew(self) -> Description:
        """The description by what the stack remembers, and the files have, now."""
        self._forget()
        return self.described(provide=True)

    def lay_over(self, own: Mapping[str, bytes | None]) -> None:
        """From now on these files are in place of what lies there."""
        self.own = own
        self._forget()

    def _forget(self) -> None:
        """What follows from files and state is found anew."""
        for known in ("native", "settings", "images"):
            self.__dict__.pop(known, None)
        self._images_seen = None

    def as_it_runs(self, observed: Observed, *, keep_bind: bool = True, to_ask: bool = False) -> Description:
        """The description of what is there: the components that it was started with, published where they are.

        Images are those that are held now, else the containers' own. ``keep_bind``: on the address they have.
        ``to_ask``: with the image that a remote engine's checks run in.
        """
        if not observed.containers:
            return self.described(provide=False)
        services = self._started_with(observed) | self._on_hosts()
        return self._as_it_runs(observed, kinds_of(services), services, keep_bind=keep_bind, to_ask=to_ask)

    def as_it_should(
        self, observed: Observed, *, keep_bind: bool = True, provide: bool = True
    ) -> Description:
        """The same to be applied: with what the files need now, and without what they need no longer.

        With ``provide`` the images of what is new are pulled or built; ``ImageError`` where one cannot be had.
        """
        there = kinds_of(self._started_with(observed))
        now = self.settings.as_needed(there)
        if provide and now - there:
            self.images_for(self.settings.limited_to(now - there)).provide()
        return self._as_it_runs(observed, now, None, keep_bind=keep_bind, to_ask=True)

    def _as_it_runs(
        self,
        observed: Observed,
        there: frozenset[str],
        only: frozenset[str] | None,
        *,
        keep_bind: bool,
        to_ask: bool,
    ) -> Description:
        settings = self.placed(observed, keep_bind=keep_bind).limited_to(there)
        selection = self.images_for(settings)
        inside = selection.check_image() if to_ask else ""
        found = replace(selection.present(), check_image=inside)
        running = {kind_of(c.component): Image(c.image, c.image_id) for c in observed.containers}
        held = {name: image for name, image in found.images.items() if image.id}
        lost = {name: image for name, image in found.images.items() if name not in running}
        wanted = self.images.present()
        why = {**dict.fromkeys(self.settings.components, "no container"), **dict(wanted.absent)}
        absent = tuple((c, why[c]) for c in self.settings.components if c not in there)
        return self._describe(settings, replace(found, images={**lost, **running, **held}), absent, only)

    def _started_with(self, observed: Observed) -> frozenset[str]:
        """Services that have a container, and those that the stack was started with and has lost since."""
        known = {name for name in self.state.now.started if kind_of(name) in BY_NAME}
        return frozenset((*known, *(c.component for c in observed.containers)))

    def _on_hosts(self) -> frozenset[str]:
        """Services that the files put on further hosts, of components that are not switched off."""
        if not any(path.startswith(OWN_HOSTS) for path in self.native.tree):
            return frozenset()
        from stack.components.exporters.on_hosts import named

        return frozenset(
            name for name in named(self.native.tree) if kind_of(name) in self.settings.components
        )

    def may_stay(self, observed: Observed) -> bool:
        """Whether the settings still allow the addresses on which the containers are published."""
        places = (c.published.rpartition(":")[0].strip("[]") for c in observed.containers)
        return all(self.settings.may_bind(address) for address in places if address)

    def placed(self, observed: Observed, *, keep_bind: bool = True) -> Settings:
        """The settings, with the ports on which the containers are published now."""
        places = {c.component: c.published for c in observed.containers if c.published}
        return self.settings.as_placed(places, keep_bind=keep_bind)

    @property
    def secrets(self) -> dict[str, Secret]:
        """The stack's secrets that are known: given by the user, made by a start, or for compose."""
        return secrets_in(self.settings, self.state.known_secrets(secrets_of(self.settings)))

    def _describe(
        self,
        settings: Settings,
        found: Found,
        absent: tuple[tuple[str, str], ...],
        only: frozenset[str] | None = None,
    ) -> Description:
        secrets, inside = self.state.with_secrets(secrets_of(settings)), found.check_image
        last, images = self.state.now.proven, found.images
        if self.state.now.refused and not self.tries_again:
            from stack.deploy.upgrading import heeded

            images = heeded(self.engine, self.state.now.refused, images)
        made = describe(settings, images, secrets, absent, check_image=inside, native=self.native, only=only)
        return replace(made, proven=last.when) if last else made

    def look_ahead(self) -> None:
        """Asks the engine the first questions; ``first_look`` waits for the answers."""
        engine, pool = self.engine, ThreadPoolExecutor(3)
        pool.submit(engine.info)
        self._asked_ahead = (pool.submit(engine.observe, self.name), pool.submit(lambda: self.state.now))
        pool.shutdown(wait=False)

    def first_look(self, meanwhile: Callable[[], object]) -> Observed:
        """What is there, and with it the state, as the first questions found them.

        ``meanwhile`` is done if they take their time: a state that is there takes tens of milliseconds.
        """
        if self._asked_ahead is None:
            return self.engine.observe(self.name)
        looking, remembering = self._asked_ahead
        if not (looking.done() and remembering.done()):
            meanwhile()
        remembering.result()
        return looking.result()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One changing command at a time, wherever it runs; ``Busy`` names the other."""
        from stack.engine.holder import this_process

        with self.engine.lock(self.name, this_process(f"monitoring-stack {self.options.command}")) as lease:
            self.still_ours = lease.check
            if self.options.command != "destroy" and self.state.now.unfinished:
                from stack.deploy.unfinished import settle

                for word, said in settle(self.engine, self.state, self.plain):
                    self.printer.line(word, said)
                self._forget()
            yield
