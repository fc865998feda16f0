"""A user edits configuration: it is applied hot and verified; what is refused does not stay."""

from __future__ import annotations

import pytest

from stack.common.errors import NotReady
from tests.scenarios.world import NAME, World

RULES = "prometheus/rules/app-gates.yml"


def test_an_edited_rule_file_is_written_reloaded_verified_and_recorded() -> None:
    world = World()
    world.start()
    before = world.ids()
    world.edit(RULES, lambda text: text + b"\n# mine\n")
    plan = world.plan()
    assert [step.verb for step in plan.steps] == ["write files", "reload", "verify", "record"]
    world.start()
    assert world.ids() == before, "no container is replaced for a file"
    assert (world.in_use("prometheus", "rules/app-gates.yml") or b"").endswith(b"# mine\n")
    assert world.engine._present(f"{NAME}-prometheus").signals == ["HUP"]
    assert not world.plan()


def test_files_that_the_product_refuses_go_back_and_are_tried_again_next_time() -> None:
    world = World()
    world.start()
    original = world.in_use("prometheus", "rules/app-gates.yml")
    world.edit(RULES, lambda text: text + b"\n# refused\n")
    world.refuses = {"prometheus"}
    with pytest.raises(NotReady, match="prometheus runs its previous files again"):
        world.start()
    assert world.in_use("prometheus", "rules/app-gates.yml") == original
    assert world.engine._present(f"{NAME}-prometheus").signals == ["HUP", "HUP"]
    world.refuses = set()
    assert world.plan().touched() == ("prometheus",)
    world.start()
    assert not world.plan()


def test_a_removed_file_is_gone_from_what_the_product_reads() -> None:
    world = World()
    world.tree["prometheus/rules/mine.yml"] = b"groups: []\n"
    world.start()
    assert world.in_use("prometheus", "rules/mine.yml") == b"groups: []\n"
    del world.tree["prometheus/rules/mine.yml"]
    world.start()
    assert world.in_use("prometheus", "rules/mine.yml") is None


def test_grafana_is_asked_over_its_api() -> None:
    world = World()
    world.start()
    world.edit("grafana/dashboards/slo.json", lambda text: text.replace(b'"5xx"', b'"5XX"') + b" ")
    world.start()
    assert world.reloaded == ["grafana"]


def test_an_interrupted_verification_is_repeated() -> None:
    world = World()
    world.refuses = {"alertmanager"}
    with pytest.raises(NotReady):
        world.start()
    world.refuses = set()
    assert "alertmanager" in world.plan().touched()
    world.start()
    assert not world.plan()
