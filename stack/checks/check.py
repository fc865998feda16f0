"""What a check is: one question about a stack, whom it asks, in which stage, and by when the answer must be there."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from stack.checks.context import CheckContext
from stack.checks.model import Evidence, Expected, Stage

LOGS = "monitoring-stack logs shows why"
SILENT = f"monitoring-stack start restarts what does not answer; {LOGS}"
USUAL_INTERVAL = 5.0
"""The scrape interval, in seconds, for which the deadlines are made."""
LONGEST_WAITED_FOR = 60.0
"""Nobody waits for what comes more rarely than each so many seconds."""
RELOAD = "monitoring-stack reload writes and loads the rendered files"


Question = Callable[[CheckContext], "str | Evidence"]


class Later(Struct, frozen=True):
    """The question at ``place``, imported once it is asked: most commands ask few."""

    place: str

    def __call__(self, context: CheckContext) -> str | Evidence:
        """Asks it."""
        return self.question()(context)

    def question(self) -> Question:
        """The question itself, imported."""
        module, _, name = self.place.partition(":")
        found: Question = getattr(importlib.import_module(f"stack.checks.{module}"), name)
        return found


def later(place: str) -> Later:
    """The question at ``module:function`` below ``stack.checks``."""
    return Later(place)


class Check(Struct, frozen=True):
    """One question. ``run`` returns its evidence, raises ``NotYet`` or ``Pending`` to be asked again, or ``Broken``.

    ``component`` is whom it asks, ``needs`` who else must be part of the stack, ``scraped`` whom a job must be about.
    ``seconds`` is its deadline, ``pending`` that for answers which come true by themselves (0: the same), ``every``
    the first pause between two tries. ``hint`` says how to mend what a deadline has found.
    ``by_engine``: it runs a command in a container, so it is asked where the engine is at hand, never from inside.
    ``after``: checks without whose success the answer means nothing; where one failed, this one is not asked.
    ``by_scrape``: what it waits for comes with a scrape of ``any`` job or of a ``shipped`` one, so that its time grows
    with the longest interval of these.
    ``own_boards``: it is about dashboards of the user's own, and asked only where there are some.
    ``textfile``: it is about files that others write for node_exporter, and asked only where it reads some.
    ``addressed``: it is about the component's public address, and asked only where there is one.
    ``sending``: it is about samples that go elsewhere, and asked only where some do.
    ``recurring``: what it asks can change by itself, so that each start asks it, of an unchanged stack too.
    """

    name: str
    proves: str
    component: str
    stage: Stage
    run: Question
    hint: str = ""
    seconds: float = 20.0
    pending: float = 0.0
    every: float = 0.02
    needs: tuple[str, ...] = ()
    unless: str = ""
    scraped: str = ""
    database: bool = False
    by_engine: bool = False
    after: tuple[str, ...] = ()
    recurring: bool = False
    by_scrape: Literal["", "any", "shipped"] = ""
    own_boards: bool = False
    sending: bool = False
    textfile: bool = False
    addressed: bool = False

    def suited(self, expected: Expected) -> Check:
        """The same check with the time that the stack's scrape interval takes."""
        interval = expected.shipped_interval if self.by_scrape == "shipped" else expected.scrape_interval
        more = max(0.0, 2 * (min(interval, LONGEST_WAITED_FOR) - USUAL_INTERVAL))
        if not self.by_scrape or not more:
            return self
        if self.pending:
            return replace(self, pending=self.pending + more)
        return replace(self, seconds=self.seconds + more)

    def concerns(self, expected: Expected) -> bool:
        """Whether the stack has all whom, and what, the question is about, and lacks the one named in ``unless``."""
        present = all(expected.has(component) for component in (self.component, *self.needs))
        stored = expected.database or not self.database
        scraped = not self.scraped or any(job.about(self.scraped) for job in expected.jobs)
        wanted = not self.own_boards or any(one.own for one in expected.dashboards)
        sends = not self.sending or "remote_write" in expected.prometheus_config
        read = not self.textfile or expected.textfile
        told = not self.addressed or self.component in dict(expected.public)
        apart = not (self.unless and expected.has(self.unless))
        asked = wanted and sends and read and told
        return present and stored and scraped and asked and apart


def knows_its_address(component: str) -> Check:
    """Whether the component makes its links from the public address."""
    return Check(
        f"{component}.address",
        "it knows its public address",
        component,
        "checked",
        later(f"public:{component}"),
        "monitoring-stack start tells it; with docker compose render --own, then docker compose up -d",
        10,
        addressed=True,
    )
