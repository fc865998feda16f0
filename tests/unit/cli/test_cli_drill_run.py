"""A wave of drills in a time of its own: its stages are timed, what is late is said, every fault is taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from stack.checks.drill_hearing import OfApplication
from stack.checks.drills import BY_NAME, Bound, Drill
from stack.cli.drill_detour import lead
from stack.cli.drill_run import EVERY, Result, Wave, restore
from stack.clients.alertmanager import HeldAlert
from stack.clients.alerts import ActiveAlert
from stack.clients.app import ReceivedAlert
from stack.clients.http import HttpFailure
from stack.common.errors import StartFailed
from stack.common.wait import Clock
from stack.config.cache import Cache
from stack.deploy.state import StateStore
from tests.scenarios.world import NAME, World

BOUND = Bound(10.0, 30.0, 40.0, 50.0)
STALE, GONE, REFUSED = (BY_NAME[name] for name in ("stale-writes", "target-gone", "samples-refused"))
BEGIN = 1_000_000.0


@dataclass
class Products:
    """Prometheus, Alertmanager and the application on a timetable: seconds after a fault, and after its end."""

    pending: float = 3.0
    firing: float = 12.0
    told: float = 20.0
    ended: float = 25.0
    held: tuple[HeldAlert, ...] = ()
    silent: bool = False
    now: float = 0.0
    thrown: dict[str, float] = field(default_factory=dict)
    back: dict[str, float] = field(default_factory=dict)
    switches: list[tuple[str, float]] = field(default_factory=list)
    before: tuple[str, ...] = ()
    calm_at: float = 1e9
    """Until when those of ``before`` fire."""

    def throw(self, fault: str, seconds: float) -> None:
        """The application's switch."""
        self.switches.append((fault, seconds))
        (self.thrown if seconds else self.back)[STALE.alert] = self.now

    def active(self, http: object) -> tuple[ActiveAlert, ...]:
        """What Prometheus lists."""
        del http
        if self.silent:
            raise HttpFailure("connection refused")
        found = list(self.before) if self.now < self.calm_at else []
        found += [name for name, at in self.thrown.items() if self._is_on(name, at)]
        return tuple(
            ActiveAlert(
                {"alertname": n, "gate": "url_gate"}, {}, "firing" if self._fires(n) else "pending", 0.0, 1.0
            )
            for n in found
        )

    def _is_on(self, name: str, at: float) -> bool:
        return self.now - at >= self.pending and not self._over(name)

    def _fires(self, name: str) -> bool:
        return self.now - self.thrown.get(name, 0.0) >= self.firing

    def _over(self, name: str) -> bool:
        return name in self.back and self.now - self.back[name] >= self.ended

    def alerts(self, label: str, value: str = "") -> tuple[Any, ...]:
        """What the application has received, or Alertmanager holds; newest first."""
        if label != "alertname":
            return self.held
        found = []
        if value in self.thrown and self.now - self.thrown[value] >= self.told:
            found.append(self._told("firing", value, self.thrown[value] + self.told))
        if self._over(value):
            found.insert(0, self._told("resolved", value, self.now))
        return (
            *found,
            ReceivedAlert("firing", value, BEGIN - 500),
            ReceivedAlert("resolved", value, BEGIN - 600),
        )

    def _told(self, status: str, name: str, received: float) -> ReceivedAlert:
        return ReceivedAlert(status, name, BEGIN + received, BEGIN + self.thrown[name] + self.firing)

    @property
    def http(self) -> None:
        """Of Prometheus; nobody speaks through it."""


@dataclass
class Bench:
    """A stack in memory, the products beside it, and what was said."""

    world: World
    state: StateStore
    products: Products
    said: list[str] = field(default_factory=list)
    interrupt: str = ""

    def run(self, *names: str, later: bool = False) -> tuple[Result, ...]:
        context: Any = type("Context", (), {})()
        context.prometheus = context.alertmanager = context.app = self.products
        clock = Clock(lambda: self.products.now, self._pass)
        hearing = OfApplication(context)
        wave = Wave(self.world.engine, self.state, context, hearing, self._tell, self._lead, clock)
        return wave.run([(BY_NAME[name], BOUND) for name in names], later=later)

    def _pass(self, seconds: float) -> None:
        self.products.now += seconds
        stopped = self.world.state("node_exporter") != "running"
        if stopped:
            self.products.thrown.setdefault(GONE.alert, self.products.now)
        elif GONE.alert in self.products.thrown:
            self.products.back.setdefault(GONE.alert, self.products.now)
        if REFUSED.alert in self.products.thrown and not self.state.now.detour:
            self.products.back.setdefault(REFUSED.alert, self.products.now)

    def _lead(self, drill: Drill) -> None:
        service = self.world.spec().service("prometheus")
        lead(self.world.engine, self.state, service, drill)
        self.products.thrown[drill.alert] = self.products.now

    def _tell(self, drill: Any, stage: str, seconds: float) -> None:
        self.said.append(f"{drill.name} {stage}")
        if stage == self.interrupt:
            raise KeyboardInterrupt


