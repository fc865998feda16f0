"""The one place where a gate's decision is timed, counted and classified.

``gate("url_gate")`` decorates a callable, plain or async, or guards a ``with`` block. Leaving without an
exception is an acceptance; an exception whose ``error_code`` is one of the gate's own is a rejection with
that code; any other exception is no decision: it passes through and only its duration counts. It must never
change what the measured code returns or raises.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable
from functools import wraps
from time import perf_counter
from types import CoroutineType, TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from stack.telemetry import recorders
from stack.telemetry.catalogue import ERROR_CODES
from stack.telemetry.request import REQUEST_ID

if TYPE_CHECKING:
    from stack.telemetry.meter import GateMeter
    from stack.telemetry.series import Series

P = ParamSpec("P")
R = TypeVar("R")


class gate:  # noqa: N801 - read as a verb at the place of use, like contextlib's managers
    """``@gate(name)`` or ``with gate(name):``; every ``with`` statement takes an instance of its own.

    A gate of one's own is given its error codes once, ``gate("upload_gate", ["E_TOO_BIG"])``, and then has the same
    series as the application's. Raises KeyError, before anything is measured, for a name that nobody has given codes.
    """

    __slots__ = ("_meter", "_started")

    def __init__(self, name: str, error_codes: Iterable[str] = (), series: Series | None = None) -> None:
        self._meter = _meter(name, tuple(error_codes), series)
        self._started = 0.0

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        if isinstance(function, (classmethod, staticmethod)):
            raise TypeError(f"put @gate below @{type(function).__name__}")
        if not callable(function):
            raise TypeError(f"{function!r:.80} cannot be called: a gate is a callable")
        for called in (function, type(function).__call__):
            if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
                raise TypeError(f"{function!r:.80} decides nothing when it is called: a generator is no gate")
        if self._meter is None:
            return function
        if inspect.iscoroutinefunction(function):
            return cast("Callable[P, R]", _timed_async(self._meter, function))
        return _timed(self._meter, function)

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._meter is not None and error is None:
            self._meter.accept(self._started)
        elif self._meter is not None and error is not None:
            self._meter.refuse(self._started, error)


def _meter(name: str, error_codes: tuple[str, ...], series: Series | None) -> GateMeter | None:
    found = series or recorders.current()
    if found is not None:
        return found.meter(name, error_codes)
    if not error_codes and name not in ERROR_CODES:
        raise KeyError(name)
    return None


def _timed(meter: GateMeter, function: Callable[P, R]) -> Callable[P, R]:
    # ``GateMeter.record`` written out for the usual case: a call more would be a third of what measuring costs.
    append, refused, request_id = meter.pending.append, meter.refusals.append, REQUEST_ID.get

    @wraps(function)
    def measured(*args: P.args, **kwargs: P.kwargs) -> R:
        started = perf_counter()
        try:
            # An empty keyword dictionary costs as much to pass on as a clock costs to read.
            result = function(*args, **kwargs) if kwargs else function(*args)  # type: ignore[call-arg]
        except BaseException as error:
            ended = perf_counter()
            try:
                code = error.error_code  # type: ignore[attr-defined]
                if ended < meter.due and code in meter.error_codes and not request_id():
                    # The code first, so that a settled rejection finds one.
                    refused(code)
                    append(started - ended or meter.NO_TIME)
                else:
                    meter.refuse(started, error)
            except Exception:
                meter.refuse(started, error)
            raise
        if result.__class__ is CoroutineType:
            # A plain function around an async one: nothing is decided yet.
            return cast("R", _awaited(meter, cast("Coroutine[Any, Any, Any]", result)))
        ended = perf_counter()
        if ended < meter.due and not request_id():
            append(ended - started)
        else:
            meter.record(ended - started, ended)
        return result

    return measured


def _timed_async(
    meter: GateMeter, function: Callable[P, Coroutine[Any, Any, R]]
) -> Callable[P, Coroutine[Any, Any, R]]:
    @wraps(function)
    async def measured(*args: P.args, **kwargs: P.kwargs) -> R:
        return await _awaited(meter, function(*args, **kwargs))

    return measured


async def _awaited(meter: GateMeter, work: Coroutine[Any, Any, R]) -> R:
    started = perf_counter()
    try:
        result = await work
    except BaseException as error:
        meter.refuse(started, error)
        raise
    meter.accept(started)
    return result
