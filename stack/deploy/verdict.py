"""What a report that is not well says in one line: the first cause, and how much more there is."""

from __future__ import annotations

from stack.checks.model import Report
from stack.common.errors import SmokeFailed


def failure(report: Report) -> SmokeFailed:
    """The first cause as an error; how many findings follow from it, how many more failed, and follow from those."""
    if not report.failed:
        return SmokeFailed("no check was run", hint="the stack has no component that can be asked")
    first = next(iter((*report.causes, *report.failed)))
    others = len(report.causes) - 1
    follow = sum(f.because == first.check for f in report.failed)
    elsewhere = sum(bool(f.because) for f in report.failed) - follow
    notes = [f"{follow} follow from it"] if follow else []
    notes += [f"{others} more failed"] if others > 0 else []
    notes += [f"{elsewhere} follow from others"] if elsewhere else []
    more = f" ({', '.join(notes)})" if notes else ""
    return SmokeFailed(f"{first.check}: {first.evidence}{more}", hint=first.hint)
