"""What every engine promises: one suite, held against the in-memory engine and against Docker.

Nothing here may depend on an image that a registry would have to give.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import pytest

from stack.common.errors import ImageError, PortTaken, RegistryUnreachable, StackError, StartFailed
from stack.engine.interface import ImageConfig, Job
from stack.model.observed import Applied, Observed, ObservedContainer
from stack.model.spec import (
    APPLIED,
    CONFIG_ROOT,
    CURRENT,
    ConfigFile,
    config_volume,
    container_name,
    data_volume,
)
from tests.contract.engine_bench import (
    MIB,
    TINY,
    Bench,
    Kind,
    make,
    of_the_stack,
    published,
    service,
    write,
)
from tests.loopback import free_port


def only(bench: Bench) -> ObservedContainer:
    (found,) = bench.engine.observe(bench.stack).containers
    return found


def test_says_who_answers(bench: Bench) -> None:
    info = bench.engine.info()
    assert info.version and info.api and info.address and info.architecture
    assert info.cpus >= 1 and info.memory > 0 and not info.remote


def test_a_stack_that_never_was_is_empty(bench: Bench) -> None:
    assert of_the_stack(bench) == Observed(bench.stack)
    assert bench.stack not in bench.engine.stacks()


def test_networks_and_volumes_are_made_and_removed_as_often_as_asked(bench: Bench) -> None:
    volume = data_volume(bench.stack, "web_app")
    for _ in range(2):
        bench.engine.create_network(bench.stack)
        bench.engine.create_volume(volume, bench.stack)
    observed = bench.engine.observe(bench.stack)
    assert (observed.networks, observed.volumes) == ((bench.stack,), (volume,))
    for _ in range(2):
        bench.engine.remove_network(bench.stack)
        bench.engine.remove_volume(volume)
    assert of_the_stack(bench) == Observed(bench.stack)


def test_the_life_of_a_container(bench: Bench) -> None:
    wanted = service(bench, needs=("other",), published=published(free_port()))
    container = make(bench, wanted, start=False)
    created = only(bench)
    assert (created.id, created.name) == (container, container_name(bench.stack, "web_app"))
    assert (created.component, created.digest, created.needs) == ("web_app", wanted.digest(), ("other",))
    assert (created.image, created.image_id) == (TINY, wanted.image_id)
    assert wanted.published is not None
    assert created.published == f"127.0.0.1:{wanted.published.host}"
    assert (created.state, created.started_at, created.applied) == ("created", "", Applied())
    for _ in range(2):
        bench.engine.start(created.name)
    assert only(bench).running and only(bench).started_at
    assert bench.stack in bench.engine.stacks()
    for _ in range(2):
        bench.engine.stop(container)
    assert only(bench).state == "exited"
    bench.engine.restart(container)
    assert only(bench).running
    for _ in range(2):
        bench.engine.remove(container)
    assert bench.engine.observe(bench.stack).containers == ()


def test_files_travel_through_a_volume_and_a_link_chooses_the_version(bench: Bench) -> None:
    container = make(bench, service(bench), start=False)
    write(bench, ConfigFile("v1/a/x.yml", b"one"), ConfigFile("plain", b"p"), links=((CURRENT, "v1"),))
    assert bench.engine.read_file(container, f"{CONFIG_ROOT}/{CURRENT}/a/x.yml") == b"one"
    bench.engine.start(container)
    write(bench, ConfigFile("v2/a/x.yml", b"two"), links=((CURRENT, "v2"), (APPLIED, "v1")))
    assert bench.engine.read_file(container, f"{CONFIG_ROOT}/{CURRENT}/a/x.yml") == b"two"
    assert only(bench).applied == Applied("", "v1")
    write(bench, links=((APPLIED, "v2"),))
    assert only(bench).applied == Applied("v2", "v2")
    write(bench, links=((CURRENT, "v1"),))
    assert bench.engine.read_file(container, f"{CONFIG_ROOT}/{CURRENT}/a/x.yml") == b"one"
    assert bench.engine.read_file(container, f"{CONFIG_ROOT}/plain") == b"p"
    assert bench.engine.read_file(container, f"{CONFIG_ROOT}/nothing") is None
    assert only(bench).applied == Applied("", "v2")
    assert bench.engine.observe(bench.stack).leftovers == ()


def test_a_path_that_leaves_the_volume_is_a_mistake(bench: Bench) -> None:
    bench.engine.create_volume(config_volume(bench.stack, "web_app"), bench.stack)
    with pytest.raises(ValueError, match="no path inside"):
        write(bench, ConfigFile("../x", b""))


def test_a_missing_volume_is_told(bench: Bench) -> None:
    with pytest.raises(StartFailed, match="is gone"):
        write(bench, ConfigFile("x", b""))


def test_a_port_that_another_container_has_is_told_with_its_holder(bench: Bench) -> None:
    port = published(free_port())
    make(bench, service(bench, "first", published=port, mounts=()))
    second = make(bench, service(bench, published=port, mounts=()), start=False)
    with pytest.raises(PortTaken) as caught:
        bench.engine.start(second)
    assert f"web_app: port 127.0.0.1:{port.host} is taken" in caught.value.message
    assert container_name(bench.stack, "first") in caught.value.message
    assert "STACK_WEB_APP_PORT" in caught.value.hint and "--port-base" in caught.value.hint
    bench.engine.remove(container_name(bench.stack, "first"))
    bench.engine.start(second)
    assert only(bench).running


def test_a_port_that_a_process_has_is_told(bench: Bench) -> None:
    with bench.occupied() as port:
        container = make(bench, service(bench, published=published(port)), start=False)
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port} is taken"):
            bench.engine.start(container)
    bench.engine.start(container)
    assert only(bench).running


def test_a_missing_image_is_told(bench: Bench) -> None:
    bench.engine.create_network(bench.stack)
    with pytest.raises(ImageError, match="ct-none:1 is not on this engine"):
        bench.engine.create(bench.stack, service(bench, image="ct-none:1", mounts=()))
    with pytest.raises(ImageError, match="ct-none:1 is not on this engine"):
        bench.engine.run(bench.stack, Job("ct-none:1", ("/bin/cat",)))


@pytest.mark.parametrize("kind", get_args(Kind))
def test_what_is_not_ours_is_refused_and_left_alone(bench: Bench, kind: Kind) -> None:
    name = {
        "container": container_name(bench.stack, "web_app"),
        "network": bench.stack,
        "volume": data_volume(bench.stack, "web_app"),
    }[kind]
    bench.foreign(kind, name)
    engine = bench.engine
    attempts = {
        "container": (
            lambda: engine.create(bench.stack, service(bench, mounts=())),
            lambda: engine.start(name),
            lambda: engine.stop(name),
            lambda: engine.restart(name),
            lambda: engine.signal(name, "HUP"),
            lambda: engine.execute(name, ("/bin/cat",)),
            lambda: engine.remove(name),
        ),
        "network": (lambda: engine.create_network(name), lambda: engine.remove_network(name)),
        "volume": (
            lambda: engine.create_volume(name, bench.stack),
            lambda: engine.remove_volume(name),
            lambda: engine.write_volume(name, bench.stack, TINY, (), ()),
        ),
    }[kind]
    for attempt in attempts:
        with pytest.raises(StartFailed, match=f"{kind} {name} exists and is not ours"):
            attempt()
    assert bench.foreign_is_there(kind, name)
    assert engine.observe(bench.stack).containers == ()


def test_two_stacks_do_not_see_each_other(bench: Bench) -> None:
    make(bench, service(bench))
    other = bench.engine.observe(f"{bench.stack}-other")
    assert (other.containers, other.networks, other.volumes) == ((), (), ())


def test_two_writers_meet(bench: Bench) -> None:
    volume = data_volume(bench.stack, "web_app")
    wanted = service(bench, mounts=())

    def create(_: int) -> str:
        try:
            return bench.engine.create(bench.stack, wanted)
        except StartFailed as error:
            assert "somebody else" in error.message
            return ""

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(bench.engine.create_network, [bench.stack] * 4))
        list(pool.map(lambda _: bench.engine.create_volume(volume, bench.stack), range(4)))
        made = list(pool.map(create, range(4)))
        assert len([container for container in made if container]) == 1
        list(pool.map(bench.engine.start, [only(bench).id] * 4))
        assert only(bench).running
        list(pool.map(bench.engine.remove, [only(bench).id] * 4))
    assert bench.engine.observe(bench.stack).containers == ()


def test_a_container_is_stranded_by_the_loss_of_its_network(bench: Bench) -> None:
    container = make(bench, service(bench))
    bench.engine.stop(container)
    assert not only(bench).stranded
    bench.engine.remove_network(bench.stack)
    assert only(bench).stranded
    bench.engine.create_network(bench.stack)
    assert only(bench).stranded
    with pytest.raises(StartFailed, match="network"):
        bench.engine.start(container)
    bench.engine.remove(container)
    make(bench, service(bench))
    assert only(bench).running and not only(bench).stranded


def test_what_is_in_use_is_not_removed(bench: Bench) -> None:
    make(bench, service(bench))
    with pytest.raises(StartFailed, match=data_volume(bench.stack, "web_app")):
        bench.engine.remove_volume(data_volume(bench.stack, "web_app"))
    with pytest.raises(StartFailed, match=f"network {bench.stack}"):
        bench.engine.remove_network(bench.stack)


def test_helpers_of_an_interrupted_run_are_leftovers(bench: Bench) -> None:
    bench.leave_helper()
    observed = bench.engine.observe(bench.stack)
    assert observed.containers == ()
    (leftover,) = observed.leftovers
    bench.engine.remove(leftover.id)
    assert bench.engine.observe(bench.stack).leftovers == ()


def test_a_job_reads_its_files_and_leaves_nothing(bench: Bench) -> None:
    greeting = ConfigFile("deep/greeting", b"hello", mode=0o400, uid=65534)
    job = Job(TINY, ("/bin/cat", "/in/deep/greeting"), (greeting,), folder="/in")
    ran = bench.engine.run(bench.stack, job)
    assert (ran.code, ran.output) == (0, "hello")
    assert bench.engine.run(bench.stack, Job(TINY, ("/bin/sh", "-c", "exit 3"))).code == 3
    assert of_the_stack(bench) == Observed(bench.stack)


def test_a_job_in_a_network_that_is_not_there_fails_and_leaves_nothing(bench: Bench) -> None:
    with pytest.raises(StartFailed, match="network"):
        bench.engine.run(bench.stack, Job(TINY, ("/bin/cat", "/x"), network=bench.stack))
    assert of_the_stack(bench) == Observed(bench.stack)


def test_a_process_inside_tells_its_code(bench: Bench) -> None:
    container = make(bench, service(bench))
    assert bench.engine.execute(container, ("/bin/sh", "-c", "exit 5")).code == 5
    missing = bench.engine.execute(container, ("/bin/cat", "/no/such/file"))
    assert missing.code == 1 and "No such file" in missing.output


def test_what_does_not_run_takes_no_signal_and_no_process(bench: Bench) -> None:
    container = make(bench, service(bench), start=False)
    with pytest.raises(StartFailed):
        bench.engine.signal(container, "HUP")
    with pytest.raises(StartFailed):
        bench.engine.execute(container, ("/bin/sh", "-c", "exit 0"))


def test_a_signal_leaves_the_container_running(bench: Bench) -> None:
    container = make(bench, service(bench))
    bench.engine.signal(container, "HUP")
    assert only(bench).running


def test_a_container_that_is_gone(bench: Bench) -> None:
    name = container_name(bench.stack, "web_app")
    assert bench.engine.logs(name, 5) == ()
    bench.engine.stop(name)
    bench.engine.remove(name)
    for ask in (bench.engine.inspect, bench.engine.start, bench.engine.usage):
        with pytest.raises(StartFailed, match="is gone"):
            ask(name)
    with pytest.raises(StartFailed, match="is gone"):
        bench.engine.read_file(name, "/x")


def test_says_which_processes_a_container_has(bench: Bench) -> None:
    name = make(bench, service(bench))
    bench.engine.start(name)
    assert bench.engine.processes(name)


def test_usage_knows_the_limit(bench: Bench) -> None:
    assert bench.engine.usage(make(bench, service(bench))).memory_limit == 64 * MIB


def test_images_are_named_saved_and_loaded(bench: Bench) -> None:
    engine, first, second = bench.engine, "ct-copy:one", "ct-copy:two"
    try:
        made = engine.import_image(io.BytesIO(EMPTY_TAR), first, ImageConfig(labels=(("a", 'q"$x\\'),)))
        engine.tag(first, second)
        held = engine.image(second)
        assert held is not None and held.id == made and held.labels == {"a": 'q"$x\\'}
        assert set(held.tags) == {first, second}
        archive = b"".join(engine.save((first, second)))
        for ref in (first, first, second):
            engine.untag(ref)
        assert engine.image(first) is None and engine.image(made) is None
        assert set(engine.load(io.BytesIO(archive))) == {first, second}
        again = engine.image(first)
        assert again is not None and again.id == made
    finally:
        engine.untag(first)
        engine.untag(second)


def test_images_that_are_not_there(bench: Bench) -> None:
    assert bench.engine.image("ct-none:1") is None
    with pytest.raises(ImageError):
        bench.engine.tag("ct-none:1", "ct-none:2")
    with pytest.raises(ImageError):
        list(bench.engine.save(("ct-none:1",)))
    with pytest.raises(StackError):
        bench.engine.load(io.BytesIO(b"no archive at all"))


def test_a_registry_that_is_not_there(bench: Bench) -> None:
    said: list[str] = []
    with pytest.raises(RegistryUnreachable):
        bench.engine.pull("127.0.0.1:9/ct/none:1", said.append)
    assert said == []


EMPTY_TAR = b"\0" * 10240
