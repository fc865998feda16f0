"""Targets: who is at fault, what is waited for, and what is a remark."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks import prometheus_targets
from stack.checks.batches import MARK
from stack.checks.check import Check
from stack.checks.model import Finding, Job
from stack.checks.runner import hurried, run
from stack.model.spec import HOST_JOBS
from tests.loopback import Asked, Reply
from tests.unit.checks.fake_stack import JOBS, FakeStack, data, kept_nothing, runtime, target, vector

TARGETS, SAMPLES = prometheus_targets.CHECKS
OWN = Job("shop", "scrape/shop.yml", 3, addresses=("shop:1",))
REFUSED = "dial tcp 1.2.3.4:1: connect: connection refused"


def found_by(*shown: dict[str, Any], jobs: tuple[Job, ...] = JOBS, check: Check = TARGETS) -> Finding:
    fake = FakeStack()
    fake.products["prometheus"]["GET /api/v1/targets"] = data({"activeTargets": list(shown)})
    with fake.running(jobs=jobs) as expected:
        (finding,) = run([replace(check, seconds=0.02)], expected).findings
    return finding


def test_a_component_that_is_down_is_named_so_that_its_own_finding_counts() -> None:
    finding = found_by(target("app", "down", REFUSED), target("prometheus"))
    assert finding.about == ("app",)
    assert finding.evidence == "app app:1 is down: nobody listens on app:1"
    assert finding.hint == "monitoring-stack logs app shows why"


def test_a_target_of_the_users_beside_it_stands_for_itself() -> None:
    shown = (target("app", "down", REFUSED), target("prometheus"), target("shop", "down", REFUSED))
    finding = found_by(*shown, jobs=(*JOBS, OWN))
    assert finding.about == ()
    assert "shop shop:1 is down: nobody listens on shop:1" in finding.evidence


def test_the_line_to_change_is_told() -> None:
    finding = found_by(target("shop", "down", "body size limit exceeded"), jobs=(OWN,))
    assert finding.hint == "prometheus/scrape/shop.yml:3: raise body_size_limit"


def found_in_a_hurry(first: dict[str, Any], loaded_for: float = 3600.0) -> Finding:
    """What is found where the first three answers show ``first``, later ones a healthy target."""
    fake = FakeStack()
    shown = iter([first] * 3)

    def answer(asked: Asked) -> Reply:
        return data({"activeTargets": [next(shown, target("shop"))]})

    fake.products["prometheus"]["GET /api/v1/targets"] = answer
    fake.products["prometheus"]["GET /api/v1/status/runtimeinfo"] = runtime(loaded_for=loaded_for)
    (check,) = hurried([replace(TARGETS, seconds=5, every=0.01)], {"proven": 0.01})
    with fake.running(jobs=(OWN,)) as expected:
        (finding,) = run([check], expected).findings
    return finding


def test_a_target_that_has_not_been_scraped_is_waited_for_even_in_a_hurry() -> None:
    finding = found_in_a_hurry(target("shop", "unknown"))
    assert (finding.status, finding.evidence) == ("ok", "1 targets up in 1 jobs: shop 1")


def test_what_targets_show_shortly_after_a_load_may_be_of_before() -> None:
    other = target("shop", scrape_interval="15s")
    assert found_in_a_hurry(other, loaded_for=2.0).status == "ok"
    assert found_in_a_hurry(other).status == "failed"


def test_a_target_that_is_rarely_scraped_is_a_remark() -> None:
    rare = replace(OWN, interval=300.0)
    finding = found_by(target("shop", "unknown", scrape_interval="5m"), jobs=(rare,))
    assert finding.status == "ok"
    assert finding.warnings == ("shop shop:1 has not been scraped yet: its interval is 5m",)


@pytest.mark.parametrize(("interval", "more"), [(5.0, 0.0), (1.0, 0.0), (30.0, 50.0), (3600.0, 110.0)])
def test_the_deadline_grows_with_the_longest_interval(interval: float, more: float) -> None:
    with FakeStack().running(scrape_interval=interval) as expected:
        suited = TARGETS.suited(expected)
        (in_a_hurry,) = hurried([TARGETS], {"proven": 1.0})
        assert (suited.seconds, in_a_hurry.suited(expected).seconds) == (30.0 + more, 1.0)
        assert in_a_hurry.suited(expected).pending == 30.0 + more
        assert replace(TARGETS, by_scrape="").suited(expected).seconds == 30.0
        of_shipped = replace(TARGETS, by_scrape="shipped")
        assert of_shipped.suited(expected).seconds == 30.0
        assert of_shipped.suited(replace(expected, shipped_interval=interval)).seconds == 30.0 + more


def test_discovered_targets_must_be_up_whatever_their_number() -> None:
    found = replace(OWN, discovered=True, addresses=())
    shown = [target("shop", address=f"10.0.0.{n}:1") for n in range(3)]
    assert found_by(*shown, jobs=(found,)).evidence == "3 targets up in 1 jobs: shop 3"
    assert (
        "service discovery (dns) has found no target"
        in found_by(jobs=(replace(found, by=("dns",)),)).evidence
    )


def test_a_component_that_no_job_scrapes() -> None:
    paths = (("app", "/"), ("prometheus", "/"), ("node_exporter", "/"))
    with FakeStack().running(ready_paths=paths, jobs=JOBS) as expected:
        (finding,) = run([replace(TARGETS, seconds=0.02)], expected).findings
    assert finding.evidence == "no job scrapes node_exporter"
    assert finding.hint == "restore prometheus/scrape/node_exporter.yml, then reload"
    by_address = replace(OWN, addresses=("node-exporter:1",))
    with FakeStack().running(ready_paths=paths, jobs=(*JOBS, by_address)) as expected:
        (finding,) = run([replace(TARGETS, seconds=0.02)], expected).findings
    assert "no job scrapes" not in finding.evidence


def answering(**replies: Reply) -> Finding:
    fake = FakeStack()

    def query(asked: Asked) -> Reply:
        return replies["rejected" if MARK in asked.params["query"] else "kept"]

    fake.products["prometheus"]["POST /api/v1/query"] = query
    with fake.running(jobs=(*JOBS, OWN)) as expected:
        (finding,) = run([replace(SAMPLES, seconds=0.02)], expected).findings
    return finding


def test_a_component_of_which_nothing_is_kept_fails_and_a_target_of_the_users_is_a_remark() -> None:
    said = "is up and none of its samples is kept"
    assert answering(kept=kept_nothing("app"), rejected=vector()).evidence == (
        f"app app:1 {said} (prometheus/scrape/app.yml:2)"
    )
    theirs = answering(kept=kept_nothing("shop"), rejected=vector())
    assert theirs.status == "ok"
    assert theirs.warnings == (f"shop shop:1 {said} (prometheus/scrape/shop.yml:3)",)


def test_samples_that_prometheus_rejects_are_a_remark() -> None:
    found = [{"metric": {MARK: str(n)}, "value": [1, value]} for n, value in enumerate(["0", "7", "0"])]
    finding = answering(kept=vector(), rejected=data({"resultType": "vector", "result": found}))
    assert finding.status == "ok"
    (remark,) = finding.warnings
    assert "have a time too far in the past or the future: 7 within 5m" in remark


def test_a_further_host_that_is_down_is_a_remark_and_the_others_count() -> None:
    host = Job("host-web1", HOST_JOBS, addresses=("host-web1:1",))
    shown = (target("app"), target("prometheus"), target("host-web1", "down", REFUSED))
    finding = found_by(*shown, jobs=(*JOBS, host))
    assert finding.status == "ok" and finding.evidence.startswith("2 targets up")
    (remark,) = finding.warnings
    assert remark.startswith("host ") and "is down: nobody listens on" in remark
    assert remark.endswith(": monitoring-stack host list")
