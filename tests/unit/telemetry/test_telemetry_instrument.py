"""How a call through ``gate`` is timed, counted and classified."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial, wraps
from typing import Any

import pytest

from stack.telemetry import expose, failures, instrument, meter
from stack.telemetry.failures import FailureLog
from stack.telemetry.instrument import gate
from stack.telemetry.meter import GateMeter
from stack.telemetry.series import Series


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
def failed(monkeypatch: pytest.MonkeyPatch) -> FailureLog:
    log = FailureLog()
    monkeypatch.setattr(meter, "FAILURES", log)
    return log


@pytest.fixture
def series(failed: FailureLog) -> Series:
    return Series(failed)


Counts = tuple[int, dict[str, int], int]


def counts(series: Series, name: str = "url_gate") -> Counts:
    """Acceptances, rejections by code, durations."""
    found = [s for family in series.registry.collect() for s in family.samples]
    own = [s for s in found if s.labels.get("gate") == name]
    errors = {s.labels["error_code"]: int(s.value) for s in own if s.name == "gate_errors_total" and s.value}
    value = {(s.name, s.labels.get("outcome")): int(s.value) for s in own}
    assert value["gate_invocations_total", "reject"] == sum(errors.values())
    return value["gate_invocations_total", "ok"], errors, value["gate_execution_ms_count", None]


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
@pytest.mark.parametrize("form", ["plain", "async", "plain around async", "with"])
def test_every_way_out_is_classified(
    form: str,
    error: BaseException | None,
    counted: Counts,
    failures_noted: int,
    series: Series,
    failed: FailureLog,
) -> None:
    try:
        answer = _run(form, gate("url_gate", series=series), error)
    except BaseException as raised:
        assert raised is error
    else:
        assert (error, answer) == (None, "passed")
    assert counts(series) == counted
    assert failed.total == failures_noted


def _run(form: str, measure: gate, error: BaseException | None) -> str:
    def plain() -> str:
        if error is not None:
            raise error
        return "passed"

    async def waiting() -> str:
        await asyncio.tasks.sleep(0)
        return plain()

    if form == "plain":
        return measure(plain)()
    # Driven by hand: an event loop treats KeyboardInterrupt in a task as its own.
    if form == "async":
        return _drive(measure(waiting)())
    if form == "plain around async":
        return _drive(measure(partial(_called, waiting))())
    with measure:
        return plain()


def _called(function: Callable[[], object]) -> object:
    return function()


def _drive(coroutine: object) -> str:
    assert inspect.iscoroutine(coroutine)
    while True:
        try:
            coroutine.send(None)
        except StopIteration as end:
            return str(end.value)


def test_a_decorated_callable_keeps_its_face(series: Series) -> None:
    def check(url: str, *, strict: bool = False) -> tuple[str, bool]:
        """Says something."""
        return url, strict

    measured = gate("url_gate", series=series)(check)
    assert (measured.__name__, measured.__doc__) == ("check", "Says something.")
    assert inspect.signature(measured) == inspect.signature(check)
    assert measured("u", strict=True) == ("u", True)


def supplying(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that passes an argument of its own, as a connection or a session."""

    @wraps(function)
    def supplied(*args: object, **kwargs: object) -> object:
        return function("connection", *args, **kwargs)

    return supplied


def test_a_function_whose_decorator_supplies_an_argument_is_called_as_without_the_gate(
    series: Series,
) -> None:
    @gate("url_gate", series=series)
    @supplying
    def check(connection: str, url: str, *, strict: bool = False) -> tuple[str, str, bool]:
        return connection, url, strict

    @gate("url_gate", series=series)
    @supplying
    async def wait(connection: str, url: str) -> tuple[str, str]:
        await asyncio.tasks.sleep(0)
        if url == "bad":
            raise Refused("E_SCHEME")
        return connection, url

    assert check("u") == ("connection", "u", False)
    assert check("u", strict=True) == ("connection", "u", True)
    assert asyncio.run(wait("u")) == ("connection", "u")
    with pytest.raises(Refused):
        asyncio.run(wait("bad"))
    assert counts(series) == (3, {"E_SCHEME": 1}, 4)


def plain(a: int, b: int = 2) -> tuple[int, int]:
    return a, b


def by_place(a: int, /, b: int = 3) -> tuple[int, int]:
    return a, b


def by_name(a: int, *, b: int) -> tuple[int, int]:
    return a, b


def variadic(*args: int, **kwargs: int) -> tuple[tuple[int, ...], dict[str, int]]:
    return args, kwargs


