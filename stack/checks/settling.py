"""Whether what comes with scrapes can be there yet: two of each shipped job since the files were loaded."""

from __future__ import annotations

from stack.checks.check import LONGEST_WAITED_FOR
from stack.checks.context import CheckContext
from stack.checks.model import Pending
from stack.common.wait import NotYet

GRACE = 2.0
RULES_SECONDS = 15.0
"""By when each rule has had a turn: some panels read what rules record."""


def settled(context: CheckContext, interval: float) -> bool:
    """Whether a job of that interval (seconds) has been scraped twice: before that a rate has no value."""
    return context.prometheus.loaded_for() > 2 * min(interval, LONGEST_WAITED_FOR) + GRACE


def not_yet(context: CheckContext, text: str) -> NotYet:
    """The failure; one that passes by itself where the shipped jobs and the rules had not their time since."""
    if context.expected.has("prometheus"):
        passed = context.prometheus.loaded_for() - RULES_SECONDS
        if passed <= 2 * min(context.expected.shipped_interval, LONGEST_WAITED_FOR) + GRACE:
            return Pending(text)
    return NotYet(text)
