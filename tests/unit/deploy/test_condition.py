"""The condition of containers: what should run and does not is the first finding, with its cause and remedy."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.checks.model import Finding, Report
from stack.common.moments import moment
from stack.deploy.condition import age, at_rest, condition, explained, nobody, proven_since
from stack.model.observed import GivenLimits, Observed, ObservedContainer
from stack.model.spec import Limits, StackSpec
from stack.model.state import ProvenStack
from tests.unit.deploy.plan_samples import NAME, service

APP = replace(service("app"), limits=Limits(64 << 20, 1.0))
SPEC = StackSpec(NAME, (APP, service("prometheus")))


def container(component: str, state: str = "running", **more: object) -> ObservedContainer:
    found = ObservedContainer(
        f"id-{component}", f"{NAME}-{component}", component, "d", "i", "ii", state, health="healthy"
    )
    return replace(found, **more)


PROMETHEUS = container("prometheus")


def seen(
    *containers: ObservedContainer,
    networks: tuple[str, ...] = (NAME,),
    leftovers: tuple[ObservedContainer, ...] = (),
) -> Observed:
    return Observed(NAME, (*containers, PROMETHEUS), leftovers, networks)


def test_a_sound_stack_is_one_good_finding() -> None:
    (finding,) = condition(SPEC, seen(container("app")))
    assert (finding.status, finding.evidence) == ("ok", "2 containers run, connected to network demo")


@pytest.mark.parametrize(
    ("observed", "evidence", "hint"),
    [
        (seen(), "container demo-app is gone, though the stack was started with it", "start makes it anew"),
        (seen(container("app", "paused")), "demo-app is paused", "docker unpause demo-app"),
        (seen(container("app", "created")), "demo-app was never started", "monitoring-stack start"),
        (
            seen(container("app", "restarting", exit_code=3)),
            "demo-app ends with exit code 3 again and again",
            "logs app",
        ),
        (
            seen(container("app", "exited", exit_code=1)),
            "demo-app does not run: it ended with exit code 1",
            "start runs it again; monitoring-stack logs app shows why",
        ),
        (seen(container("app", health="unhealthy")), "its health check fails", "start runs it again"),
        (seen(container("app", stranded=True)), "not connected to network demo", "start connects it"),
        (seen(container("app", connected=False)), "not connected to network demo", "start connects it"),
        (seen(container("app", name="mine")), "demo-app was renamed to mine", "gives it its name back"),
        (
            seen(container("app", "exited", exit_code=137, oom_killed=True)),
            "demo-app was killed for memory: its limit is 64 MiB",
            "raise app.limits.memory (STACK_APP_MEMORY), then",
        ),
        (
            seen(
                container("app", "exited", exit_code=137, oom_killed=True, limits=GivenLimits(memory=8 << 20))
            ),
            "demo-app was killed for memory: its limit is 8 MiB instead of 64 MiB",
            "start puts it right",
        ),
        (
            seen(container("app", "restarting", exit_code=137, oom_killed=True)),
            "demo-app was killed for memory again and again",
            "raise app.limits.memory",
        ),
        (
            seen(container("app", digest=APP.digest(), limits=GivenLimits(memory=8 << 20))),
            "changed outside the bundle: memory is 8 MiB instead of 64 MiB",
            "start puts it right",
        ),
        (seen(container("app", drift=("main.yml is another one",))), "demo-app: main.yml is", "writes the"),
        (
            seen(
                container(
                    "app", "exited", exit_code=2, drift=("main.yml is missing",), last_words=("cannot open",)
                )
            ),
            "demo-app does not run: it ended with exit code 2: main.yml is missing: cannot open",
            "start writes the files anew",
        ),
    ],
)
def test_a_fault_names_cause_and_remedy(observed: Observed, evidence: str, hint: str) -> None:
    (finding,) = condition(SPEC, observed)
    assert (finding.check, finding.component, finding.status) == ("app.container", "app", "failed")
    assert evidence in finding.evidence and hint in finding.hint


def test_without_the_network_every_container_is_at_fault() -> None:
    findings = condition(SPEC, seen(container("app"), networks=()))
    assert [f.evidence for f in findings] == [
        "network demo is gone, demo-app cannot be reached",
        "network demo is gone, demo-prometheus cannot be reached",
    ]


def test_a_description_that_changed_since_is_no_fault_of_the_container() -> None:
    assert condition(SPEC, seen(container("app", limits=GivenLimits(memory=8 << 20))))[0].status == "ok"


@pytest.mark.parametrize(("restarts", "later", "status"), [(2, 3, "failed"), (1, 3, "ok"), (2, 30, "ok")])
def test_between_two_ends_a_container_runs_and_is_at_fault(restarts: int, later: float, status: str) -> None:
    found = seen(container("app", health="starting", restarts=restarts, started_at="2026-01-01T00:00:00Z"))
    (finding,) = condition(SPEC, found, moment("2026-01-01T00:00:00Z") + later)
    assert finding.status == status
    if status == "failed":
        assert finding.evidence == "demo-app ends again and again (start 3)"
        assert finding.hint == "monitoring-stack logs app shows why"
        healthy = replace(found, containers=tuple(replace(c, health="healthy") for c in found.containers))
        assert condition(SPEC, healthy, moment("2026-01-01T00:00:00Z") + later)[0].status == "ok"


@pytest.mark.parametrize(("restarts", "again"), [(4, True), (0, False)])
def test_files_that_its_ends_come_from_are_told_with_them(restarts: int, again: bool) -> None:
    drift, now = ("prometheus.yml has permissions 0 instead of 444",), moment("2026-01-01T00:00:00Z")
    found = seen(
        container("app", health="starting", restarts=restarts, started_at="2026-01-01T00:00:00Z", drift=drift)
    )
    finding = condition(SPEC, found, now + 1)[0]
    assert finding.evidence == f"demo-app{' ends again and again (start 5)' * again}: {drift[0]}"
    assert finding.hint == (
        "monitoring-stack start writes the files anew"
        if again
        else "monitoring-stack reload writes the rendered files anew"
    )


@pytest.mark.parametrize(
    ("ahead", "said"), [(7200.4, "is 2 h ahead of this"), (-42, "is 42 s behind this"), (0, "")]
)
def test_another_clock_of_the_engine_is_remarked(ahead: float, said: str) -> None:
    (finding,) = condition(SPEC, replace(seen(container("app")), ahead=ahead))
    assert finding.status == "ok" and len(finding.warnings) == bool(said)
    assert all(said in warning for warning in finding.warnings)


def test_a_lost_name_on_the_network_is_a_fault() -> None:
    (finding,) = condition(SPEC, seen(container("app", aliases=())))
    assert finding.evidence == "demo-app is not known as app on its network"


def test_what_runs_again_after_it_was_killed_is_remarked() -> None:
    (finding,) = condition(SPEC, seen(container("app", restarts=2, oom_killed=True)))
    assert finding.status == "ok"
    assert finding.warnings == (
        "the engine has started demo-app again 2 times: it was killed for memory, its limit is 64 MiB: "
        "raise app.limits.memory (STACK_APP_MEMORY)",
    )


def test_killed_for_memory_between_two_ends_is_said_with_the_limit() -> None:
    found = seen(
        container("app", health="starting", restarts=2, oom_killed=True, started_at="2026-01-01T00:00:00Z")
    )
    (finding,) = condition(SPEC, found, moment("2026-01-01T00:00:00Z") + 3)
    assert finding.evidence == (
        "demo-app was killed for memory again and again (start 3): its limit is 64 MiB"
    )
    assert finding.hint == "raise app.limits.memory (STACK_APP_MEMORY), then monitoring-stack start"
    assert finding.warnings == (), "a fault is no remark too"


def test_faults_of_one_leave_remarks_about_another() -> None:
    found = Observed(NAME, (container("app", restarts=1, oom_killed=True),), networks=(NAME,))
    (finding,) = condition(SPEC, found)
    assert finding.evidence.startswith("container demo-prometheus is gone")
    assert [w for w in finding.warnings if "demo-app again 1 time: it was killed for memory" in w]


def test_a_stack_of_others_is_not_judged() -> None:
    assert condition(SPEC, Observed(NAME)) == ()


def test_a_stack_at_rest_is_one_sentence() -> None:
    resting = Observed(NAME, (container("app", "exited"),), networks=(NAME,))
    assert at_rest(NAME, resting, ("app",)) == "stack demo is stopped"
    assert at_rest(NAME, Observed(NAME), ("app",)) == "all containers of stack demo are gone"
    assert not at_rest(NAME, Observed(NAME), ())
    assert not at_rest(NAME, seen(container("app", "exited")), ("app",))


def test_nobody_there_is_said_only_where_nobody_answers() -> None:
    silent = Finding("app.ready", "app", "ready", "failed", "refused")
    assert "nobody answers" in nobody(NAME, Report((silent,)))
    assert not nobody(NAME, Report((silent, replace(silent, status="ok"))))


def test_the_age_is_that_of_the_youngest_running_container() -> None:
    old = container("app", started_at="2026-11-26T10:00:00.123456789Z")
    young = container("prometheus", started_at="2026-11-26T10:00:30Z")
    ended = container("node_exporter", "exited", started_at="2026-11-26T10:01:00Z")
    now = 1795687260.0  # 2026-11-26 10:01:00 UTC
    assert age(Observed(NAME, (old, young, ended)), now) == 30.0
    assert age(Observed(NAME, (old,)), now) == 60.0
    assert age(Observed(NAME), now) == 0.0


@pytest.mark.parametrize(
    ("when", "since"),
    [("2026-11-26 10:00:31 UTC", True), ("2026-11-26 10:00:29 UTC", False), ("garbage", False)],
)
def test_a_proof_counts_once_all_that_runs_was_running(when: str, since: bool) -> None:
    young = container("prometheus", started_at="2026-11-26T10:00:30Z")
    ended = container("node_exporter", "exited", started_at="2026-11-26T10:01:00Z")
    assert proven_since(Observed(NAME, (young, ended)), ProvenStack("x", when)) is since
    assert not proven_since(Observed(NAME, (young,)), None)
    assert not proven_since(Observed(NAME), ProvenStack("x", when))


MUTE = Finding("prometheus.ready", "prometheus", "ready", "failed", "connection refused")
FOLLOWS = Finding(
    "prometheus.config", "prometheus", "checked", "failed", "not asked", because="prometheus.ready"
)
RUNS = Finding("stack.containers", "", "ready", "ok", "2 containers run")


def test_a_silence_follows_from_the_container_that_a_later_look_finds_at_fault() -> None:
    report = Report((RUNS, MUTE, FOLLOWS))
    cause = Finding("prometheus.container", "prometheus", "ready", "failed", "ends again and again")
    told = explained(report, (cause,))
    assert [f.check for f in told.causes] == ["prometheus.container"]
    assert [f.because for f in told.failed] == ["", "prometheus.container", "prometheus.container"]
    assert explained(report, (RUNS,)) == report
    assert explained(told, (cause,)) == told


def test_a_process_that_ended_while_it_was_asked_is_the_cause_of_all_that_it_did_not_answer() -> None:
    refused = Finding("prometheus.expressions", "prometheus", "checked", "failed", "connection refused")
    follows = Finding("path.alert", "alertmanager", "proven", "failed", "-", because="prometheus.expressions")
    cause = Finding("prometheus.container", "prometheus", "ready", "failed", "the disk is full")
    told = explained(Report((refused, follows)), (cause,))
    assert [f.because for f in told.findings] == ["", "prometheus.container", "prometheus.container"]


def test_what_failed_for_another_reason_keeps_it() -> None:
    other = Finding("app.ready", "app", "ready", "failed", "answers 500")
    cause = Finding("prometheus.container", "prometheus", "ready", "failed", "ends again and again")
    told = explained(Report((MUTE, other)), (cause,))
    assert [f.check for f in told.causes] == ["prometheus.container", "app.ready"]
