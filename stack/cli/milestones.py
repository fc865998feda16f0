"""The milestones of ``start``: ready, checked, proven; their lines, their record, and the exit code."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from stack.common.wait import together
from stack.deploy.reconcile import Plan, Verb
from stack.model.events import Milestone, StepDone
from stack.model.spec import container_name

if TYPE_CHECKING:
    from stack.checks.model import Finding, Stage
    from stack.cli.session import Session
    from stack.cli.stage_checks import Asking
    from stack.deploy.describe import Prepared
    from stack.model.observed import Observed
    from stack.model.spec import ServiceSpec

PROOF = "proof.json"
WORDS = {"ok": "ok", "failed": "FAILED"}


class Proving:
    """One start on its way through the milestones."""

    def __init__(self, session: Session, prepared: Prepared, observed: Observed, plan: Plan) -> None:
        self.session, self.prepared, self.observed, self.plan = session, prepared, observed, plan
        self.spec = prepared.spec
        self.times: dict[str, float] = {}
        self.answered = 0.0
        self.milestones: list[Milestone] = []
        self._asking: Asking | None = None
        self._one = threading.Lock()

    @property
    def asking(self) -> Asking:
        """Made by the first step that wants to know something."""
        with self._one:
            if self._asking is None:
                from stack.cli.stage_checks import Asking

                self._asking = Asking(self.session, self.prepared)
            return self._asking

    def verify(self, service: ServiceSpec) -> None:
        """The verdict on one component."""
        self.asking.verify(service)

    def settle(self, service: ServiceSpec) -> None:
        """The verdict after a step."""
        self.asking.settle(service)

    def reload_api(self, service: ServiceSpec) -> None:
        """Grafana's way to reload."""
        self.asking.reload_api(service)

    def note(self, event: StepDone) -> None:
        """Remembers how long each component took to answer."""
        if event.step == Verb.VERIFY and event.outcome == "done":
            self.times[event.target] = event.seconds
            self.answered = self.session.seconds

    def ready(self) -> None:
        """Every component answers; those that a step has just verified are not asked again."""
        waiting = [
            s for s in self.spec.services if container_name(self.spec.name, s.component) not in self.times
        ]
        together(self.verify, [s for s in waiting if not self._known_healthy(s)])
        said = [f"{c} {self._time(c)}" for c in self.spec.components]
        self._milestone("ready", "   ".join(said), self.session.seconds if waiting else self.answered)

    def _known_healthy(self, service: ServiceSpec) -> bool:
        """What nobody can ask from here, the engine has asked within the last seconds; to ask again is slow."""
        found = self.observed.container(service.component)
        asked_inside = service.published is None and not self.session.engine.info().remote
        return asked_inside and found is not None and found.running and found.health == "healthy"

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
            self.session.state.record(PROOF, {"identity": identity, "when": _stamp(time.time())})

    def _stage(self, stage: Stage) -> None:
        from stack.cli.stage_checks import failure, summary

        report = self.asking.stage(stage, self._heard)
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
            "report": self._asking.document() if self._asking else None,
            "addresses": self.prepared.addresses(remote=False),
        }


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as plain values."""
    return {"plan": [{"verb": s.verb, "target": s.target, "why": s.why} for s in plan.steps]}


def _stamp(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
