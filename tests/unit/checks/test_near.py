"""A stack that publishes its gateway alone is asked at the containers' own addresses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from stack.checks.context import CheckContext
from stack.checks.in_network import ask_inside
from stack.checks.messages import Order, load_order
from stack.checks.model import Door, Entry, Expected
from stack.checks.near import near
from stack.checks.prober import LocalProber
from stack.clients.http import HttpFailure
from stack.common.errors import SmokeFailed, StartFailed
from stack.deploy.verify import prober_for
from stack.engine.interface import Engine, Job, Ran
from stack.model.spec import StackSpec
from tests.unit.deploy.plan_samples import service

ADDRESS = "http://prometheus:9090"


def engine(*, remote: bool = False, address: str = "172.18.0.3") -> Engine:
    """One whose only container is Prometheus'."""

    def inspect(name: str) -> dict[str, Any]:
        if name != "s-prometheus":
            raise StartFailed(f"container {name} is gone")
        return {"NetworkSettings": {"Networks": {"s": {"IPAddress": address}}}}

    observed = SimpleNamespace(
        containers=(
            SimpleNamespace(component="gateway", published="0.0.0.0:8443"),
            SimpleNamespace(component="prometheus", published=""),
        )
    )
    info = SimpleNamespace(remote=remote)
    made = SimpleNamespace(info=lambda: info, inspect=inspect, observe=lambda name: observed)
    return cast(Engine, made)


def test_where_each_is_published_there_is_nothing_to_find() -> None:
    assert near(engine(), "s", fronted=False) is None


def test_a_component_is_asked_at_its_containers_address() -> None:
    found = near(engine(), "s", fronted=True)
    assert found is not None
    assert found.find("prometheus", ADDRESS) == "http://172.18.0.3:9090"
    assert found.published() == (("gateway", "0.0.0.0:8443"),)
    context = CheckContext(Expected("s", (("prometheus", ADDRESS),)), near=found)
    assert context.http("prometheus").base == "http://172.18.0.3:9090"


def test_from_inside_the_network_the_name_is_the_address() -> None:
    found = near(engine(remote=True), "s", fronted=True)
    assert found is not None
    assert found.find("prometheus", ADDRESS) == ADDRESS


@pytest.mark.parametrize(("component", "address"), [("app", "172.18.0.3"), ("prometheus", "")])
def test_one_that_is_gone_or_stopped_has_none(component: str, address: str) -> None:
    found = near(engine(address=address), "s", fronted=True)
    assert found is not None
    with pytest.raises(HttpFailure, match=f"s-{component} has no address"):
        found.find(component, ADDRESS)


def test_inside_the_network_the_gateway_has_its_name_and_the_root_that_it_has_made() -> None:
    asked: list[Job] = []

    def run(stack: str, job: Job) -> Ran:
        asked.append(job)
        return Ran(1, "")

    made = cast(Engine, SimpleNamespace(run=run, read_file=lambda container, path: b"PEM"))
    door = Door("gateway", "127.0.0.1:8443", (Entry("app", "https://x/app", True),), root="/root.crt")
    spec = StackSpec("s", (service("gateway"),))
    with pytest.raises(SmokeFailed):
        ask_inside(made, spec, "checks:1", Order(Expected("s", (), door=door)))
    told = load_order(asked[0].files[0].content.decode()).expected.door
    assert told is not None
    assert (told.place, told.roots) == (f"gateway:{service('gateway').port}", "PEM")


def test_the_prober_of_a_stack_with_a_gateway_looks_there() -> None:
    settings = SimpleNamespace(front="gateway")
    described: Any = SimpleNamespace(spec=StackSpec("s", (service("prometheus"),)), settings=settings)
    prober = cast(LocalProber, prober_for(engine(), described))
    assert prober.near is not None
    assert prober.near.find("prometheus", ADDRESS) == "http://172.18.0.3:9090"
    settings.front = ""
    assert cast(LocalProber, prober_for(engine(), described)).near is None
