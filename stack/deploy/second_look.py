"""A second look at the containers after a report that is not well.

A process may end, or be between two of its ends, while it is asked: then its silence is told by many checks, and the
cause by its container alone.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from stack.checks.model import Finding, Report
from stack.common.moments import wall_clock
from stack.deploy.condition import condition, explained
from stack.deploy.ends import with_last_words
from stack.deploy.forwarding import forwarding_faults
from stack.engine.interface import Engine
from stack.model.spec import StackSpec


def looked_again(engine: Engine, spec: StackSpec, report: Report, heard: Callable[[Finding], None]) -> Report:
    """The report with the containers that are at fault now as causes; ``heard`` hears of each."""
    observed = with_last_words(engine, engine.observe(spec.name))
    unforwarded = tuple(forwarding_faults(engine, spec, observed, report))
    # A health check that fails by now says no more than the silence that was found.
    observed = replace(observed, containers=tuple(replace(c, health="") for c in observed.containers))
    found = explained(report, (*condition(spec, observed, wall_clock()), *unforwarded))
    known = {finding.check for finding in report.findings}
    for cause in found.findings:
        if cause.check not in known:
            heard(cause)
    return found
