"""What differs between the scrape jobs of the rendered files and the targets that Prometheus shows.

A target shows its interval, timeout, path, scheme, parameters and address as they were before relabelling. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from stack.checks.model import Job
from stack.checks.words import some
from stack.clients.prometheus import Target
from stack.common.durations import duration, seconds


def differences(jobs: Sequence[Job], targets: Sequence[Target]) -> Iterator[str]:
    """Each difference in words: of which job, at which place, and both values."""
    by_job: dict[str, list[Target]] = {}
    for target in targets:
        by_job.setdefault(target.job, []).append(target)
    for name in sorted(by_job.keys() - {job.name for job in jobs}):
        yield f"job {name} is scraped but in no file"
    for job in jobs:
        shown = by_job.get(job.name, [])
        yield from _count(job, shown)
        for said in dict.fromkeys(text for target in shown for text in _of_target(job, target)):
            yield f"job {job.name} ({job.place}): {said}"


def _count(job: Job, shown: Sequence[Target]) -> Iterator[str]:
    where = f"job {job.name} ({job.place})"
    if not shown:
        if job.addresses and not job.discovered and not job.chosen:
            because = f"; it reads {', '.join(job.files)}: can it?" if job.files else ""
            yield f"{where}: 0 targets, expected {len(job.addresses)}{because}"
        return
    if job.discovered:
        seen = {_label(target, "__address__") for target in shown}
        if unseen := [address for address in job.listed if address not in seen and not job.chosen]:
            yield f"{where}: {some(unseen)} of the files that it watches is not scraped"
        return
    found = Counter(_label(target, "__address__") for target in shown)
    wanted = Counter(job.addresses)
    if missing := wanted - found if not job.chosen else Counter():
        yield f"{where}: {', '.join(sorted(missing))} is not scraped"
    if surplus := found - wanted:
        yield f"{where}: {', '.join(sorted(surplus))} is scraped and not in the file"


def _of_target(job: Job, target: Target) -> Iterator[str]:
    for what, label, wanted in (
        ("scrape_interval", "__scrape_interval__", job.interval),
        ("scrape_timeout", "__scrape_timeout__", job.timeout),
    ):
        found = _seconds(_label(target, label))
        if found != wanted and not _set_elsewhere(job, label):
            yield f"{what} is {duration(found)} in Prometheus, {duration(wanted)} in the file"
    for what, label, text in (
        ("metrics_path", "__metrics_path__", job.path),
        ("scheme", "__scheme__", job.scheme),
        *((f"params.{name}", f"__param_{name}", value) for name, value in job.params),
    ):
        if (seen := _label(target, label)) != text and not _set_elsewhere(job, label):
            yield f"{what} is {seen or 'missing'} in Prometheus, {text} in the file"


def _set_elsewhere(job: Job, label: str) -> bool:
    """Whether a target may say otherwise than its job: labels that are given or found can carry all of these."""
    return job.discovered or label in job.reserved


def _seconds(text: str) -> float:
    try:
        return seconds(text or "0")
    except ValueError:
        return 0.0


def _label(target: Target, name: str) -> str:
    return dict(target.found).get(name, "")
