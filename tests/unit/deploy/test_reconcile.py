"""Reconciliation: facts in, steps out. Whole plans are compared as text with ``tests/golden/``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from stack.common.errors import SettingsError
from stack.deploy.reconcile import reconcile
from stack.model.observed import Applied, GivenLimits, Observed, ObservedContainer
from stack.model.plan import Plan, Step, Verb
from stack.model.spec import (
    ConfigFile,
    Mount,
    Port,
    ServiceSpec,
    StackSpec,
    config_volume,
    container_name,
    data_volume,
    destroyed,
    stopped,
)
from tests.unit.deploy.plan_samples import MIB, NAME, service

GOLDEN = Path(__file__).parents[2] / "golden"


PROMETHEUS = service("prometheus", needs=("alertmanager",), port=9090)
ALERTMANAGER = service("alertmanager", port=9093)
APP = service("app", port=8000, reload="restart")
GRAFANA = service("grafana", needs=("prometheus",), port=3000, reload="api")
SPEC = StackSpec(NAME, (PROMETHEUS, ALERTMANAGER, APP, GRAFANA))


def seen(wanted: ServiceSpec, **changed: object) -> ObservedContainer:
    """The container as a finished start leaves it."""
    digest = wanted.files_digest()
    found = ObservedContainer(
        id=f"id-{wanted.component}",
        name=container_name(NAME, wanted.component),
        component=wanted.component,
        digest=wanted.digest(),
        image=wanted.image,
        image_id=wanted.image_id,
        state="running",
        health="healthy",
        needs=wanted.needs,
        published=f"127.0.0.1:{wanted.published.host}" if wanted.published else "",
        applied=Applied(digest, digest),
    )
    return replace(found, **changed)


def at_rest(**changed: Mapping[str, object]) -> Observed:
    """A stack after a finished start; ``changed`` by component."""
    return Observed(
        NAME,
        tuple(seen(s, **changed.get(s.component, {})) for s in SPEC.services),
        networks=(NAME,),
        volumes=tuple(sorted(m.source for s in SPEC.services for m in s.mounts)),
    )


def edit(component: str, **changed: object) -> StackSpec:
    """The stack with one service changed."""
    return replace(
        SPEC,
        services=tuple(replace(s, **changed) if s.component == component else s for s in SPEC.services),
    )


NEW_FILES = (ConfigFile("main.yml", b"edited"),)
INTERRUPTED = Observed(
    NAME,
    (seen(ALERTMANAGER, applied=Applied()), seen(PROMETHEUS, state="created", applied=Applied())),
    leftovers=(ObservedContainer("id-h", "demo-helper-1", "helper", "", "x", "sha256:x", "created"),),
    networks=(NAME,),
    volumes=(config_volume(NAME, "alertmanager"), config_volume(NAME, "prometheus")),
)

CASES: dict[str, tuple[StackSpec, Observed]] = {
    "first_start": (SPEC, Observed(NAME)),
    "files_changed_signal": (edit("prometheus", files=NEW_FILES), at_rest()),
    "files_changed_api": (edit("grafana", files=NEW_FILES), at_rest()),
    "files_changed_restart": (edit("app", files=NEW_FILES), at_rest()),
    "definition_changed": (edit("prometheus", command=("--new",)), at_rest()),
    "image_changed": (edit("app", image="x/app:2", image_id="sha256:new"), at_rest()),
    "image_rebuilt": (edit("app", image_id="sha256:new"), at_rest()),
    "killed": (SPEC, at_rest(app={"state": "exited", "exit_code": 137, "health": ""})),
    "crash_loop": (SPEC, at_rest(app={"state": "restarting", "exit_code": 1})),
    "paused": (SPEC, at_rest(grafana={"state": "paused"})),
    "dead": (SPEC, at_rest(app={"state": "dead"})),
    "network_gone": (
        SPEC,
        replace(
            at_rest(**{s.component: {"state": "exited", "stranded": True} for s in SPEC.services}),
            networks=(),
        ),
    ),
    "detached": (SPEC, at_rest(prometheus={"connected": False, "networks": ()})),
    "detached_and_stopped": (SPEC, at_rest(app={"connected": False, "networks": (), "state": "exited"})),
    "alias_lost": (SPEC, at_rest(app={"aliases": ("3f0c23ebe59f",)})),
    "network_removed_while_running": (
        SPEC,
        replace(at_rest(**{s.component: {"connected": False} for s in SPEC.services}), networks=()),
    ),
    "renamed": (SPEC, at_rest(app={"name": "my-app"})),
    "renamed_and_stopped": (SPEC, at_rest(app={"name": "my-app", "state": "exited"})),
    "names_swapped": (SPEC, at_rest(app={"name": "demo-grafana"}, grafana={"name": "demo-app"})),
    "renamed_and_changed": (edit("app", command=("--new",)), at_rest(app={"name": "my-app"})),
    "stop_renamed": (stopped(NAME), at_rest(app={"name": "my-app"})),
    "unhealthy": (SPEC, at_rest(prometheus={"health": "unhealthy"})),
    "between_two_ends": (SPEC, at_rest(prometheus={"health": "starting", "restarts": 3})),
    "unhealthy_and_changed": (
        edit("prometheus", files=NEW_FILES),
        at_rest(prometheus={"health": "unhealthy"}),
    ),
    "limits_lowered": (
        SPEC,
        at_rest(app={"limits": GivenLimits(MIB // 2, MIB // 2, 0.1, 20, 2.0), "health": "unhealthy"}),
    ),
    "limits_raised": (SPEC, at_rest(app={"limits": GivenLimits(2 * MIB, 2 * MIB, 1.0, 256, 2.0)})),
    "limits_lowered_and_stopped": (
        SPEC,
        at_rest(app={"limits": GivenLimits(MIB // 2, MIB // 2, 1.0, 256, 2.0), "state": "exited"}),
    ),
    "interrupted": (SPEC, INTERRUPTED),
    "component_dropped": (replace(SPEC, services=SPEC.services[:3]), at_rest()),
    "ports_swapped": (
        replace(
            SPEC,
            services=(
                replace(PROMETHEUS, published=Port(9000, 9093)),
                replace(ALERTMANAGER, published=Port(9000, 9090)),
                APP,
                GRAFANA,
            ),
        ),
        at_rest(),
    ),
    "stop": (stopped(NAME), at_rest()),
    "start_after_stop": (SPEC, at_rest(**{s.component: {"state": "exited"} for s in SPEC.services})),
    "destroy": (destroyed(NAME, data=False), at_rest()),
    "destroy_with_data": (destroyed(NAME, data=True), at_rest(app={"state": "exited"})),
}
NOTHING_TO_DO: dict[str, tuple[StackSpec, Observed]] = {
    "second start": (SPEC, at_rest()),
    "second stop": (stopped(NAME), at_rest(**{s.component: {"state": "exited"} for s in SPEC.services})),
    "stop of nothing": (stopped(NAME), Observed(NAME)),
    "destroy of nothing": (destroyed(NAME, data=True), Observed(NAME)),
    "destroy without data after destroy": (
        destroyed(NAME, data=False),
        Observed(NAME, volumes=(data_volume(NAME, "app"),)),
    ),
    "empty stack": (StackSpec(NAME), Observed(NAME)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_whole_plan(case: str) -> None:
    spec, observed = CASES[case]
    assert reconcile(spec, observed).text() + "\n" == (GOLDEN / f"{case}.txt").read_text()


def test_no_golden_plan_is_without_a_case() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)


@pytest.mark.parametrize("case", NOTHING_TO_DO)
def test_nothing_to_do(case: str) -> None:
    plan = reconcile(*NOTHING_TO_DO[case])
    assert not plan and plan.text() == ""


@pytest.mark.parametrize("case", CASES)
def test_the_order_is_one_in_which_steps_can_run(case: str) -> None:
    done: set[str] = set()
    for step in reconcile(*CASES[case]).steps:
        assert set(step.after) <= done, step
        assert step.key not in done
        assert step.why
        done.add(step.key)


@pytest.mark.parametrize("case", CASES)
def test_the_order_of_services_and_containers_does_not_matter(case: str) -> None:
    spec, observed = CASES[case]
    turned = replace(spec, services=spec.services[::-1])
    around = replace(observed, containers=observed.containers[::-1])
    one, two = reconcile(spec, observed), reconcile(turned, around)
    assert {s.key: (s.why, set(s.after)) for s in one.steps} == {
        s.key: (s.why, set(s.after)) for s in two.steps
    }


def keys(plan: Plan) -> list[str]:
    return [step.key for step in plan.steps]


def step_of(plan: Plan, key: str) -> Step:
    return next(step for step in plan.steps if step.key == key)


def before(plan: Plan, first: str, then: str) -> bool:
    """Whether ``then`` waits, directly or not, for ``first``."""
    waiting = {step.key: step.after for step in plan.steps}
    reached, left = set[str](), [then]
    while left:
        for key in waiting[left.pop()]:
            if key not in reached:
                reached.add(key)
                left.append(key)
    return first in reached


def test_a_service_starts_after_those_it_needs() -> None:
    plan = reconcile(SPEC, Observed(NAME))
    assert before(plan, "start demo-alertmanager", "start demo-prometheus")
    assert before(plan, "start demo-prometheus", "start demo-grafana")
    assert not before(plan, "start demo-app", "start demo-grafana")


def test_a_container_is_made_beside_its_files_and_starts_after_them() -> None:
    plan = reconcile(SPEC, Observed(NAME))
    made = step_of(plan, "create container demo-app").after
    assert set(made) == {
        "create network demo",
        "create volume demo-app-config",
        "create volume demo-app-data",
    }
    started = step_of(plan, "start demo-app").after
    assert {"create container demo-app", "write files demo-app-config"} <= set(started)


def test_files_are_recorded_only_once_verified() -> None:
    plan = reconcile(edit("prometheus", files=NEW_FILES), at_rest())
    assert keys(plan) == [
        "write files demo-prometheus-config",
        "reload demo-prometheus",
        "verify demo-prometheus",
        "record demo-prometheus",
    ]
    assert [step.after for step in plan.steps[1:]] == [(key,) for key in keys(plan)[:-1]]


def test_a_port_is_free_before_it_is_taken() -> None:
    plan = reconcile(*CASES["ports_swapped"])
    assert before(plan, "stop demo-alertmanager", "start demo-prometheus")
    assert before(plan, "stop demo-prometheus", "start demo-alertmanager")


def test_a_port_is_free_even_where_a_dropped_component_had_it() -> None:
    spec = StackSpec(NAME, (replace(APP, published=Port(9000, 3000)),))
    plan = reconcile(spec, at_rest())
    assert before(plan, "stop demo-grafana", "start demo-app")


def test_users_stop_before_what_they_need() -> None:
    plan = reconcile(stopped(NAME), at_rest())
    assert before(plan, "stop demo-grafana", "stop demo-prometheus")
    assert before(plan, "stop demo-prometheus", "stop demo-alertmanager")


def test_containers_that_need_each_other_in_a_circle_still_stop() -> None:
    observed = at_rest(alertmanager={"needs": ("grafana",)})
    plan = reconcile(stopped(NAME), observed)
    assert {step.target for step in plan.steps} == {container_name(NAME, s.component) for s in SPEC.services}


def test_a_circle_in_the_description_is_an_error() -> None:
    spec = StackSpec(NAME, (service("app", needs=("grafana",)), service("grafana", needs=("app",))))
    with pytest.raises(SettingsError, match="circle"):
        reconcile(spec, Observed(NAME))


def test_data_goes_only_when_asked_and_only_after_its_container() -> None:
    kept = reconcile(destroyed(NAME, data=False), at_rest())
    assert "remove volume demo-app-data" not in keys(kept)
    gone = reconcile(destroyed(NAME, data=True), at_rest())
    assert before(gone, "remove container demo-app", "remove volume demo-app-data")


def test_a_dropped_component_keeps_its_data() -> None:
    plan = reconcile(*CASES["component_dropped"])
    assert "remove volume demo-grafana-config" in keys(plan)
    assert "remove volume demo-grafana-data" not in keys(plan)
    assert "remove network demo" not in keys(plan)


def test_stopping_keeps_everything() -> None:
    assert {step.verb for step in reconcile(stopped(NAME), at_rest()).steps} == {Verb.STOP}


def test_only_the_broken_one_is_repaired() -> None:
    assert reconcile(*CASES["killed"]).touched() == ("app",)


def test_a_write_that_was_never_verified_is_repeated() -> None:
    plan = reconcile(SPEC, at_rest(prometheus={"applied": Applied()}))
    assert [step.verb for step in plan.steps] == [Verb.WRITE, Verb.RELOAD, Verb.VERIFY, Verb.RECORD]


def test_a_version_in_use_that_is_not_the_verified_one_is_written_again() -> None:
    """Files changed, the run was killed before it verified them, and the change was taken back."""
    digest = PROMETHEUS.files_digest()
    plan = reconcile(SPEC, at_rest(prometheus={"applied": Applied.of(verified=digest, in_use="other")}))
    assert [step.verb for step in plan.steps] == [Verb.WRITE, Verb.RELOAD, Verb.VERIFY, Verb.RECORD]
    assert plan.steps[0].why == "1 file, changed"


def test_files_are_written_once_more_for_what_does_not_run() -> None:
    """Whatever became of its volume meanwhile: a container that lost its files would never start again."""
    for state in ("exited", "restarting", "paused"):
        plan = reconcile(SPEC, at_rest(prometheus={"state": state}))
        assert before(plan, "write files demo-prometheus-config", "start demo-prometheus")
        assert step_of(plan, "write files demo-prometheus-config").why == "1 file, once more"


def test_a_service_without_files_gets_none() -> None:
    bare = replace(service("node_exporter"), files=(), mounts=())
    plan = reconcile(StackSpec(NAME, (bare,)), Observed(NAME))
    assert [step.verb for step in plan.steps] == [Verb.CREATE_NETWORK, Verb.CREATE, Verb.START, Verb.VERIFY]


def test_a_shared_volume_is_made_once() -> None:
    shared = Mount("volume", "demo-shared-data", "/s")
    spec = StackSpec(NAME, tuple(replace(s, mounts=(*s.mounts, shared)) for s in (APP, ALERTMANAGER)))
    assert keys(reconcile(spec, Observed(NAME))).count("create volume demo-shared-data") == 1


def test_a_container_is_not_removed_by_a_stop_whatever_its_name() -> None:
    second = seen(APP, id="id-second", name="copy-of-app")
    plan = reconcile(stopped(NAME), replace(at_rest(), leftovers=(second,)))
    assert {step.verb for step in plan.steps} == {Verb.STOP}
    assert "stop copy-of-app" in keys(plan)


def test_another_network_of_the_stack_goes_and_its_own_stays() -> None:
    observed = replace(at_rest(), networks=(NAME, "demo-old"))
    assert keys(reconcile(SPEC, observed)) == ["remove network demo-old"]
