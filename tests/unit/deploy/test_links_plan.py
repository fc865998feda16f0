"""Links are looked up through the component's container: whatever else is done meanwhile, there must be one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.deploy.actions import Actions
from stack.deploy.reconcile import reconcile
from stack.model.plan import Plan, Step, Verb
from stack.model.spec import ConfigFile, LinkFolder, ServiceSpec, StackSpec, config_volume
from tests.fakes.engine.memory import MemoryEngine
from tests.unit.deploy.plan_samples import NAME, service

EAGER = {
    "writes as early as it may": (Verb.WRITE,),
    "writes once the old container is gone": (Verb.CREATE, Verb.STOP, Verb.REMOVE, Verb.WRITE),
    "writes as late as it may": (Verb.CREATE, Verb.STOP, Verb.REMOVE, Verb.RENAME, Verb.WRITE),
}


def linked(engine: MemoryEngine, *names: str, command: str = "") -> StackSpec:
    """A stack of one service with these links and files."""
    made: ServiceSpec = replace(
        service("web"),
        image="x:1",
        image_id=engine.hold("x:1"),
        files=tuple(ConfigFile(f"d/{name}.json", name.encode()) for name in names),
        linked=LinkFolder("boards", tuple((f"{name}.json", f"d/{name}.json") for name in names)),
        command=(command,),
    )
    return StackSpec(NAME, (made,))


def in_order(plan: Plan, first: tuple[Verb, ...]) -> list[Step]:
    """The steps in an order that the plan allows and that prefers these verbs."""
    left = list(plan.steps)
    done: list[Step] = []
    keys = {step.key for step in left}
    while left:
        ready = [s for s in left if not (set(s.after) & keys - {d.key for d in done})]
        step = min(ready, key=lambda s: first.index(s.verb) if s.verb in first else len(first))
        left.remove(step)
        done.append(step)
    return done


@pytest.mark.parametrize("first", EAGER.values(), ids=EAGER)
@pytest.mark.parametrize("lost", [False, True], ids=("replaced", "lost"))
def test_a_container_made_anew_finds_exactly_its_links(first: tuple[Verb, ...], lost: bool) -> None:
    engine = MemoryEngine()
    for spec in (linked(engine, "a", "b"), linked(engine, "a", "c", command="--new")):
        if lost and engine.observe(NAME).containers:
            engine.remove(engine.observe(NAME).containers[0].id)
        act = Actions(engine, spec)
        for step in in_order(reconcile(spec, engine.observe(NAME)), first):
            act(step)
    links = engine.volumes[config_volume(NAME, "web")].links
    assert {path for path in links if "/" in path} == {"boards/a.json", "boards/c.json"}
