"""A stack that others run, at addresses that the user names: what is asked there, and what cannot be.

The description says what must be there, whichever engine runs it. No container is looked at, so what only an engine
can tell is left out, each with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from stack.checks.check import RELOAD, SILENT, Check
from stack.checks.model import Expected, Finding, Job
from stack.common.errors import UsageError
from stack.components import checks_of
from stack.deploy.describe import Description
from stack.model.spec import StackSpec

PATIENCE: Mapping[str, float] = MappingProxyType({"ready": 10.0, "checked": 20.0, "proven": 30.0})
"""Seconds that whoever is asked first has, since what runs elsewhere was started before; and that all other checks have
at least: where a container has just been replaced, others find it again by its name some seconds later."""
FOUND_BY_DNS = ("node_exporter",)
"""Components of which other engines run one on each machine."""
OTHER_HINTS = MappingProxyType(
    {
        SILENT: "is this its address, and can it be reached from here? Its own log, there, says more",
        RELOAD: "export these files again and deploy them there",
    }
)
"""In place of remedies that only the engine here has."""
CONTAINERS = "stack.containers"
CHANGES = re.compile(r"(then )?\bmonitoring-stack (?:start|restart|reload)\b")
"""Commands that change what runs on the engine here; elsewhere an export does."""
LOGS = "monitoring-stack logs"
Log = Callable[[str], str]
"""How the log of a component is read, in words; of one that nobody names, too."""


def log_there(component: str) -> str:
    """Where nobody knows how."""
    return f"the log of {component} there" if component else "its own log, there,"


class Skipped(Struct, frozen=True):
    """A check that is not asked, and why."""

    check: str
    reason: str


class Elsewhere(Struct, frozen=True):
    """What is expected there, the checks that are asked, and those that are not."""

    expected: Expected
    checks: tuple[Check, ...]
    skipped: tuple[Skipped, ...]


def elsewhere(
    description: Description, addresses: Mapping[str, str], now: float, *, inside: bool = False
) -> Elsewhere:
    """What is asked of the products at ``addresses``, by component; ``UsageError`` for one that the stack lacks.

    ``now``: the Unix time. ``inside``: whether commands can be run in containers.
    """
    askable = {s.component for s in description.spec.services if s.ready_path}
    if unknown := sorted(addresses.keys() - askable):
        hint = f"one of {', '.join(sorted(askable))}; settings say what the stack has"
        raise UsageError(f"{unknown[0]} is no part of the stack that can be asked", hint=hint)
    told = description.expectations(remote=False, now=now)
    expected = replace(
        told,
        addresses=tuple((c, addresses[c].rstrip("/")) for c in description.spec.components if c in addresses),
        jobs=tuple(_wherever(job) for job in told.jobs),
    )
    known = checks_of(description.spec.components)
    asked = tuple(_to_be_asked(known, expected, inside=inside))
    everything = replace(expected, addresses=tuple((c, "") for c in description.spec.components))
    return Elsewhere(
        expected,
        tuple(_for_there(check) for check in asked),
        tuple(_skipped(known, asked, expected, everything)),
    )


def suited(finding: Finding, spec: StackSpec, log: Log = log_there) -> Finding:
    """The same finding, whose remedy does not name commands for an engine that is not asked."""
    names = "|".join(sorted(map(re.escape, spec.components), key=len, reverse=True))
    named = re.compile(rf"{LOGS}(?: ((?:{names})(?: and (?:{names}))*)\b)?")
    hint = named.sub(lambda found: _logs(found[1] or finding.component, log), finding.hint)
    return replace(finding, hint=CHANGES.sub(_change, hint))


def _logs(names: str, log: Log) -> str:
    return " and ".join(log(name) for name in names.split(" and "))


def _change(found: re.Match[str]) -> str:
    return "then export and deploy again" if found[1] else "exporting and deploying again"


def _wherever(job: Job) -> Job:
    """The job of what runs on each machine, which has as many targets as there are machines."""
    if job.component not in FOUND_BY_DNS:
        return job
    return replace(job, addresses=(), discovered=True, by=("dns",))


def _for_there(check: Check) -> Check:
    """What becomes true by itself is given its own time all the same."""
    own = max(check.seconds, check.pending)
    hint, least = OTHER_HINTS.get(check.hint, check.hint), PATIENCE[check.stage]
    seconds = least if check.stage == "ready" else max(check.seconds, least)
    return replace(check, hint=hint, seconds=seconds, pending=own)


def _to_be_asked(checks: Iterable[Check], expected: Expected, *, inside: bool) -> Iterator[Check]:
    return (check for check in checks if check.concerns(expected) and (inside or not check.by_engine))


def _skipped(
    checks: Iterable[Check], asked: tuple[Check, ...], expected: Expected, everything: Expected
) -> Iterator[Skipped]:
    """Each once; one that is asked in another way is not among them. ``everything``: with an address of all."""
    yield Skipped(
        CONTAINERS, "no engine is asked: whether each container runs, and as described, only its own can say"
    )
    seen = {check.name for check in asked}
    for check in checks:
        needed = check.concerns(everything) or check.concerns(expected)
        if needed and check.name not in seen:
            seen.add(check.name)
            yield Skipped(check.name, _why(check, expected))


def _why(check: Check, expected: Expected) -> str:
    unnamed = [c for c in (check.component, *check.needs) if not expected.has(c)]
    if unnamed:
        return f"no address of {', '.join(dict.fromkeys(unnamed))} is given"
    return "it runs a command in a container"
