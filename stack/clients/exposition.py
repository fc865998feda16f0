"""Reads the sample lines of a metrics page: name, labels, value. Enough for a product's own gauges.

A page that must be proven to parse as a whole goes through prometheus_client's parser instead.
"""

from __future__ import annotations

from stack.clients.http import Answer, HttpFailure


def sample(answer: Answer, name: str) -> float:
    """The value of the label-less series ``name``; ``HttpFailure`` where the page lacks it."""
    for line in answer.text.splitlines():
        if line.startswith(name + " "):
            try:
                return float(line.split()[1])
            except (IndexError, ValueError) as error:
                raise HttpFailure(f"{answer.url} has an unreadable line: {line!r}", answer.status) from error
    raise HttpFailure(f"{answer.url} has no {name}", answer.status)
