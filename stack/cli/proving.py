"""The milestones of ``start``: ready, checked, proven; their lines, their record, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stack.errors import NotReady, SmokeFailed
from stack.events import Milestone, StepDone
from stack.plan import Plan, Verb
from stack.smoke.grafana import reload_provisioning
from stack.smoke.model import Finding, Report, Stage
from stack.smoke.wire import report_document
from stack.spec import container_name
from stack.verify import IN_TURNS, Verifier, prober_for, wall_clock
from stack.wait import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack.cli.session import Session
    from stack.events import Event
    from stack.prepare import Prepared
    from stack.spec import ServiceSpec

PROOF = "proof.json"
WORDS = {"ok": "ok", "failed": "FAILED"}


class Proving:
    """One start on its way through the milestones."""

    def __init__(self, session: Session, prepared: Prepared, plan: Plan) -> None:
        self.session, self.prepared, self.plan = session, prepared, plan
        self.spec = prepared.spec
        self.remote = session.engine.info().remote
        self.expected = prepared.expectations(remote=self.remote, now=wall_clock())
        self.times: dict[str, float] = {}
        self.answered = 0.0
        self.milestones: list[Milestone] = []
        self.report: Report = Report(())

    @property
    def app_image(self) -> str:
        """What the in-network checks run in."""
        return self.prepared.app_image

    def verifier(self, emit: Callable[[Event], None]) -> Verifier:
        """The verdict on single components."""
        prober = prober_for(self.session.engine, self.spec, self.app_image, IN_TURNS)
        return Verifier(self.session.engine, self.spec, self.expected, prober, emit)

    def reload_api(self, service: ServiceSpec) -> None:
        """Grafana reads its provisioning again when asked over its API, which takes a password that fits."""
        self.verifier(self.session.printer.event).ensure_login(service)
        reload_provisioning(self.session.engine, self.spec, self.expected, self.app_image)

    def note(self, event: StepDone) -> None:
        """Remembers how long each component took to answer."""
        if event.step == Verb.VERIFY and event.outcome == "done":
            self.times[event.target] = event.seconds
            self.answered = self.session.seconds

    def ready(self) -> None:
        """Every component answers; those that a step has just verified are not asked again."""
        verify = self.verifier(self.session.printer.event)
        names = {container_name(self.spec.name, s.component): s for s in self.spec.services}
        waiting = [service for name, service in names.items() if name not in self.times]
        together(verify, waiting)
        said = [f"{c} {self._time(c)}" for c in self.spec.components]
        self._milestone("ready", "   ".join(said), self.session.seconds if waiting else self.answered)

    def finish(self) -> int:
        """Checked and proven as far as was asked; prints addresses and returns the exit code."""
        options = self.session.options
        last = self.session.state.read(PROOF)
        identity = self._identity()
        if not options.no_smoke:
            if (
                not self.plan
                and isinstance(last, dict)
                and last.get("identity") == identity
                and not options.quick
            ):
                self._milestone("proven", f"unchanged since the proof of {last.get('when')}")
            else:
                self._prove(identity, quick=options.quick)
        self._epilogue()
        return 0

    def _prove(self, identity: str, *, quick: bool) -> None:
        self._stage("checked")
        if not quick:
            self._stage("proven")
            when = wall_clock()
            self.session.state.record(PROOF, {"identity": identity, "when": _stamp(when)})

    def _stage(self, stage: Stage) -> None:
        prober = prober_for(self.session.engine, self.spec, self.app_image)
        report = prober.run(self.expected, self._heard, stages=(stage,))
        self.report = Report((*self.report.findings, *report.findings), self.report.seconds + report.seconds)
        if not report.ok:
            error = failure(report)
            error.details = self._document(ok=False)
            raise error
        self._milestone(stage, summary(stage, report))

    def _heard(self, finding: Finding) -> None:
        if self.session.printer.verbose or finding.status == "failed":
            self.session.printer.line("", f"{WORDS[finding.status]:<6} {finding.check}: {finding.evidence}")

    def _milestone(self, name: str, text: str, seconds: float | None = None) -> None:
        milestone = Milestone(name, text, self.session.seconds if seconds is None else seconds)
        self.milestones.append(milestone)
        self.session.printer.event(milestone)

    def _time(self, component: str) -> str:
        seconds = self.times.get(container_name(self.spec.name, component))
        return "running" if seconds is None else f"{seconds:.1f} s"

    def _identity(self) -> str:
        return " ".join(
            f"{s.component}:{s.digest()}:{s.files_digest()}:{s.image_id}" for s in self.spec.services
        )

    def _epilogue(self) -> None:
        printer, build = self.session.printer, self.prepared.build
        for component, reason in self.spec.absent:
            printer.warning(
                f"\ndegraded  {component} is absent: {reason}\n          {self.session.pictures.way_out}"
            )
            printer.warning(f"          its dashboards meanwhile: {build.url('prometheus')}/user/")
        printer.text()
        if "grafana" in self.spec.components:
            printer.text(
                f"Grafana       {build.url('grafana')}   user admin, password: monitoring-stack credentials"
            )
        rest = [
            (c.capitalize(), c) for c in ("prometheus", "alertmanager", "app") if c in self.spec.components
        ]
        printer.text(
            "   ".join(
                f"{label:<13} {build.url(c)}" if i == 0 else f"{label} {build.url(c)}"
                for i, (label, c) in enumerate(rest)
            )
        )
        printer.document(self._document(ok=True))

    def _document(self, *, ok: bool) -> dict[str, Any]:
        return {
            "ok": ok,
            "status": "degraded" if self.spec.absent else "running",
            "name": self.spec.name,
            "absent": [{"component": c, "reason": r} for c, r in self.spec.absent],
            **plan_document(self.plan),
            "milestones": [
                {"name": m.name, "summary": m.summary, "seconds": round(m.seconds, 3)}
                for m in self.milestones
            ],
            "report": report_document(self.report) if self.report.findings else None,
            "addresses": self.prepared.addresses(remote=False),
        }


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as plain values."""
    return {"plan": [{"verb": s.verb, "target": s.target, "why": s.why} for s in plan.steps]}


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


def _stamp(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
