"""The check of what exporters watch: each server answers; a silent one is named, with the log that tells why."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from stack.checks.context import CheckContext
from stack.checks.exporters import answered
from stack.checks.model import Evidence, Expected, Job, Pending
from stack.clients.prometheus import Sample
from stack.common.wait import NotYet
from stack.model.spec import HOST_JOBS

CHECK = answered("redis_exporter", "Redis", "redis_up")
JOB = Job(
    "redis_exporter", component="redis_exporter", addresses=("redis-exporter-a:9121", "redis-exporter-b:9121")
)


FAR = Job("host-web1-redis_exporter-c", file=HOST_JOBS, addresses=("10.0.0.7:9121",))


def ask(*far: Sample, jobs: tuple[Job, ...] = (JOB,), here: Mapping[str, float] | None = None) -> Any:
    asked: list[str] = []

    def query(expr: str) -> tuple[Sample, ...]:
        asked.append(expr)
        return (*far, *(Sample((("instance", name),), value) for name, value in (here or {}).items()))

    expected = Expected("s", (("prometheus", "http://x"),), jobs=jobs)
    context = cast(CheckContext, SimpleNamespace(expected=expected, prometheus=SimpleNamespace(query=query)))
    said = CHECK.run(context)
    assert asked == ['redis_up{job="redis_exporter"}']
    return said


def test_all_that_answer_are_named() -> None:
    assert ask(here={"a": 1, "b": 1}) == Evidence("Redis answers its exporter: a, b")


def test_a_silent_one_is_named_with_its_log() -> None:
    with pytest.raises(NotYet, match=r"^Redis b does not answer redis_exporter \(redis_up = 0\)$") as caught:
        ask(here={"a": 1, "b": 0})
    assert caught.value.hint == "monitoring-stack logs redis_exporter-b shows why"


@pytest.mark.parametrize("values", [{}, {"a": 1}])
def test_what_is_not_scraped_yet_is_waited_for(values: dict[str, float]) -> None:
    with pytest.raises(Pending, match=f"for {len(values)} of 2 servers"):
        ask(here=values)


def test_it_is_asked_only_where_there_is_such_a_job() -> None:
    expected = Expected("s", (("prometheus", "http://x"),), jobs=(JOB,))
    assert CHECK.concerns(expected)
    assert not CHECK.concerns(Expected("s", (("prometheus", "http://x"),)))
    assert CHECK.concerns(Expected("s", (("prometheus", "http://x"),), jobs=(FAR,)))
    assert not CHECK.concerns(Expected("s", (("prometheus", "http://x"),), jobs=(Job("host-redis-1"),)))


def far(value: float) -> Sample:
    return Sample((("instance", "c"), ("host", "web1")), value)


def test_one_on_a_further_host_is_told_and_holds_up_nobody() -> None:
    assert ask(far(1), jobs=(FAR,)) == Evidence("Redis answers its exporter: c on web1")
    remark = "Redis c on web1 does not answer redis_exporter: monitoring-stack exporter list"
    assert ask(far(0), jobs=(FAR, JOB), here={"a": 1, "b": 1}) == Evidence(
        "Redis answers its exporter: a, b", (remark,)
    )
    assert ask(jobs=(FAR,)) == Evidence("Redis answers its exporter: none")
    with pytest.raises(Pending, match="for 1 of 2 servers"):
        ask(far(1), jobs=(FAR, JOB), here={"a": 1})
