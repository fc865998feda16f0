"""How a call through ``gate`` is timed, counted and classified."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from stack.telemetry import failures, gates
from stack.telemetry.failures import FailureLog
from stack.telemetry.meter import GateMeter, MeterSnapshot


class Refused(Exception):
    def __init__(self, error_code: object, gate: str = "url_gate") -> None:
        super().__init__(error_code)
        self.error_code = error_code
        self.gate = gate


class Evasive(Exception):
    @property
    def error_code(self) -> str:
        raise RuntimeError("no code today")


@pytest.fixture
def meter() -> GateMeter:
    return GateMeter("url_gate")


@pytest.fixture
def failed(monkeypatch: pytest.MonkeyPatch) -> FailureLog:
    log = FailureLog()
    monkeypatch.setattr(gates, "FAILURES", log)
    return log


def counts(snapshot: MeterSnapshot) -> tuple[int, dict[str, int], int]:
    return snapshot.accepted, {c: n for c, n in snapshot.errors.items() if n}, sum(snapshot.buckets)


CASES = [
    (None, (1, {}, 1), 0),
    (Refused("E_SCHEME"), (0, {"E_SCHEME": 1}, 1), 0),
    (Refused("E_TRAVERSAL"), (0, {}, 1), 1),
    (Refused("E_TRAVERSAL", gate="filesystem_gate"), (0, {}, 1), 0),
    (Refused(7), (0, {}, 1), 1),
    (Refused(["E_SCHEME"]), (0, {}, 1), 1),
    (Evasive(), (0, {}, 1), 1),
    (ValueError("a fault of the gate"), (0, {}, 1), 0),
    (KeyboardInterrupt(), (0, {}, 1), 0),
]
NAMES = [
    "accepted",
    "rejected",
    "foreign code",
    "another gate",
    "no code",
    "no hash",
    "raises when asked",
    "a fault",
    "interrupted",
]


@pytest.mark.parametrize(("error", "counted", "failures_noted"), CASES, ids=NAMES)
@pytest.mark.parametrize("form", ["plain", "async", "with"])
def test_every_way_out_is_classified(
    form: str,
    error: BaseException | None,
    counted: tuple[int, dict[str, int], int],
    failures_noted: int,
    meter: GateMeter,
    failed: FailureLog,
) -> None:
    try:
        answer = _run(form, meter, error)
    except BaseException as raised:
        assert raised is error
    else:
        assert (error, answer) == (None, "passed")
    assert counts(meter.snapshot()) == counted
    assert failed.total == failures_noted


def _run(form: str, meter: GateMeter, error: BaseException | None) -> str:
    measure = gates.gate("url_gate", {"url_gate": meter})

    def plain() -> str:
        if error is not None:
            raise error
        return "passed"

    async def waiting() -> str:
        await asyncio.tasks.sleep(0)
        return plain()

    if form == "plain":
        return measure(plain)()
    if form == "async":
        # Driven by hand: an event loop treats KeyboardInterrupt in a task as its own.
        return _drive(measure(waiting)())
    with measure:
        return plain()


def _drive(coroutine: object) -> str:
    assert inspect.iscoroutine(coroutine)
    while True:
        try:
            coroutine.send(None)
        except StopIteration as end:
            return str(end.value)


def test_a_decorated_callable_keeps_its_face(meter: GateMeter) -> None:
    def check(url: str, *, strict: bool = False) -> tuple[str, bool]:
        """Says something."""
        return url, strict

    measured = gates.gate("url_gate", {"url_gate": meter})(check)
    assert (measured.__name__, measured.__doc__) == ("check", "Says something.")
    assert inspect.signature(measured) == inspect.signature(check)
    assert measured("u", strict=True) == ("u", True)


def test_an_unknown_gate_is_refused_at_once() -> None:
    with pytest.raises(KeyError):
        gates.gate("no_gate")


def test_nested_calls_are_counted_apart(meter: GateMeter) -> None:
    measured = gates.gate("url_gate", {"url_gate": meter})

    @measured
    def down(levels: int) -> int:
        return down(levels - 1) if levels else 0

    down(3)
    assert counts(meter.snapshot()) == (4, {}, 4)


def test_the_duration_is_in_milliseconds(meter: GateMeter, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([10.0, 10.025])
    monkeypatch.setattr(gates, "perf_counter", lambda: next(ticks))
    gates.gate("url_gate", {"url_gate": meter})(lambda: None)()
    assert meter.snapshot().latest_ms == pytest.approx(25.0)


def test_a_broken_meter_never_reaches_the_caller(
    meter: GateMeter, failed: FailureLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("meter is broken")

    monkeypatch.setattr(GateMeter, "settle", broken)
    measured = gates.gate("url_gate", {"url_gate": meter})(lambda: "fine")
    assert [measured() for _ in range(3)] == ["fine"] * 3
    assert failed.total == 3
    assert [record.name for record in caplog.records] == ["stack.telemetry"], "logged once"


def test_failures_of_different_kinds_are_each_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    log = failures.FailureLog()
    for kind in ("one", "two", "one"):
        log.note(kind, "detail\nwith a second line")
    assert log.total == 3
    assert [("one" in r.getMessage(), "\n" in r.getMessage()) for r in caplog.records] == [
        (True, False),
        (False, False),
    ]
