"""Jobs that find or choose their targets: at least one is left, those left out are a number, failures are named."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks.discoveries import said
from stack.checks.model import Finding, Job
from stack.checks.runner import run
from stack.common.errors import EngineUnavailable
from stack.components import all_checks
from tests.loopback import Asked, Reply
from tests.unit.checks.fake_stack import FakeStack, data, runtime, target

(TARGETS,) = [check for check in all_checks() if check.name == "prometheus.targets"]
SHOP = Job("shop", "scrape/shop.yml", 3, addresses=("shop:1",))
FOUND = replace(SHOP, discovered=True, by=("http",), addresses=())
REFUSED = 'Get "http://sd/": dial tcp: connect: connection refused'


def line(job: str, error: str, age: float = 1.0) -> str:
    moment = (datetime.now(UTC) - timedelta(seconds=age)).isoformat()
    told = error.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f'time={moment} level=ERROR source=refresh.go:90 msg="Unable to refresh target groups" '
        f'component="discovery manager scrape" discovery=http config={job} err="{told}"'
    )


def found_by(
    job: Job,
    *shown: dict[str, Any],
    left_out: dict[str, Any] | None = None,
    log: Callable[[str, int], Iterable[str]] | None = None,
    loaded_for: float = 3600.0,
) -> Finding:
    fake = FakeStack()

    def answer(asked: Asked) -> Reply:
        if asked.params["state"] == "dropped":
            return data({"activeTargets": [], "droppedTargets": [], **(left_out or {})})
        return data({"activeTargets": list(shown)})

    fake.products["prometheus"]["GET /api/v1/targets"] = answer
    fake.products["prometheus"]["GET /api/v1/status/runtimeinfo"] = runtime(loaded_for=loaded_for)
    with fake.running(jobs=(job,)) as expected:
        (finding,) = run([replace(TARGETS, seconds=0.02, every=0.01)], expected, read_log=log).findings
    return finding


def dropped(*addresses: str, count: int | None = None) -> dict[str, Any]:
    listed = [{"scrapePool": "shop", "discoveredLabels": {"__address__": a}} for a in addresses]
    return {
        "droppedTargets": listed,
        **({} if count is None else {"droppedTargetCounts": {"shop": count, "app": 0}}),
    }


@pytest.mark.parametrize(
    "left_out", [dropped("a:1", "b:1"), dropped("a:1", count=2)], ids=["listed", "counted"]
)
def test_relabelling_that_leaves_nobody_is_told_with_the_number(left_out: dict[str, Any]) -> None:
    finding = found_by(replace(SHOP, chosen=True), left_out=left_out)
    assert (finding.status, finding.final) == ("failed", True)
    assert finding.evidence == (
        "job shop (prometheus/scrape/shop.yml:3): its relabel_configs leave none of its 2 targets, such as a:1"
    )
    assert finding.hint == "prometheus/scrape/shop.yml:3: correct its keep or drop"
    assert not found_by(replace(FOUND, chosen=True), left_out=left_out).final, "others may be found"


def test_what_relabelling_leaves_out_is_a_number_beside_what_is_up() -> None:
    finding = found_by(replace(SHOP, chosen=True), target("shop"), left_out=dropped("b:1", count=3))
    assert (finding.status, finding.evidence) == (
        "ok",
        "1 targets up in 1 jobs: shop 1; 3 left out by relabelling",
    )


def test_a_server_that_counts_nothing_is_no_fault() -> None:
    assert found_by(replace(SHOP, chosen=True), target("shop"), left_out={"droppedTargets": 1}).status == "ok"


def test_a_search_that_finds_nobody_is_told_with_what_prometheus_says() -> None:
    finding = found_by(
        FOUND, log=lambda component, lines: [line("shop", "old"), line("shop", REFUSED), line("x", "y")]
    )
    assert finding.evidence == (
        f"job shop (prometheus/scrape/shop.yml:3): its service discovery (http) has found no target: {REFUSED}"
    )
    assert finding.hint.startswith("prometheus/scrape/shop.yml:3: does its address answer Prometheus")
    other = found_by(replace(FOUND, by=("consul",)))
    assert other.evidence.endswith("its service discovery (consul) has found no target")
    assert other.hint.endswith("monitoring-stack logs prometheus has its word")


def test_a_search_that_fails_while_its_targets_stay_is_a_remark() -> None:
    finding = found_by(FOUND, target("shop"), log=lambda component, lines: [line("shop", "refused")])
    assert finding.warnings == (
        "job shop (prometheus/scrape/shop.yml:3): its service discovery fails: refused",
    )


def test_what_was_said_long_ago_or_cannot_be_read_is_not_told() -> None:
    def gone(component: str, lines: int) -> Iterable[str]:
        raise EngineUnavailable("gone")

    for log in (gone, lambda component, lines: [line("shop", "refused", age=101)], None):
        finding = found_by(FOUND, target("shop"), log=log)
        assert (finding.status, finding.warnings) == ("ok", ())
    assert said(["no line of a log", 'discovery=a config=b err="c"'], 1.0e9) == {}
    assert said([line('"a b"', "c")], datetime.now(UTC).timestamp()) == {"a b": "c"}


def test_nothing_is_held_against_files_that_were_just_loaded() -> None:
    for job in (FOUND, replace(SHOP, chosen=True)):
        assert not found_by(job, left_out=dropped("a:1"), loaded_for=1.0).final
    static = found_by(
        SHOP, target("shop"), log=lambda component, lines: pytest.fail("nobody is searched for")
    )
    assert static.evidence == "1 targets up in 1 jobs: shop 1"


def test_many_jobs_are_counted_in_a_few_words() -> None:
    fake = FakeStack()
    jobs = tuple(Job(f"j{n}", component="app" if n < 5 else "", addresses=(f"j{n}:1",)) for n in range(12))
    fake.products["prometheus"]["GET /api/v1/targets"] = data(
        {"activeTargets": [target(job.name) for job in jobs]}
    )
    with fake.running(jobs=jobs) as expected:
        (finding,) = run([replace(TARGETS, seconds=0.02)], expected).findings
    assert (
        finding.evidence
        == "12 targets up in 12 jobs: j5 1, j6 1, j7 1, j8 1, j9 1, j10 1, j11 1, j0 1 and 4 more"
    )