@pytest.fixture
def bench(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Bench:
    world = World()
    world.start()
    made = Bench(world, StateStore(world.engine, NAME, Cache(tmp_path)), Products())
    monkeypatch.setattr("stack.cli.drill_run.active_alerts", made.products.active)
    monkeypatch.setattr("stack.checks.drill_hearing.wall_clock", lambda: BEGIN + made.products.now)
    return made


def near(found: float | None, wanted: float) -> bool:
    return found is not None and wanted <= found <= wanted + 2 * EVERY


def test_each_stage_is_timed_and_the_fault_goes_once_it_was_told(bench: Bench) -> None:
    (found,) = bench.run("stale-writes")
    assert (
        near(found.pending, 3) and near(found.firing, 12) and near(found.told, 20) and near(found.ended, 25)
    )
    assert found.why == ""
    assert bench.said == [f"stale-writes {stage}" for stage in ("pending", "firing", "told", "ended")]
    assert bench.products.switches == [("latest-mismatch", BOUND.told + 60), ("latest-mismatch", 0)]


def test_a_stopped_container_runs_again_and_drills_go_side_by_side(bench: Bench) -> None:
    found = {one.drill.name: one for one in bench.run("stale-writes", "target-gone")}
    assert {one.why for one in found.values()} == {""}
    assert near(found["target-gone"].told, 20.5)
    assert bench.world.state("node_exporter") == "running" and bench.state.now.drilled == ()


def test_samples_go_elsewhere_until_that_was_told(bench: Bench) -> None:
    before = bench.world.in_use("prometheus", "prometheus.yml")
    (found,) = bench.run("samples-refused")
    assert found.why == "" and near(found.told, 20) and near(found.ended, 25)
    assert bench.world.in_use("prometheus", "prometheus.yml") == before
    assert bench.state.now.detour == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"pending": 99}, "not pending within 10 s"),
        ({"firing": 99}, "not firing within 30 s"),
        ({"told": 99}, "not told within 40 s: Alertmanager has not got it"),
        (
            {"told": 99, "held": (HeldAlert("f", {}, 0.0),)},
            "not told within 40 s: no notification of it came",
        ),
        (
            {"told": 99, "held": (HeldAlert("f", {}, 0.0, ("id",), ("other",)),)},
            "not told within 40 s: it is silenced and inhibited",
        ),
        ({"ended": 99}, "its end was not told within 50 s: it is still firing (gate=url_gate)"),
        ({"before": (STALE.alert,)}, "it is pending or firing already"),
    ],
)
def test_what_does_not_come_is_said_and_the_fault_is_taken_back(
    bench: Bench, change: dict[str, Any], why: str
) -> None:
    for name, value in change.items():
        setattr(bench.products, name, value)
    (found,) = bench.run("stale-writes")
    assert found.why == why
    assert bench.said[-1] == f"stale-writes FAILED: {why}"
    thrown = [seconds for _, seconds in bench.products.switches]
    assert not thrown or thrown[-1] == 0


def test_a_prometheus_that_falls_silent_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    throw: Callable[[str, float], None] = bench.products.throw

    def and_silence(fault: str, seconds: float) -> None:
        throw(fault, seconds)
        bench.products.silent = True

    monkeypatch.setattr(bench.products, "throw", and_silence)
    (found,) = bench.run("stale-writes")
    assert found.why == "not pending within 10 s: connection refused"


@pytest.mark.parametrize("stage", ["pending", "told"])
def test_an_interrupt_takes_every_fault_back(bench: Bench, stage: str) -> None:
    bench.interrupt = stage
    with pytest.raises(KeyboardInterrupt):
        bench.run("stale-writes", "target-gone")
    assert bench.products.switches[-1] == ("latest-mismatch", 0)
    assert bench.world.state("node_exporter") == "running" and bench.state.now.drilled == ()


def test_what_a_killed_drill_has_stopped_is_known_on_the_engine(bench: Bench, tmp_path: Any) -> None:
    bench.state.change(drilled=("node_exporter",))
    bench.world.engine.stop("monitoring-node-exporter")
    other = StateStore(bench.world.engine, NAME, Cache(tmp_path / "elsewhere"))
    assert restore(bench.world.engine, other) == ("node_exporter",)
    assert bench.world.state("node_exporter") == "running" and other.now.drilled == ()
    assert restore(bench.world.engine, other) == ()


def test_the_traces_of_an_earlier_wave_are_waited_for_but_not_for_ever(bench: Bench) -> None:
    bench.products.before = (STALE.alert,)
    bench.products.calm_at = 30.0
    (found,) = bench.run("stale-writes", later=True)
    assert found.why == "" and near(found.told, 20)
    bench.products.now, bench.products.calm_at = 0.0, 99.0
    bench.products.thrown.clear()
    (found,) = bench.run("stale-writes", later=True)
    assert found.why == "it is pending or firing already"


def test_a_container_that_does_not_start_at_first_is_started_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, left = bench.world.engine.start, [StartFailed("cgroup: invalid argument")] * 2

    def start(container: str) -> None:
        if left:
            raise left.pop()
        begin(container)

    monkeypatch.setattr(bench.world.engine, "start", start)
    (found,) = bench.run("target-gone")
    assert found.why == "" and bench.world.state("node_exporter") == "running"


def test_one_that_never_starts_again_is_said_and_stays_noted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(container: str) -> None:
        raise StartFailed(f"{container} does not start")

    monkeypatch.setattr(bench.world.engine, "start", start)
    with pytest.raises(StartFailed, match="node-exporter does not start"):
        bench.run("target-gone")
    assert bench.state.now.drilled == ("node_exporter",)
