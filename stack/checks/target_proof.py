"""Whether one job of the user's is scraped and its samples are kept: what must hold before its file stays.

A fault that Prometheus names is definite: the target was asked, and the answer stands.
"""

from __future__ import annotations

from msgspec import Struct

from stack.checks.check import LONGEST_WAITED_FOR
from stack.checks.context import CheckContext
from stack.checks.model import Broken, Job, Pending
from stack.checks.stored import AFTER, MEND_TIMES, REJECTED, SCRAPED, Scrapes, stored_of
from stack.checks.target_faults import fault
from stack.checks.words import some
from stack.clients.http import HttpFailure
from stack.clients.prometheus import Target
from stack.common.durations import duration
from stack.common.wait import CLOCK, Clock, NotYet, TimedOut, until

SHOWN_WITHIN = 12.0
"""Seconds after a load by which its targets are shown: Prometheus passes new ones on each five."""
KEPT_WITHIN = 3.0
"""Seconds after a scrape by which its samples can be asked for."""
EVERY = 0.1


class Proof(Struct, frozen=True):
    """The targets of a job as they were found up, with samples kept by instance; ``warnings`` are remarks."""

    targets: tuple[Target, ...]
    samples: tuple[tuple[str, int], ...]
    warnings: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        """All samples."""
        return sum(count for _, count in self.samples)


def prove(context: CheckContext, job: Job, *, clock: Clock = CLOCK) -> Proof:
    """Returns once all targets of the job are up and their samples kept; ``Broken`` with cause and remedy otherwise."""
    rare = job.interval > LONGEST_WAITED_FOR
    wait = SHOWN_WITHIN + (0.0 if rare else job.interval + job.timeout)
    try:
        targets = until(
            lambda: _scraped(context, job, rare),
            seconds=wait,
            every=EVERY,
            retry=(NotYet, HttpFailure),
            clock=clock,
        )
        fresh = tuple(t for t in targets if t.health != "up")
        if fresh:
            said = f"{len(fresh)} of {len(targets)} not scraped yet: its interval is {duration(job.interval)}"
            return Proof(targets, (), (f"{job.name}: {said}; monitoring-stack target list shows it later",))
        return until(
            lambda: _kept(context, job, targets),
            seconds=KEPT_WITHIN,
            every=EVERY,
            retry=(NotYet, HttpFailure),
            clock=clock,
        )
    except TimedOut as error:
        last = error.__cause__
        raise Broken(error.last, last.hint if isinstance(last, NotYet) else "") from error


def gone(context: CheckContext, name: str, *, clock: Clock = CLOCK) -> None:
    """Returns once no target of a job is scraped any more; ``Broken`` where one still is."""

    def ask() -> None:
        if any(target.job == name for target in context.prometheus.targets()):
            raise Pending(f"{name} is still scraped")

    try:
        until(ask, seconds=SHOWN_WITHIN, every=EVERY, retry=(NotYet, HttpFailure), clock=clock)
    except TimedOut as error:
        raise Broken(error.last, "monitoring-stack restart makes Prometheus read its files again") from error


def _scraped(context: CheckContext, job: Job, rare: bool) -> tuple[Target, ...]:
    targets = tuple(t for t in context.prometheus.targets() if t.job == job.name)
    if not targets:
        hint = "its relabel_configs may leave none" if job.chosen else ""
        raise Pending(f"Prometheus shows no target of {job.name}", hint)
    if down := [t for t in targets if t.health == "down"]:
        faults = [(t, fault(job, t)) for t in down]
        raise Broken(some(f"{t.job} {t.instance} is down: {f.cause}" for t, f in faults), faults[0][1].remedy)
    if (fresh := [t for t in targets if t.health != "up"]) and not rare:
        raise Pending(some(f"{t.job} {t.instance} has not been scraped yet" for t in fresh))
    return targets


def _kept(context: CheckContext, job: Job, targets: tuple[Target, ...]) -> Proof:
    scrapes = Scrapes.of(context, job, targets)
    reported, offered = scrapes.reported(AFTER), scrapes.reported(SCRAPED)
    kept = {t.instance: reported[t.instance] for t in targets if t.instance in reported}
    stored = stored_of(scrapes, kept)
    warnings = []
    for target in targets:
        name = target.instance
        if name not in kept:
            raise NotYet(f"{job.name} {name} is up and nothing is known of its samples")
        if not kept[name]:
            raise _nothing(job, name, offered.get(name, 0))
        missing = kept[name] - stored.get(name, 0)
        if missing >= kept[name]:
            raise NotYet(
                f"{job.name} {name} is up and none of its {kept[name]} samples is stored: {REJECTED}",
                MEND_TIMES.format(at=job.place or f"job {job.name}"),
            )
        if missing > 0:
            warnings.append(
                f"{job.name} {name}: {missing} of {kept[name]} samples are not stored: {REJECTED}"
            )
    samples = {name: min(stored[name], count) for name, count in kept.items() if name in stored}
    return Proof(targets, tuple(sorted(samples.items())), tuple(warnings))


def _nothing(job: Job, instance: str, offered: int) -> Exception:
    if offered:
        said = f"{job.name} {instance} is up and none of its {offered} samples is kept"
        return Broken(said, "metric_relabel_configs of the job drop all")
    return NotYet(
        f"{job.name} {instance} is up and its page has no samples", f"is {job.path} the page of metrics?"
    )
