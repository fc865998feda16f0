"""probe list: each probe of the files, and what Prometheus knows of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, to_builtins

from stack.cli.session import Session
from stack.clients.http import HttpFailure
from stack.clients.prometheus import Sample
from stack.common.moments import short, wall_clock
from stack.common.wait import together
from stack.components.places import OWN
from stack.components.probes import ProbeJob, probe_jobs

HEADER = ("NAME", "TARGET", "MODULE", "UP", "HTTP", "LATENCY", "CERTIFICATE", "SINCE")
BACK = "[1d:1m]"
FIGURES = {
    "up": "probe_success",
    "code": "probe_http_status_code > 0",
    "seconds": "probe_duration_seconds",
    "expiry": "probe_ssl_earliest_cert_expiry",
    "last_down": f"max_over_time(timestamp(probe_success == 0){BACK})",
    "last_up": f"max_over_time(timestamp(probe_success == 1){BACK})",
    "first": f"min_over_time(timestamp(probe_success){BACK})",
}
DAY = 86400.0
Key = tuple[str, str]
Figures = Mapping[str, Mapping[Key, float]]
"""By figure, then by job and instance."""


class Row(Struct, frozen=True):
    """One probed target. ``seconds`` the last probe took, ``days`` its certificate is valid, ``since`` seconds ago."""

    name: str
    target: str
    module: str
    up: bool | None = None
    code: int | None = None
    seconds: float | None = None
    days: float | None = None
    since: float | None = None

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        up = {True: "yes", False: "NO", None: "not asked yet"}[self.up]
        latency = "-" if self.seconds is None else f"{self.seconds * 1000:.0f} ms"
        days = "-" if self.days is None else f"{self.days:.0f} days"
        since = "-" if self.since is None else short(self.since)
        return (self.name, self.target, self.module, up, str(self.code or "-"), latency, days, since)


def rows(jobs: tuple[ProbeJob, ...], found: Figures, now: float) -> Iterator[Row]:
    """One a target: those that Prometheus has, and those of the files that it has not."""
    for job in jobs:
        seen = [target for name, target in found.get("up", {}) if name == job.name]
        for target in dict.fromkeys((*job.targets, *sorted(seen))):
            yield _row(job, target, {name: at.get((job.name, target)) for name, at in found.items()}, now)


def _row(job: ProbeJob, target: str, of: Mapping[str, float | None], now: float) -> Row:
    value, code, expiry = of.get("up"), of.get("code"), of.get("expiry")
    if value is None:
        return Row(job.name, target, job.module)
    up = value == 1
    turned = of.get("last_down" if up else "last_up") or of.get("first")
    return Row(
        name=job.name,
        target=target,
        module=job.module,
        up=up,
        code=None if code is None else int(code),
        seconds=of.get("seconds"),
        days=None if expiry is None else (expiry - now) / DAY,
        since=None if turned is None else max(0.0, now - turned),
    )


def show(session: Session) -> int:
    """The table and the document; 0 also where some probes fail, which is what they are for."""
    jobs = probe_jobs({p: content for p, content in session.native.tree.items() if p.startswith(OWN)})
    figures, silent = _figures(session) if jobs else ({}, "")
    listed = list(rows(jobs, figures, wall_clock()))
    printer = session.printer
    if listed:
        printer.table(HEADER, [row.cells() for row in listed])
    else:
        printer.text("no probe; probe add NAME URL makes one")
    if silent:
        printer.text(f"\nPrometheus cannot be asked: {silent}")
    printer.document({"probes": [to_builtins(row) for row in listed], "silent": silent})
    return 0


def _figures(session: Session) -> tuple[Figures, str]:
    from stack.deploy.asking import context_of

    observed = session.engine.observe(session.name)
    if not any(c.running and c.component == "prometheus" for c in observed.containers):
        return {}, "it does not run"
    prometheus = context_of(session.engine, session.as_it_runs(observed)).prometheus
    try:
        answers = together(prometheus.query, FIGURES.values())
    except HttpFailure as failure:
        return {}, str(failure)
    return {name: _by_target(found) for name, found in zip(FIGURES, answers, strict=True)}, ""


def _by_target(found: Iterable[Sample]) -> dict[Key, float]:
    told = ((dict(sample.labels), sample.value) for sample in found)
    return {(labels.get("job", ""), labels.get("instance", "")): value for labels, value in told}
