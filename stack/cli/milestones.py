"""The milestones of ``start``: ready, checked, proven; their lines, their record, and the exit code."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from stack.cli.findings import Findings
from stack.common.durations import duration
from stack.common.moments import moment, short, stamp, wall_clock
from stack.common.wait import together
from stack.components import BY_NAME, COMPONENTS
from stack.components.addresses import outward
from stack.deploy.condition import age
from stack.model.events import Milestone, StepDone
from stack.model.plan import Plan, Verb
from stack.model.spec import container_name
from stack.model.state import ProvenStack

if TYPE_CHECKING:
    from stack.checks.model import Report, Stage
    from stack.cli.session import Session
    from stack.deploy.describe import Description
    from stack.deploy.verify import Verification
    from stack.model.observed import Observed
    from stack.model.spec import ServiceSpec


LONG = 15.0
"""Seconds from one scrape to the next from which on it is said what is waited for."""


class Milestones:
    """One start on its way through the milestones."""

    def __init__(self, session: Session, description: Description, observed: Observed, plan: Plan) -> None:
        self.session, self.description, self.observed, self.plan = session, description, observed, plan
        self.spec = description.spec
        self.times: dict[str, float] = {}
        self.answered = 0.0
        self.reached: list[Milestone] = []
        self.told: dict[str, Any] = {}
        """What else the document of the command says."""
        self._verification: Verification | None = None
        self._asked: Report | None = None
        """What one round of questions found, where no step was needed."""
        self._again: Report | None = None
        """The same where all of it is well."""
        self._one = threading.Lock()

    @property
    def verification(self) -> Verification:
        """Made by the first step that wants to know something."""
        with self._one:
            if self._verification is None:
                from stack.deploy.verify import verification

                # What a step has touched begins anew, however old its container is.
                old = 0.0 if self.plan else age(self.observed, wall_clock())
                self._verification = verification(
                    self.session.engine,
                    self.description,
                    self.session.printer.event,
                    old,
                    self.session.images.check_image,
                )
            return self._verification

    def settle(self, service: ServiceSpec) -> None:
        """The verdict on a component after a step."""
        self.verification.settle(service)

    def reload(self, service: ServiceSpec) -> None:
        """A component reads its files again when asked over its own API."""
        self.verification.reload(service)

    def note(self, event: StepDone) -> None:
        """Remembers how long each component took to answer."""
        if event.step == Verb.VERIFY and event.outcome == "done":
            self.times[event.target] = event.seconds
            self.answered = self.session.seconds

    def ask(self) -> None:
        """Asks in one round all that can have changed by itself; ``ready`` judges the answers."""
        self._asked = self.verification.again()

    def ready(self) -> None:
        """Every component answers; those that a step has just verified are not asked again.

        Of a stack that no step has touched, all that can have changed by itself is asked in one round.
        """
        waiting = [
            s for s in self.spec.services if container_name(self.spec.name, s.component) not in self.times
        ]
        if self.plan:
            unsure = [s for s in waiting if not self._known_healthy(s)]
        else:
            found = self._asked or self.verification.again()
            self._again = found if found.ok else None
            suspects = {component for finding in found.failed for component in finding.about}
            unsure = [s for s in waiting if not self._still_well(s, found, suspects)]
        if unsure:
            together(self.verification.component, unsure)
        said = [f"{c} {self._time(c)}" for c in self.spec.components]
        self._milestone("ready", "   ".join(said), self.session.seconds if waiting else self.answered)

    def _still_well(self, service: ServiceSpec, found: Report, suspects: set[str]) -> bool:
        """Whether the round has nothing against it, or the engine has asked whom nobody can ask from here."""
        if self.verification.holds(service, found):
            return True
        return service.component not in suspects and self._known_healthy(service)

    def _known_healthy(self, service: ServiceSpec) -> bool:
        """What nobody can ask from here, the engine has asked within the last seconds; to ask again is slow."""
        found = self.observed.container(service.component)
        asked_inside = service.published is None and not self.session.engine.info().remote
        return asked_inside and found is not None and found.running and found.health == "healthy"

    def finish(self) -> int:
        """Checked and proven as far as was asked; prints addresses and returns the exit code."""
        options = self.session.options
        identity = self._identity()
        if not options.no_smoke and not (self._again and self._still_proven(identity)):
            self._prove(identity, quick=options.quick)
        self._epilogue()
        return 0

    def _still_proven(self, identity: str) -> bool:
        """Whether only what cannot have changed by itself is left of the last proof; its age is told."""
        last = self.session.state.now.proven
        if last is None or last.identity != identity or self.session.options.quick or self._again is None:
            return False
        asked = summary("proven", self._again)
        self._milestone("proven", f"{asked} asked now; the rest {_ago(last.when)}")
        return True

    def _prove(self, identity: str, *, quick: bool) -> None:
        self._stage("checked")
        if not quick:
            self._say_how_long()
            self._stage("proven")
            self.session.state.change(proven=ProvenStack(identity, stamp(wall_clock())))

    def _say_how_long(self) -> None:
        """What a change needs before it can be proven, where that is long."""
        from stack.checks.check import LONGEST_WAITED_FOR

        interval = min(self.verification.expected.scrape_interval, LONGEST_WAITED_FOR)
        if self.plan and interval >= LONG:
            said = f"may take {duration(2 * interval)}: two scrapes of each job (scrape_interval)"
            self.session.printer.line("proving", said)

    def _stage(self, stage: Stage) -> None:
        heard = Findings(self.session.printer, good=self.session.printer.verbose)
        report = self.verification.stage(stage, heard)
        if not report.ok:
            from stack.deploy.second_look import looked_again
            from stack.deploy.verdict import failure

            report = looked_again(self.session.engine, self.spec, report, heard)
            error = failure(report)
            error.details = self._document(ok=False)
            raise error
        self._milestone(stage, summary(stage, report))

    def _milestone(self, name: str, text: str, seconds: float | None = None) -> None:
        milestone = Milestone(name, text, self.session.seconds if seconds is None else seconds)
        self.reached.append(milestone)
        self.session.printer.event(milestone)

    def _time(self, component: str) -> str:
        seconds = self.times.get(container_name(self.spec.name, component))
        return "running" if seconds is None else f"{seconds:.1f} s"

    def _identity(self) -> str:
        return " ".join(
            f"{s.component}:{s.digest()}:{s.files_digest()}:{s.image_id}" for s in self.spec.services
        )

    def _epilogue(self) -> None:
        printer, build = self.session.printer, self.description.build
        for restriction in self.session.engine.info().restrictions:
            printer.warning(f"engine    {restriction}")
        for component, reason in self.spec.absent:
            printer.warning(
                f"\ndegraded  {component} is absent: {reason}\n          {self.session.images.way_out}"
            )
            if instead := BY_NAME[component].instead:
                printer.warning(f"          {instead.format(prometheus=build.public_url('prometheus'))}")
        printer.text()
        places = outward(self.description.settings, self.spec.components)
        running = places or {s.component for s in self.spec.services if s.published}
        published = [component for component in COMPONENTS if component.name in running]
        for one in published:
            if one.login:
                words = f"user {one.login.user}, password: monitoring-stack credentials"
                printer.text(f"{one.title:<13} {build.public_url(one.name)}   {words}")
        first, *rest = [one for one in published if not one.login]
        others = [f"{one.title} {build.public_url(one.name)}" for one in rest]
        printer.text("   ".join((f"{first.title:<13} {build.public_url(first.name)}", *others)))
        if self.description.settings.front:
            from stack.components.gateway import remark

            if said := remark(build):
                printer.warning(said)
        printer.document(self._document(ok=True))

    def _document(self, *, ok: bool) -> dict[str, Any]:
        settings = self.description.settings
        places = outward(settings, self.spec.components)
        return {
            "ok": ok,
            "status": "degraded" if self.spec.absent else "running",
            "name": self.spec.name,
            "absent": [{"component": c, "reason": r} for c, r in self.spec.absent],
            **self.plan.document(),
            "milestones": [
                {"name": m.name, "summary": m.summary, "seconds": round(m.seconds, 3)} for m in self.reached
            ],
            "report": self._report(),
            **self.told,
            "addresses": places if settings.front else self.description.addresses(remote=False),
            "public_addresses": places,
        }

    def _report(self) -> dict[str, object] | None:
        found = self._verification.report if self._verification else None
        if found is None or not found.findings:
            return None
        from stack.checks.messages import report_document

        return report_document(found)


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


def _ago(when: str) -> str:
    """When something was proven: how long ago, and the moment."""
    return f"as proven {short(max(0.0, wall_clock() - moment(when)))} ago ({when})"