def hostile(function: int, self: int = 1, started: int = 2) -> tuple[int, int, int]:
    return function, self, started


class Callable_:
    def __call__(self, a: int, b: int = 4) -> tuple[int, int]:
        return a, b


@pytest.mark.parametrize(
    "function", [plain, by_place, by_name, variadic, hostile, partial(plain, b=9), Callable_(), divmod]
)
@pytest.mark.parametrize("args", [(), (7,), (7, 2), (7, 2, 1, 0)])
@pytest.mark.parametrize("kwargs", [{}, {"a": 7}, {"b": 5}, {"a": 7, "b": 5}, {"self": 1}])
def test_what_is_passed_arrives_and_what_is_refused_is_refused(
    series: Series, function: Callable[..., Any], args: tuple[int, ...], kwargs: dict[str, int]
) -> None:
    def outcome(call: Callable[..., Any]) -> object:
        try:
            return call(*args, **kwargs)
        except TypeError as error:
            return str(error)

    assert outcome(gate("url_gate", series=series)(function)) == outcome(function)


def test_a_method_is_measured_however_it_is_bound(series: Series) -> None:
    measure = gate("url_gate", series=series)

    class Owner:
        @measure
        def method(self, a: int) -> tuple[str, int]:
            return type(self).__name__, a

        @classmethod
        @measure
        def made(cls, a: int) -> tuple[str, int]:
            return cls.__name__, a

        @staticmethod
        @measure
        def free(a: int) -> int:
            return a

    assert (Owner().method(1), Owner.made(2), Owner.free(3)) == (("Owner", 1), ("Owner", 2), 3)
    assert counts(series) == (3, {}, 3)


@pytest.mark.parametrize("kind", [classmethod, staticmethod])
def test_the_wrong_order_of_decorators_is_said(series: Series, kind: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=f"put @gate below @{kind.__name__}"):
        gate("url_gate", series=series)(kind(plain))


def test_a_generator_is_no_gate(series: Series) -> None:
    def some() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    class Called:
        def __call__(self) -> Iterator[int]:
            yield 1

    for function in (some, later, partial(some), partial(later), Called()):
        with pytest.raises(TypeError, match="a generator is no gate"):
            gate("url_gate", series=series)(function)


def test_what_cannot_be_called_is_no_gate(series: Series) -> None:
    with pytest.raises(TypeError, match="cannot be called"):
        gate("url_gate", series=series)(property(plain))  # type: ignore[arg-type]


def test_a_name_that_no_page_can_hold_is_refused_and_hides_nothing(series: Series) -> None:
    for name, codes in (("\ud800", ["E_A"]), ("mine", ["E_\ud800"])):
        with pytest.raises(UnicodeEncodeError):
            gate(name, codes, series)
    assert b"gate_invocations_total" in expose(registry=series.registry).body


def test_an_unknown_gate_is_refused_at_once() -> None:
    with pytest.raises(KeyError):
        gate("no_gate")


def test_a_gate_of_ones_own_has_its_series_at_zero_and_counts(series: Series, failed: FailureLog) -> None:
    @gate("upload_gate", ["E_TOO_BIG", "E_TYPE"], series)
    def check(size: int) -> None:
        if size > 3:
            raise Refused("E_TOO_BIG", gate="upload_gate")

    value = series.registry.get_sample_value
    assert value("gate_errors_total", {"gate": "upload_gate", "error_code": "E_TYPE"}) == 0
    assert value("gate_pass_rate_percent", {"gate": "upload_gate"}) == 100
    check(1)
    with gate("upload_gate", series=series):
        pass
    with pytest.raises(Refused):
        check(4)
    assert counts(series, "upload_gate") == (2, {"E_TOO_BIG": 1}, 3)
    assert failed.total == 0


def test_nested_calls_are_counted_apart(series: Series) -> None:
    @gate("url_gate", series=series)
    def down(levels: int) -> int:
        return down(levels - 1) if levels else 0

    down(3)
    assert counts(series) == (4, {}, 4)


def test_the_duration_is_in_milliseconds(series: Series, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([10.0, 10.025])
    monkeypatch.setattr(instrument, "perf_counter", lambda: next(ticks))
    gate("url_gate", series=series)(lambda: None)()
    value = series.registry.get_sample_value("gate_current_latency_ms", {"gate": "url_gate"})
    assert value == pytest.approx(25.0)


def test_a_broken_meter_never_reaches_the_caller(
    series: Series,
    failed: FailureLog,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("meter is broken")

    monkeypatch.setattr(GateMeter, "_settle", broken)
    measured = gate("url_gate", series=series)(lambda: "fine")
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
