"""Jobs whose targets are found or chosen: none left, and why; how many are left out; whose discovery fails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from stack.checks.context import CheckContext
from stack.checks.model import Job
from stack.clients.dropped_targets import dropped_targets
from stack.clients.http import HttpFailure
from stack.common.moments import wall_clock

LINES = 200
RECENT = 100.0
"""Seconds within which a discovery that fails has said so again: each minute unless it is told otherwise."""
SAID = re.compile(r'\bdiscovery=(\S+) config=("(?:\\.|[^"\\])*"|\S+).*?\berr="((?:\\.|[^"\\])*)"')
MOMENT = re.compile(r"\btime=(\S+)")
REMEDIES = {
    "file": "put a list of targets where its files: point, below own/prometheus/targets/",
    "dns": "does the name resolve in the stack's network? Names of containers on other networks do not",
    "http": "does its address answer Prometheus with a list of targets as JSON?",
    "docker": "Prometheus has no socket of the engine, on purpose: target add --container, or file_sd_configs",
}
LOG = "monitoring-stack logs prometheus has its word"


class Empty(Struct, frozen=True):
    """A job without a target: what is to be said, and done. ``final``: nobody looks for others."""

    text: str
    hint: str
    final: bool


def dropped(context: CheckContext) -> dict[str, tuple[int, str]]:
    """By job, how many targets its relabelling leaves out, with the address of one; asked where some may be."""
    if not any(job.chosen or job.discovered for job in context.expected.jobs):
        return {}
    try:
        return dropped_targets(context.prometheus.http)
    except HttpFailure:  # a number that is not known is not shown
        return {}


def sentences(context: CheckContext, now: float | None = None) -> dict[str, str]:
    """By job, what Prometheus has said lately of its service discovery."""
    if not any(job.discovered for job in context.expected.jobs):
        return {}
    return said(context.log_of("prometheus", LINES), wall_clock() if now is None else now)


def said(lines: Iterable[str], now: float) -> dict[str, str]:
    """The latest sentence of each job in Prometheus' log."""
    told: dict[str, str] = {}
    for line in lines:
        if (found := SAID.search(line)) and now - _moment(line) < RECENT:
            told[_plain(found[2])] = _plain(f'"{found[3]}"')
    return told


def _moment(line: str) -> float:
    try:
        return datetime.fromisoformat(MOMENT.search(line)[1]).timestamp()  # type: ignore[index]
    except (TypeError, ValueError):
        return 0.0


def _plain(text: str) -> str:
    """A value of logfmt without its quotes."""
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def empty(
    jobs: Sequence[Job], manned: set[str], left_out: Mapping[str, tuple[int, str]], told: Mapping[str, str]
) -> Iterator[Empty]:
    """The jobs that find or choose their targets and have none. ``manned``: those that have some."""
    for job in jobs:
        if job.name in manned or not (job.discovered or job.chosen):
            continue
        where = f"job {job.name} ({job.place})"
        number, example = left_out.get(job.name, (0, ""))
        if number or not job.discovered:
            of = f"none of its {number} targets, such as {example}" if number else "no target"
            hint = f"{job.place}: correct its keep or drop"
            yield Empty(f"{where}: its relabel_configs leave {of}", hint, not job.discovered)
        else:
            because = f": {told[job.name]}" if job.name in told else ""
            text = f"{where}: its service discovery ({', '.join(job.by)}) has found no target{because}"
            remedy = next((REMEDIES[by] for by in job.by if by in REMEDIES), LOG)
            yield Empty(text, f"{job.place}: {remedy}", final=False)


def failing(jobs: Sequence[Job], manned: set[str], told: Mapping[str, str]) -> Iterator[str]:
    """Discoveries that fail while the targets of before are kept."""
    for job in jobs:
        if job.name in manned and job.name in told:
            yield f"job {job.name} ({job.place}): its service discovery fails: {told[job.name]}"
