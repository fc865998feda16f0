"""The one place where a gate's decision is timed, counted and classified.

``gate("url_gate")`` decorates a callable, plain or async, or guards a ``with`` block. Leaving without an
exception is an acceptance; an exception whose ``error_code`` is one of the gate's own is a rejection with
that code; any other exception is no decision: it passes through and only its duration counts. It must never
change what the measured code returns or raises.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from functools import partial, wraps
from time import perf_counter
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from stack.telemetry.available import PROMETHEUS_AVAILABLE
from stack.telemetry.failures import FAILURES
from stack.telemetry.meter import INSTANT, METERS, UNDECIDED, GateMeter
from stack.telemetry.request import REQUEST_ID, REQUESTS
from stack.telemetry.signatures import wrapper

P = ParamSpec("P")
R = TypeVar("R")

# The plain wrapper: ``GateMeter.record`` written out for the usual case, since under load each call made here is a good
# part of the cost of measuring. ``{call}`` passes the parameters on.
MEASURED = """
    started = perf_counter()
    try:
        result = {call}
    except BaseException as error:
        ended = perf_counter()
        try:
            code = error.error_code
            usual = code in error_codes and ended < meter.due and not requests.open
        except Exception:
            usual = False
        if usual:
            refusals.append(code)
            pending.append(started - ended or -INSTANT)
        else:
            refused(started, ended, error)
        raise
    ended = perf_counter()
    if ended < meter.due and not requests.open:
        pending.append(ended - started)
    else:
        accepted(started, ended)
    return result
"""


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
        if not PROMETHEUS_AVAILABLE:
            return
        if error is None:
            _decided(self._meter, self._started, perf_counter())
        else:
            _refused(self._meter, self._started, perf_counter(), error)


def _timed(meter: GateMeter, function: Callable[P, R]) -> Callable[P, R]:
    names = {
        "INSTANT": INSTANT,
        "accepted": partial(_decided, meter),
        "error_codes": meter.error_codes,
        "meter": meter,
        "pending": meter.pending,
        "perf_counter": perf_counter,
        "refusals": meter.refusals,
        "refused": partial(_refused, meter),
        "requests": REQUESTS,
    }
    return cast("Callable[P, R]", wraps(function)(wrapper(MEASURED, function, names)))


def _timed_async(
    meter: GateMeter, function: Callable[P, Coroutine[Any, Any, R]]
) -> Callable[P, Coroutine[Any, Any, R]]:
    @wraps(function)
    async def measured(*args: P.args, **kwargs: P.kwargs) -> R:
        started = perf_counter()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            _refused(meter, started, perf_counter(), error)
            raise
        _decided(meter, started, perf_counter())
        return result

    return measured


def _refused(meter: GateMeter, started: float, ended: float, error: BaseException) -> None:
    try:
        error_code = getattr(error, "error_code", None)
        if error_code not in meter.error_codes:
            error_code = _no_decision(meter, error, error_code)
    except Exception as failure:
        FAILURES.note("an exception could not be classified", failure)
        error_code = UNDECIDED
    _decided(meter, started, ended, error_code)


def _decided(meter: GateMeter, started: float, ended: float, error_code: str | None = None) -> None:
    try:
        meter.record(started, ended, error_code, REQUEST_ID.get())
    except Exception as failure:
        FAILURES.note("a gate decision could not be counted", failure)


def _no_decision(meter: GateMeter, error: BaseException, error_code: object) -> str:
    # Another gate, called by this one, may have refused: that decision is counted where it was taken.
    if error_code is not None and getattr(error, "gate", meter.gate) == meter.gate:
        FAILURES.note("an error code that the gate does not have", f"{meter.gate}: {error_code}")
    return UNDECIDED
