"""Whether a probe holds: blackbox_exporter is asked at once, inside the stack, then Prometheus must have asked it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode

from stack.checks.probe_faults import Answer, answer, fault
from stack.checks.promql import quoted
from stack.cli.own_change import UNDONE
from stack.cli.probe_files import Wish
from stack.cli.probe_place import by_container
from stack.cli.session import Session
from stack.clients.http import HttpFailure
from stack.common.durations import seconds
from stack.common.errors import SmokeFailed, StackError
from stack.common.wait import NotYet, TimedOut, until
from stack.components.probes import PORT
from stack.deploy.describe import Description
from stack.model.spec import container_name

LONGEST_WAITED_FOR = 60.0
UNKNOWN = "is unknown"
SPARE = 10.0
"""Prometheus shows new jobs within five seconds, and asks each within its interval."""


def asked(session: Session, component: str, url: str, *headers: str, patience: float = 20.0) -> str:
    """A page as a component's own container sees it; ``SmokeFailed`` where there is none."""
    told = (word for header in headers for word in ("--header", header))
    argv = ("wget", "-q", "-T", f"{patience:g}", "-O", "-", *told, url)
    ran = session.engine.execute(container_name(session.name, component), argv, seconds=patience + 10)
    if ran.code != 0:
        said = (ran.output.strip().splitlines() or [f"exit code {ran.code}"])[-1]
        raise SmokeFailed(f"{component}: {url}: {said}", hint=f"monitoring-stack logs {component} shows why")
    return ran.output


@dataclass
class Proof:
    """Of one probe that was added. ``even_if_down``: what fails now is told, and no error."""

    session: Session
    wish: Wish
    even_if_down: bool = False
    said: list[Answer] = field(default_factory=list)

    def look_ahead(self) -> None:
        """Raises before anything is changed, where a blackbox_exporter that runs finds the probe to fail."""
        observed = self.session.engine.observe(self.session.name)
        there = any(c.component == "blackbox" and c.running for c in observed.containers)
        if self.wish.own_module or self.wish.network or self.even_if_down or not there:
            return
        try:
            found = self._ask()
        except StackError:  # it has not read the module yet
            return
        if not found.success:
            error = self._failure(found)
            error.hint = f"{error.hint}; {UNDONE}"
            raise error

    def __call__(self, description: Description) -> None:
        """Raises ``SmokeFailed`` where the probe fails or is not asked."""
        found = self._ask()
        self.said.append(found)
        if not found.success:
            self._complain(found)
        if seconds(self.wish.every) + SPARE <= LONGEST_WAITED_FOR:
            self._scraped(description)

    def _ask(self) -> Answer:
        wish = self.wish
        module = wish.name if wish.own_module else wish.module
        query = urlencode({"module": module, "target": wish.target, "debug": "true"})
        limit = f"X-Prometheus-Scrape-Timeout-Seconds: {wish.timeout:g}"
        page = asked(self.session, "blackbox", f"http://127.0.0.1:{PORT}/probe?{query}", limit)
        return answer(page)

    def _complain(self, found: Answer) -> None:
        if not self.even_if_down:
            raise self._failure(found)
        why = fault(found, self.wish.target, self.wish.timeout)
        self.session.printer.warning(f"{why.cause}: {why.remedy}")

    def _failure(self, found: Answer) -> SmokeFailed:
        why = fault(found, self.wish.target, self.wish.timeout)
        remedy = by_container(self.session, self.wish.target) if UNKNOWN in why.cause else ""
        return SmokeFailed(why.cause, hint=f"{remedy or why.remedy}; --even-if-down adds it all the same")

    def _scraped(self, description: Description) -> None:
        from stack.deploy.asking import context_of

        prometheus = context_of(self.session.engine, description).prometheus

        def ask() -> None:
            if not prometheus.query(f"probe_success{{job={quoted(self.wish.name)}}}"):
                raise NotYet("Prometheus has not asked it yet")

        limit = seconds(self.wish.every) + SPARE
        try:
            until(ask, seconds=limit, every=0.1, retry=(NotYet, HttpFailure))
        except TimedOut as late:
            raise SmokeFailed(
                f"probe {self.wish.name}: {late.last} within {limit:g} s",
                hint="monitoring-stack smoke shows why",
            ) from late
