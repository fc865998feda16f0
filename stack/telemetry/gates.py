"""The one place where a gate's decision is timed, counted and classified.

``gate("url_gate")`` decorates a callable, plain or async, or guards a ``with`` block. Leaving without an
exception is an acceptance; an exception whose ``error_code`` is one of the gate's own is a rejection with
that code; any other exception is no decision: it passes through and only its duration counts. It must never
change what the measured code returns or raises.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from time import perf_counter
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from stack.telemetry.available import PROMETHEUS_AVAILABLE
from stack.telemetry.failures import FAILURES
from stack.telemetry.meter import METERS, SETTLE_AT, UNDECIDED, GateMeter
from stack.telemetry.request import REQUEST_ID

P = ParamSpec("P")
R = TypeVar("R")


class gate:  # noqa: N801 - read as a verb at the place of use, like contextlib's managers
    """``@gate(name)`` or ``with gate(name):``; every ``with`` statement takes an instance of its own.

    Raises KeyError at once, before anything is measured, when no gate has that name.
    """

    __slots__ = ("_meter", "_started")

    def __init__(self, name: str, meters: Mapping[str, GateMeter] = METERS) -> None:
        self._meter = meters[name]
        self._started = 0.0

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        if not PROMETHEUS_AVAILABLE:
            return function
        if inspect.iscoroutinefunction(function):
            return cast("Callable[P, R]", _timed_async(self._meter, function))
        return _timed(self._meter, function)

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if PROMETHEUS_AVAILABLE:
            _record(self._meter, self._started, error)


def _timed(meter: GateMeter, function: Callable[P, R]) -> Callable[P, R]:
    # Bound here and inlined below: under load a call of a helper would be a third of the cost of measuring.
    pending, append, request_id = meter.pending, meter.pending.append, REQUEST_ID.get

    @wraps(function)
    def measured(*args: P.args, **kwargs: P.kwargs) -> R:
        started = perf_counter()
        try:
            # An empty keyword dictionary costs as much to pass on as a clock costs to read.
            result = function(*args, **kwargs) if kwargs else function(*args)  # type: ignore[call-arg]
        except BaseException as error:
            append((started, perf_counter(), _error_code(meter, error), request_id()))
            if len(pending) >= SETTLE_AT:
                _settle(meter)
            raise
        append((started, perf_counter(), None, request_id()))
        if len(pending) >= SETTLE_AT:
            _settle(meter)
        return result

    return measured


def _timed_async(
    meter: GateMeter, function: Callable[P, Coroutine[Any, Any, R]]
) -> Callable[P, Coroutine[Any, Any, R]]:
    @wraps(function)
    async def measured(*args: P.args, **kwargs: P.kwargs) -> R:
        started = perf_counter()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            _record(meter, started, error)
            raise
        _record(meter, started, None)
        return result

    return measured


def _record(meter: GateMeter, started: float, error: BaseException | None) -> None:
    ended = perf_counter()
    error_code = None if error is None else _error_code(meter, error)
    meter.pending.append((started, ended, error_code, REQUEST_ID.get()))
    if len(meter.pending) >= SETTLE_AT:
        _settle(meter)


def _settle(meter: GateMeter) -> None:
    try:
        meter.settle()
    except Exception as failure:
        FAILURES.note("gate decisions could not be counted", failure)


def _error_code(meter: GateMeter, error: BaseException) -> str:
    try:
        code = getattr(error, "error_code", None)
        if code in meter.error_codes:
            return str(code)
        # Another gate, called by this one, may have refused: that decision is counted where it was taken.
        if code is not None and getattr(error, "gate", meter.gate) == meter.gate:
            FAILURES.note("an error code that the gate does not have", f"{meter.gate}: {code}")
    except Exception as failure:
        FAILURES.note("an exception could not be classified", failure)
    return UNDECIDED
