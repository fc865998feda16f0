"""Stopping keeps everything, destroying keeps the data unless asked otherwise, both are plans like any other."""

from __future__ import annotations

from tests.scenarios.world import NAME, World


def test_stop_keeps_containers_and_start_goes_on() -> None:
    world = World()
    world.start()
    before = world.ids()
    world.stop()
    assert {world.state(c) for c in before} == {"exited"}
    assert not world.stop().plan
    world.start()
    assert world.ids() == before
    assert {world.state(c) for c in before} == {"running"}


def test_users_of_a_component_start_after_it_and_stop_before_it() -> None:
    world = World(environ={"STACK_DATABASE": "postgres"})
    started = [s.key for s in world.start().plan.steps]
    assert started.index(f"start {NAME}-postgres") < started.index(f"start {NAME}-app")
    keys = [s.key for s in world.stop().plan.steps]
    assert keys.index(f"stop {NAME}-app") < keys.index(f"stop {NAME}-postgres")


def test_destroy_keeps_data_and_nothing_else() -> None:
    world = World()
    world.start()
    world.destroy()
    observed = world.engine.observe(NAME)
    assert (observed.containers, observed.networks) == ((), ())
    assert observed.volumes
    assert all(volume.endswith("-data") for volume in observed.volumes)
    world.start()
    assert not world.plan()


def test_destroy_with_volumes_leaves_nothing() -> None:
    world = World()
    world.start()
    world.destroy(data=True)
    observed = world.engine.observe(NAME)
    assert (observed.containers, observed.networks, observed.volumes) == ((), (), ())
    assert not world.destroy(data=True).plan


def test_a_component_left_out_is_removed_and_its_scrape_file_with_it() -> None:
    world = World()
    world.start()
    world.environ["STACK_GRAFANA"] = "off"
    world.start()
    assert world.state("grafana") == ""
    assert world.in_use("prometheus", "scrape/grafana.yml") is None
    assert not world.plan()
