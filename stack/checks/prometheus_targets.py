"""Checks of what Prometheus scrapes: the jobs are those of the files, their targets up, and their samples kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from stack.checks.batches import numbered, side_by_side
from stack.checks.check import LONGEST_WAITED_FOR, Check
from stack.checks.context import CheckContext
from stack.checks.discoveries import Empty, dropped, empty, failing, sentences
from stack.checks.job_differences import differences
from stack.checks.model import Broken, Evidence, Job, Pending
from stack.checks.rule_windows import rare_jobs
from stack.checks.target_faults import fault
from stack.checks.words import some
from stack.clients.prometheus import REJECTIONS, Target
from stack.common.durations import duration
from stack.common.wait import NotYet
from stack.model.spec import HOST_JOBS

KEPT = "scrape_samples_post_metric_relabeling == 0 and up == 1"
REJECTED = {
    "out_of_order": "are older than what is stored already",
    "out_of_bounds": "have a time too far in the past or the future",
    "duplicate_timestamp": "repeat a series of the same answer with another value",
}
WINDOW = "5m"
JOBS_SHOWN = 8
SHOWN_AFTER = 10.0
"""Seconds after a load by which the targets show it: Prometheus passes new ones on each five."""


def targets(context: CheckContext) -> Evidence:
    """The targets of each job are those of its file, scraped as it says, and all of them are up."""
    jobs = context.expected.jobs
    if not jobs:
        raise Broken("no scrape job is expected", "the scrape files are empty or were not rendered")
    if left := _unscraped(context, jobs):
        raise NotYet(
            f"no job scrapes {', '.join(left)}", f"restore prometheus/scrape/{left[0]}.yml, then reload"
        )
    found = context.prometheus.targets()
    by_name = {job.name: job for job in jobs}
    down = [t for t in found if t.health == "down" and t.job in by_name]
    if ours := [t for t in down if by_name[t.job].file != HOST_JOBS]:
        raise _down(ours, by_name)
    if different := list(differences(jobs, found)):
        raise (NotYet if context.prometheus.loaded_for() > SHOWN_AFTER else Pending)(some(different))
    manned, left_out, told = {t.job for t in found}, dropped(context), sentences(context)
    if lacking := list(empty(jobs, manned, left_out, told)):
        raise _empty(context, lacking)
    fresh = [t for t in found if t.health != "up" and t not in down]
    if waited := [t for t in fresh if by_name[t.job].interval <= LONGEST_WAITED_FOR]:
        raise Pending(some(_fresh(t, by_name[t.job]) for t in waited))
    remarks = (
        *(_fresh(t, by_name[t.job]) for t in fresh),
        *(_far(t, by_name[t.job]) for t in down),
        *failing(jobs, manned, told),
        *rare_jobs(jobs),
    )
    return Evidence(_counted([t for t in found if t.health == "up"], jobs, left_out), remarks)


def _empty(context: CheckContext, lacking: list[Empty]) -> Exception:
    """What nobody discovers does not become another by waiting, once Prometheus shows what it has loaded."""
    text, hint = some(one.text for one in lacking), lacking[0].hint
    if context.prometheus.loaded_for() <= SHOWN_AFTER:
        return Pending(text, hint)
    return Broken(text, hint) if all(one.final for one in lacking) else NotYet(text, hint)


def _counted(up: list[Target], jobs: tuple[Job, ...], left_out: Mapping[str, tuple[int, str]]) -> str:
    """How many are up, by job, and how many were left out on purpose."""
    counts = Counter(target.job for target in up)
    own_first = sorted(jobs, key=lambda job: bool(job.component))
    by_job = some((f"{job.name} {counts[job.name]}" for job in own_first), ", ", JOBS_SHOWN)
    number = sum(number for number, _ in left_out.values())
    without = f"; {number} left out by relabelling" if number else ""
    return f"{len(up)} targets up in {len(jobs)} jobs: {by_job}{without}"


def _fresh(target: Target, job: Job) -> str:
    return (
        f"{target.job} {target.instance} has not been scraped yet: its interval is {duration(job.interval)}"
    )


def _far(target: Target, job: Job) -> str:
    """Of an exporter on a further host that is down: cause and remedy."""
    host = dict(target.found).get("host", target.instance)
    other = job.name.partition(f"host-{host}-")[2]
    who = f"{other} on host {host}" if other else f"host {host}"
    return f"{who} is down: {fault(job, target).cause}: monitoring-stack host list"


def _unscraped(context: CheckContext, jobs: tuple[Job, ...]) -> list[str]:
    """Components that serve over HTTP and that no job is about, by its file or by its addresses."""
    if any(job.discovered for job in jobs):
        return []
    hosts = {address.partition(":")[0].replace("-", "_") for job in jobs for address in job.addresses}
    known = hosts | {job.component for job in jobs}
    door = context.expected.door
    exempt = {*known, door.component if door else ""}
    return [component for component, _ in context.expected.ready_paths if component not in exempt]


def _down(down: list[Target], jobs: dict[str, Job]) -> NotYet:
    """The causes; the remedy of the first. Components are at fault only where all these targets are theirs."""
    faults = [(t, fault(jobs[t.job], t)) for t in down]
    about = tuple(dict.fromkeys(jobs[t.job].component for t in down))
    text = some(f"{t.job} {t.instance} is down: {found.cause}" for t, found in faults)
    return NotYet(text, faults[0][1].remedy, about if all(about) else ())


def samples(context: CheckContext) -> Evidence:
    """What the targets answer is kept: no target is left with nothing, and nothing is rejected."""
    jobs = {job.name: job for job in context.expected.jobs}
    remarks: list[str] = []
    lost: list[str] = []
    for sample in context.prometheus.query(KEPT):
        labels = dict(sample.labels)
        job = jobs.get(labels.get("job", ""), Job(labels.get("job", "")))
        where = f" ({job.place})" if job.place else ""
        said = f"{job.name} {labels.get('instance', '')} is up and none of its samples is kept{where}"
        (lost if job.component else remarks).append(said)
    if lost:
        raise NotYet(some(lost), "metric_relabel_configs of the job drop all, or its page is empty")
    remarks += [
        f"Prometheus rejects samples that {REJECTED[kind]}: {count:g} within {WINDOW} (target list says of which "
        "targets, its log at debug of which series)"
        for kind, count in _rejected(context)
    ]
    return Evidence(f"samples of {len(jobs)} jobs are kept", tuple(remarks))


def _rejected(context: CheckContext) -> list[tuple[str, float]]:
    kinds = list(REJECTED)
    counters = [f"sum(increase({REJECTIONS[kind]}[{WINDOW}]))" for kind in kinds]
    found = numbered(context.prometheus.query(side_by_side(counters)))
    return [(kinds[number], value) for number, value in sorted(found.items()) if value > 0]


CHECKS = (
    Check(
        "prometheus.targets",
        "all targets are up, by job and number",
        "prometheus",
        "proven",
        targets,
        "monitoring-stack restart makes Prometheus read the rendered files again",
        30,
        every=0.1,
        after=("prometheus.config",),
        recurring=True,
        by_scrape="any",
    ),
    Check(
        "prometheus.samples",
        "what the targets answer is kept",
        "prometheus",
        "proven",
        samples,
        "metric_relabel_configs of the job drop all, or its page is empty",
        15,
        every=0.2,
        after=("prometheus.targets",),
        by_scrape="any",
    ),
)
