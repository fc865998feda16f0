"""A machine without a stack gets one; asked again, nothing happens."""

from __future__ import annotations

from tests.scenarios.world import NAME, World, without_grafana


def test_a_first_start_creates_everything_and_a_second_one_nothing() -> None:
    world = World()
    world.start()
    assert {c: world.state(c) for c in world.spec().components} == dict.fromkeys(
        world.spec().components, "running"
    )
    before = world.ids()
    assert not world.plan()
    assert world.start().outcome.done == ()
    assert world.ids() == before


def test_every_object_of_ours_carries_the_name() -> None:
    world = World()
    world.start()
    observed = world.engine.observe(NAME)
    assert observed.networks == (NAME,)
    assert all(volume.startswith(f"{NAME}-") for volume in observed.volumes)
    assert world.engine.stacks() == (NAME,)


def test_a_machine_without_an_image_of_grafana_gets_the_rest() -> None:
    world = without_grafana(World())
    world.start()
    assert world.state("grafana") == ""
    assert world.state("prometheus") == "running"
    assert world.in_use("prometheus", "scrape/grafana.yml") is None
    assert not world.plan()


def test_a_changed_image_replaces_only_its_container() -> None:
    world = World()
    world.start()
    before = world.ids()
    world.bring_image("app", "newer")
    assert world.plan().touched() == ("app",)
    world.start()
    changed = {c for c, i in world.ids().items() if before[c] != i}
    assert changed == {"app"}
    assert not world.plan()


def test_a_changed_setting_replaces_only_its_container() -> None:
    world = World()
    world.start()
    world.environ["STACK_LOAD"] = "off"
    plan = world.plan()
    assert plan.touched() == ("app",)
    assert "definition changed" in plan.text()
