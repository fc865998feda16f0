"""Whom ``start`` asks and what it expects, with the verdict on a whole stage.

Made once the engine is at work: its imports and files take about as long as a container's start.
"""

from __future__ import annotations

from collections.abc import Callable

from stack.checks.grafana import reload_provisioning
from stack.checks.messages import report_document
from stack.checks.model import Finding, Report, Stage
from stack.cli.session import Session
from stack.common.errors import NotReady, SmokeFailed
from stack.deploy.describe import Prepared
from stack.deploy.verify import IN_TURNS, Verifier, prober_for, wall_clock
from stack.model.events import Event
from stack.model.spec import ServiceSpec


class Asking:
    """The expectations of one command and those who check them."""

    def __init__(self, session: Session, prepared: Prepared) -> None:
        self.engine, self.spec = session.engine, prepared.spec
        self.image = session.pictures.checks_image()
        self.emit: Callable[[Event], None] = session.printer.event
        self.expected = prepared.expectations(remote=self.engine.info().remote, now=wall_clock())
        prober = prober_for(self.engine, self.spec, self.image, IN_TURNS)
        self.verify = Verifier(self.engine, self.spec, self.expected, prober, self.emit)
        self.report = Report(())

    def settle(self, service: ServiceSpec) -> None:
        """The verdict after a step. Grafana then looks once more: it prunes only data sources seen twice."""
        self.verify(service)
        if service.reload == "api":
            reload_provisioning(self.engine, self.spec, self.expected, self.image)

    def reload_api(self, service: ServiceSpec) -> None:
        """Grafana reads its provisioning again when asked over its API, which takes a password that fits."""
        self.verify.ensure_login(service)
        reload_provisioning(self.engine, self.spec, self.expected, self.image)

    def stage(self, stage: Stage, heard: Callable[[Finding], None]) -> Report:
        """Runs the checks of a stage; ``report`` keeps the findings of all."""
        prober = prober_for(self.engine, self.spec, self.image)
        found = prober.run(self.expected, heard, tell=self.emit, stages=(stage,))
        self.report = Report((*self.report.findings, *found.findings), self.report.seconds + found.seconds)
        return found

    def document(self) -> dict[str, object] | None:
        """All findings as plain values; None where nothing was checked."""
        return report_document(self.report) if self.report.findings else None


def failure(report: Report) -> SmokeFailed | NotReady:
    """The first failed finding as an error; how many more there are."""
    first = report.failed[0] if report.failed else None
    if first is None:
        return SmokeFailed("no check was run", hint="the stack has no component that can be asked")
    more = f" (and {len(report.failed) - 1} more failed)" if len(report.failed) > 1 else ""
    return SmokeFailed(f"{first.check}: {first.evidence}{more}", hint=first.hint)


def summary(stage: Stage, report: Report) -> str:
    """A stage in a few words: of each telling check the first part of its evidence."""
    by_name = {f.check: f.evidence for f in report.findings}
    telling = {
        "ready": (),
        "checked": ("prometheus.expressions", "path.alert"),
        "proven": ("prometheus.targets", "grafana.panels", "prometheus.panels"),
    }[stage]
    said = (by_name[name].partition(",")[0].partition(":")[0] for name in telling if name in by_name)
    return ", ".join((f"{len(report.findings)} checks", *said))
