"""Reads the sample lines of a metrics page: name, labels, value. Enough for a product's own gauges.

A page that must be proven to parse as a whole goes through prometheus_client's parser instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from stack.clients.http import Answer, HttpFailure


def samples(answer: Answer, names: Collection[str]) -> Iterator[float]:
    """The values of those of the label-less series ``names`` that the page has; ``HttpFailure`` for one without."""
    for line in answer.text.splitlines():
        name, blank, value = line.partition(" ")
        if blank and name in names:
            try:
                yield float(value.split()[0])
            except (IndexError, ValueError) as error:
                raise HttpFailure(f"{answer.url} has an unreadable line: {line!r}", answer.status) from error


def sample(answer: Answer, name: str) -> float:
    """The value of the label-less series ``name``; ``HttpFailure`` where the page lacks it."""
    for value in samples(answer, (name,)):
        return value
    raise HttpFailure(f"{answer.url} has no {name}", answer.status)
