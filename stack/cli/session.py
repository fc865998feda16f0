"""What every command begins with: settings, the client's state, the engine, images; each made when first needed.

Holds no decisions of a command.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from stack.cli.printer import Printer
from stack.components.build import Image
from stack.config.settings import BY_PATH, PLACES, Settings, load
from stack.config.state import State
from stack.deploy.describe import Prepared, chosen, prepare

if TYPE_CHECKING:
    from stack.deploy.images import Pictures
    from stack.engine.interface import Engine
    from stack.model.observed import Observed


@dataclass
class Session:
    """One run of one command."""

    options: argparse.Namespace
    printer: Printer
    settings: Settings
    state: State
    began: float

    @classmethod
    def open(cls, options: argparse.Namespace, printer: Printer) -> Session:
        """Reads the settings; an error names the value and the remedy."""
        given = {key: getattr(options, key) for key in ("name", "port_base", "bind") if getattr(options, key)}
        without = chosen(getattr(options, "with_", []), getattr(options, "without", []))
        if "grafana" in getattr(options, "with_", []):
            given["grafana.mode"] = "required"
        if "postgres" in getattr(options, "with_", []):
            given["database.mode"] = "postgres"
        settings = load(given, without=without)
        places = State(settings.state).read(PLACES)
        if isinstance(places, dict) and places.keys() <= BY_PATH.keys():
            settings = load(given, without=without, remembered=places)
        printer.keep_log(settings.state)
        began = getattr(options, "began", None) or time.monotonic()
        return cls(options, printer, settings, State(settings.state), began)

    @property
    def seconds(self) -> float:
        """Since the command began."""
        return time.monotonic() - self.began

    @cached_property
    def engine(self) -> Engine:
        """The Docker engine; ``EngineUnavailable`` where none answers."""
        from stack.engine.docker import connect

        return connect(self.settings.docker_host)

    @cached_property
    def pictures(self) -> Pictures:
        """The images of the wanted components."""
        from stack.deploy.images import Pictures

        return Pictures(self.settings, self.engine, self.printer.event)

    def prepared(self, *, provide: bool) -> Prepared:
        """The description; with ``provide`` missing images are pulled or built."""
        found = self.pictures.provide() if provide else self.pictures.present()
        return prepare(self.settings, self.state, found.images, found.absent)

    def as_it_runs(self, observed: Observed) -> Prepared:
        """The description of what is there: the components of running containers, whatever could be had anew."""
        found = self.pictures.present()
        if not observed.containers:
            return prepare(self.settings, self.state, found.images, found.absent)
        running = {c.component: Image(c.image, c.image_id) for c in observed.containers}
        held = {name: image for name, image in found.images.items() if image.id}
        why = {**dict.fromkeys(self.settings.components, "no container"), **dict(found.absent)}
        absent = tuple((c, why[c]) for c in self.settings.components if c not in running)
        return prepare(self.settings, self.state, {**running, **held}, absent)
