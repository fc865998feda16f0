"""Threads that run tool calls and can be left behind.

A caller waits as long as it wants and no longer; a call that is left behind runs on to its own end in its thread,
which then serves again. Threads are daemons, so one that is stuck never keeps the process from ending (the reason
why concurrent.futures' own pool does not serve here). It must never hold more than `limit` threads.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_STOPPED = "given up: the service is stopping"


class Cancelled(Exception):
    """The caller has gone; the tool stops."""


class Cancel:
    """Tells a running tool that nobody waits for it any more."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def request(self) -> None:
        """Ask the tool to stop."""
        self._event.set()

    def check(self) -> None:
        """Raises Cancelled once asked to stop; a long loop calls it now and then."""
        if self._event.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than anybody cares. Raises Cancelled."""
        if self._event.wait(seconds):
            raise Cancelled


class Call(Generic[T]):
    """A call under way."""

    def __init__(self, future: Future[T], cancel: Cancel) -> None:
        self._future = future
        self._cancel = cancel

    def result(self, timeout: float) -> T:
        """The result, or the call's own exception. Raises Overdue after `timeout` seconds and leaves it behind.

        Raises Stopped at once when the workers stop.
        """
        try:
            return self._future.result(timeout)
        except CancelledError:
            raise Stopped(_STOPPED) from None
        except TimeoutError:
            if self._future.done():
                raise  # the call's own
            self._cancel.request()
            self._future.cancel()
            raise Overdue from None

    def stop(self) -> None:
        """Tell its caller now that it will not end, and leave it behind."""
        self._cancel.request()
        if not self._future.cancel():
            with suppress(InvalidStateError):  # it has just ended
                self._future.set_exception(Stopped(_STOPPED))


class Overdue(Exception):
    """The call did not end in time."""


class Stopped(Exception):
    """The call was given up because the process is to end."""


class Workers:
    """At most `limit` threads; a call that finds all of them busy waits for one, within its caller's patience."""

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads = 0
        self._calls: set[Call[Any]] = set()
        self._stopping = False

    def start(self, run: Callable[[Cancel], T]) -> Call[T]:
        """Run `run` in a thread, in a copy of the caller's context."""
        cancel, future = Cancel(), Future[T]()
        call = Call(future, cancel)
        self._calls.add(call)
        future.add_done_callback(lambda _: self._calls.discard(call))
        if self._stopping:
            call.stop()
            return call
        context = contextvars.copy_context()
        self._jobs.put(lambda: _complete(future, lambda: context.run(run, cancel)))
        if not self._idle.acquire(blocking=False):
            self._grow()
        return call

    def stop(self) -> None:
        """End the wait of every caller, and of those to come. Returns at once."""
        self._stopping = True
        for call in tuple(self._calls):
            call.stop()

    def _grow(self) -> None:
        with self._lock:
            if self._threads >= self._limit:
                return
            self._threads += 1
        threading.Thread(target=self._serve, name="tool-worker", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                self._idle.release()
                job = self._jobs.get()
            job()


def _complete(future: Future[Any], run: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result, failure = run(), None
    except Exception as error:
        result, failure = None, error
    except BaseException as error:  # SystemExit in a tool ends the tool, not the caller
        result, failure = None, RuntimeError(f"ended by {type(error).__name__}")
    with suppress(InvalidStateError):  # it was stopped meanwhile
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)
