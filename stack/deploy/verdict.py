"""What a report that is not well says in one line: the first cause, and how much more there is."""

from __future__ import annotations

from stack.checks.model import Report
from stack.common.errors import SmokeFailed


def failure(report: Report) -> SmokeFailed:
    """The first cause as an error; how many findings follow from it, and how many more failed."""
    if not report.failed:
        return SmokeFailed("no check was run", hint="the stack has no component that can be asked")
    first = next(iter((*report.causes, *report.failed)))
    others = (*report.causes[1:], *(f for f in report.failed if f.because and f.because != first.check))
    follow = sum(f.because == first.check for f in report.failed)
    notes = [f"{follow} follow from it"] if follow else []
    notes += [f"{len(others)} more failed"] if others else []
    more = f" ({', '.join(notes)})" if notes else ""
    return SmokeFailed(f"{first.check}: {first.evidence}{more}", hint=first.hint)
