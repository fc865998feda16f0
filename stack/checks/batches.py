"""Many small questions in one query: each of them marked with its number by a label. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stack.clients.prometheus import Sample

MARK = "stack_question"


def side_by_side(questions: Sequence[str]) -> str:
    """One query for all; each must yield one series without labels, or none."""
    return " or ".join(
        f'label_replace({question}, "{MARK}", "{number}", "", "")'
        for number, question in enumerate(questions)
    )


def numbered(samples: Iterable[Sample]) -> dict[int, float]:
    """The answer to each question that has one, by number; what bears no number answers none."""
    marked = ((dict(sample.labels).get(MARK, ""), sample.value) for sample in samples)
    return {int(mark): value for mark, value in marked if mark.isdigit()}
