"""What somebody did to containers behind our back is seen as it is, and the calls that put it right do."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from msgspec.structs import replace

from stack.common.errors import StartFailed
from stack.deploy.differences import differences
from stack.deploy.reconcile import reconcile
from stack.model.observed import ObservedContainer
from stack.model.plan import Verb
from stack.model.spec import Mount, ServiceSpec, StackSpec, config_volume, container_name
from tests.contract.engine_bench import MIB, Bench, DockerBench, make, published, service
from tests.loopback import free_port


def only(bench: Bench) -> ObservedContainer:
    (found,) = bench.engine.observe(bench.stack).containers
    return found


def verbs(bench: Bench, wanted: ServiceSpec) -> list[Verb]:
    """What a start would do, but for what concerns files."""
    spec = StackSpec(bench.stack, (wanted,))
    plan = reconcile(spec, bench.engine.observe(bench.stack))
    return [s.verb for s in plan.steps if s.verb not in (Verb.WRITE, Verb.RECORD, Verb.VERIFY)]


def test_what_was_made_differs_in_nothing(bench: Bench) -> None:
    for wanted in (
        service(bench, published=published(free_port()), environment=(("A", "b"),), user="65534:65534"),
        service(bench, "second", mounts=(Mount("bind", "/proc", "/host/proc"), Mount("tmpfs", "", "/x"))),
    ):
        make(bench, wanted)
        found = bench.engine.observe(bench.stack).container(wanted.component)
        assert found is not None and found.limits is not None and found.setup is not None
        assert differences(wanted, found) == ()
        assert found.connected and found.networks == (bench.stack,)
        assert set(wanted.aliases) <= set(found.aliases or ())
        assert (found.restarts, found.oom_killed, found.finished_at) == (0, False, "")
    assert only_second_is_seen(bench)


def only_second_is_seen(bench: Bench) -> bool:
    """Two components are two containers."""
    return len(bench.engine.observe(bench.stack).containers) == 2


def test_a_container_off_its_network_is_seen_and_connected_again(bench: Bench) -> None:
    wanted = service(bench)
    container = make(bench, wanted)
    for state in ("running", "stopped"):
        if state == "stopped":
            bench.engine.stop(container)
        bench.detach(container)
        assert not only(bench).connected and only(bench).networks == ()
        assert Verb.CONNECT in verbs(bench, wanted)
        bench.engine.connect(bench.stack, container, wanted.aliases)
        if state == "stopped":
            bench.engine.start(container)
        assert only(bench).connected and only(bench).running
        assert verbs(bench, wanted) == []


def test_one_that_lost_its_names_on_the_network_gets_them_back(bench: Bench) -> None:
    wanted = service(bench)
    container = make(bench, wanted)
    bench.engine.connect(bench.stack, container, ("other",))
    assert verbs(bench, wanted) == [Verb.CONNECT]
    bench.engine.connect(bench.stack, container, wanted.aliases)
    assert verbs(bench, wanted) == []


def test_a_network_removed_under_running_containers(bench: Bench) -> None:
    wanted = service(bench)
    container = make(bench, wanted)
    bench.lose_network()
    assert verbs(bench, wanted) == [Verb.CREATE_NETWORK, Verb.CONNECT]
    with pytest.raises(StartFailed, match="it is gone"):
        bench.engine.connect(bench.stack, container, wanted.aliases)
    bench.engine.create_network(bench.stack)
    bench.engine.connect(bench.stack, container, wanted.aliases)
    assert verbs(bench, wanted) == [] and only(bench).id == container


def test_nobody_elses_container_and_network_are_connected(bench: Bench) -> None:
    name = container_name(bench.stack, "web_app")
    bench.foreign("container", name)
    bench.engine.create_network(bench.stack)
    with pytest.raises(StartFailed, match="not ours"):
        bench.engine.connect(bench.stack, name, ())
    with pytest.raises(StartFailed, match="not ours"):
        bench.engine.limit(name, service(bench).limits)


def test_a_renamed_container_still_is_its_components(bench: Bench) -> None:
    wanted = service(bench)
    container = make(bench, wanted)
    bench.engine.rename(container, f"{bench.stack}-mine")
    observed = bench.engine.observe(bench.stack)
    assert [c.id for c in observed.containers] == [container] and observed.leftovers == ()
    assert verbs(bench, wanted) == [Verb.RENAME]
    bench.engine.rename(container, container_name(bench.stack, "web_app"))
    assert verbs(bench, wanted) == []


def test_a_name_that_somebody_else_took_meanwhile(bench: Bench) -> None:
    container = make(bench, service(bench))
    bench.engine.rename(container, f"{bench.stack}-mine")
    bench.foreign("container", container_name(bench.stack, "web_app"))
    with pytest.raises(StartFailed, match="not ours"):
        bench.engine.rename(container, container_name(bench.stack, "web_app"))


@pytest.mark.parametrize(
    ("changed", "words", "step"),
    [
        ({"Memory": 32 * MIB, "MemorySwap": 32 * MIB}, "memory is 32 MiB instead of 64 MiB", Verb.LIMIT),
        ({"Memory": 99 * MIB, "MemorySwap": 99 * MIB}, "memory is 99 MiB instead of 64 MiB", Verb.CREATE),
        ({"NanoCpus": 100_000_000}, "CPUs are 0.1 instead of 0.5", Verb.LIMIT),
        ({"PidsLimit": 11}, "processes are 11 instead of 64", Verb.LIMIT),
        ({"PidsLimit": -1}, "processes are without a limit instead of 64", Verb.LIMIT),
        (
            {"RestartPolicy": {"Name": "no"}},
            "restart policy is no instead of unless-stopped",
            Verb.LIMIT,
        ),
        ({"CpusetCpus": "0"}, "it runs on CPUs 0 only", Verb.CREATE),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_limits_changed_by_hand(bench: Bench, changed: dict[str, Any], words: str, step: Verb) -> None:
    wanted = service(bench)
    container = make(bench, wanted)
    bench.update(container, **changed)
    assert [one.words for one in differences(wanted, only(bench))] == [words]
    assert verbs(bench, wanted)[0] == step
    if step is Verb.LIMIT:
        bench.engine.limit(container, wanted.limits)
        assert differences(wanted, only(bench)) == () and only(bench).running


def test_a_container_made_anew_by_hand_with_our_label_is_seen_as_it_is(bench: Bench) -> None:
    made = service(
        bench,
        published=published(free_port()),
        mounts=(Mount("volume", f"{bench.stack}-other-config", "/elsewhere"),),
        user="0:0",
        environment=(("A", "other"),),
        command=("x",),
    )
    make(bench, made)
    wanted = service(bench, published=published(1), environment=(("A", "b"),), user="65534:65534")
    words = {one.words for one in differences(replace(wanted, command=("y",)), only(bench))}
    config = config_volume(bench.stack, "web_app")
    assert made.published is not None
    assert words == {
        "user is 0:0 instead of 65534:65534",
        "its arguments are others",
        "environment is another one: A",
        f"mount {config} on /etc/stack (read only) is missing",
        f"mount {bench.stack}-web-app-data on /data is missing",
        f"mount {bench.stack}-other-config on /elsewhere (read only) was added",
        "port 127.0.0.1:1>9100 is missing",
        f"port 127.0.0.1:{made.published.host}>9100 was added",
    }


@pytest.mark.engine
def test_published_ports_come_back_with_the_network() -> None:
    with DockerBench() as bench:
        wanted = service(bench, published=published(free_port()), entrypoint=("/bin/sh", "-c", SERVES))
        container = make(bench, wanted)
        assert wanted.published is not None
        bench.detach(container)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", wanted.published.host), 2)
        bench.engine.connect(bench.stack, container, wanted.aliases)
        socket.create_connection(("127.0.0.1", wanted.published.host), 2).close()


SERVES = "trap 'exit 0' TERM; while :; do sleep 0.05; done"
"""The engine itself takes connections to a published port, whoever listens behind it."""
