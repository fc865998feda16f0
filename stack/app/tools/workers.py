"""Threads that run calls and can be left behind.

A caller waits as long as it wants and no longer; a call that is left behind is told to stop and runs on to its own
end in its thread, which then serves again. So ``limit`` bounds what really runs, whoever still waits. Threads are
daemons, so one that is stuck never keeps the process from ending (the reason why concurrent.futures' own pool does
not serve here), and end after a while without work.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from typing import Any, Generic, TypeVar

from stack.app.cancel import CURRENT, Cancel, Cancelled

__all__ = ["Call", "Cancel", "Cancelled", "NoThread", "Overdue", "Stopped", "Workers"]

T = TypeVar("T")
IDLE_SECONDS = 30.0
_STOPPED = "given up: the service is stopping"
_UNHEARD = "given up: nobody waits for it any more"


class Overdue(Exception):
    """The call did not end in time."""


class NoThread(RuntimeError):
    """The system gives no thread, and there is none that could take the call later."""


class Stopped(Exception):
    """The call was given up because the process is to end, or because the work that began it was."""


class Call(Generic[T]):
    """A call under way."""

    def __init__(self, run: Callable[[Cancel], T]) -> None:
        self.future: Future[T] = Future()
        self._cancel = Cancel()
        self._context = contextvars.copy_context()
        self._context.run(CURRENT.set, self._cancel)
        self._run = run
        begun_by = CURRENT.get()
        if begun_by is not None:
            begun_by.follow(lambda: self.stop(_UNHEARD))

    def result(self, timeout: float) -> T:
        """The result, or the call's own exception. Raises Overdue after `timeout` seconds and leaves it behind.

        Raises Stopped at once when the workers stop.
        """
        try:
            return self.future.result(timeout)
        except CancelledError:
            raise Stopped(_STOPPED) from None
        except TimeoutError:
            if self.future.done():
                raise  # the call's own
            self.leave()
            raise Overdue from None

    def leave(self) -> None:
        """Tell it that nobody waits for it; it never begins if it has not."""
        self._cancel.request()
        self.future.cancel()

    def stop(self, reason: str = _STOPPED) -> None:
        """Tell its caller now that it will not end, and leave it behind."""
        self._cancel.request()
        with suppress(InvalidStateError):  # it has just ended, or was left
            self.future.set_exception(Stopped(reason))

    def perform(self) -> None:
        """Run it, in the thread that calls this."""
        if self.future.done() or not self.future.set_running_or_notify_cancel():
            return
        try:
            result, failure = self._context.run(self._run, self._cancel), None
        except Exception as error:
            result, failure = None, error
        except BaseException as error:  # SystemExit in a tool ends the tool, not the caller
            result, failure = None, RuntimeError(f"ended by {type(error).__name__}")
        with suppress(InvalidStateError):  # it was stopped meanwhile
            if failure is None:
                self.future.set_result(result)  # type: ignore[arg-type]  # what `run` gave
            else:
                self.future.set_exception(failure)


class Workers:
    """At most `limit` threads; a call that finds all of them busy waits for one, within its caller's patience."""

    def __init__(self, limit: int = 64, name: str = "tool") -> None:
        self._limit = limit
        self._name = f"{name}-worker"
        self._changed = threading.Condition()
        self._waiting: dict[Future[Any], Call[Any]] = {}
        self._running: set[Call[Any]] = set()
        self._threads = 0
        self._idle = 0
        self._stopping = False

    def start(self, run: Callable[[Cancel], T]) -> Call[T]:
        """Run `run` in a thread, in a copy of the caller's context. Raises NoThread."""
        call = Call(run)
        with self._changed:
            if self._stopping:
                call.stop()
                return call
            self._waiting[call.future] = call
            if self._idle >= len(self._waiting):
                self._changed.notify()
            elif self._threads < self._limit:
                self._grow(call)
        call.future.add_done_callback(self._forget)
        return call

    async def run(self, work: Callable[[], T]) -> T:
        """The same for a coroutine: one that is cancelled leaves its call behind. Raises Stopped, NoThread."""
        call = self.start(lambda _: work())
        try:
            return await asyncio.wrap_future(call.future)
        except asyncio.CancelledError:
            if self._stopping:
                raise Stopped(_STOPPED) from None
            call.leave()
            raise

    def stop(self) -> None:
        """End the wait of every caller, and of those to come. Returns at once."""
        with self._changed:
            self._stopping = True
            calls = (*self._waiting.values(), *self._running)
        for call in calls:
            call.stop()

    def _grow(self, call: Call[Any]) -> None:
        try:
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        except RuntimeError:  # the system gives no more threads: those that there are will take the call
            if not self._threads:
                del self._waiting[call.future]
                raise NoThread("can't start new thread: try again later") from None
        else:
            self._threads += 1

    def _forget(self, future: Future[Any]) -> None:
        # Not a closure over the call: a future keeps its callbacks, and both would wait for Python's collector.
        with self._changed:
            self._waiting.pop(future, None)

    def _serve(self) -> None:
        while (call := self._next()) is not None:
            call.perform()
            with self._changed:
                self._running.discard(call)
            del call  # and with it its arguments and result

    def _next(self) -> Call[Any] | None:
        """The call that has waited longest; None when the thread is to end."""
        with self._changed:
            self._idle += 1
            called = self._changed.wait_for(lambda: bool(self._waiting), IDLE_SECONDS)
            self._idle -= 1
            if not called:
                self._threads -= 1
                return None
            call = self._waiting.pop(next(iter(self._waiting)))
            self._running.add(call)
            return call
