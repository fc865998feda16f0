"""Calls run in threads that a caller can leave behind."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import subprocess
import sys
import threading
import time
import weakref

import pytest

from stack.app.cancel import check_cancelled
from stack.app.tools import workers as workers_module
from stack.app.tools.workers import Cancel, Cancelled, Overdue, Stopped, Workers

PATIENCE = 10.0


def test_a_call_gives_its_result_or_its_own_exception() -> None:
    workers = Workers(1)
    assert workers.start(lambda cancel: 7).result(PATIENCE) == 7

    def fail(cancel: Cancel) -> None:
        raise TimeoutError("the tool's own")

    with pytest.raises(TimeoutError, match="the tool's own"):
        workers.start(fail).result(PATIENCE)


def test_a_call_that_has_ended_is_free_at_once() -> None:
    workers = Workers(1)
    gc.disable()
    try:
        call = workers.start(lambda cancel: 7)
        assert call.result(PATIENCE) == 7
        ended = weakref.ref(call)
        workers.start(lambda cancel: None).result(PATIENCE)  # the thread has let go of it
        del call
        assert ended() is None
    finally:
        gc.enable()


def test_a_call_that_ends_the_thread_ends_only_itself() -> None:
    workers = Workers(1)
    with pytest.raises(RuntimeError, match="ended by SystemExit"):
        workers.start(lambda cancel: sys.exit(3)).result(PATIENCE)
    assert workers.start(lambda cancel: "still here").result(PATIENCE) == "still here"


def test_an_overdue_call_is_left_behind_and_told_to_stop() -> None:
    told = threading.Event()

    def slow(cancel: Cancel) -> None:
        try:
            cancel.wait(PATIENCE)
        except Cancelled:
            told.set()
            raise

    with pytest.raises(Overdue):
        Workers(1).start(slow).result(0.01)
    assert told.wait(PATIENCE)


def test_check_raises_once_nobody_waits() -> None:
    cancel = Cancel()
    cancel.check()
    cancel.request()
    with pytest.raises(Cancelled):
        cancel.check()


def test_a_call_that_no_thread_was_free_for_never_runs() -> None:
    workers, release, ran = Workers(1), threading.Event(), threading.Event()
    stuck = workers.start(lambda cancel: release.wait(PATIENCE))
    with pytest.raises(Overdue):
        workers.start(lambda cancel: ran.set()).result(0.01)
    release.set()
    assert stuck.result(PATIENCE)
    assert workers.start(lambda cancel: ran.is_set()).result(PATIENCE) is False


def test_threads_are_used_again_and_limited() -> None:
    workers = Workers(3)
    for _ in range(20):
        workers.start(lambda cancel: None).result(PATIENCE)
    assert workers._threads <= 3
    barrier = threading.Barrier(3)
    together = [workers.start(lambda cancel: barrier.wait(PATIENCE)) for _ in range(3)]
    assert sorted(call.result(PATIENCE) for call in together) == [0, 1, 2]


def test_a_call_sees_its_callers_context() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name")
    name.set("caller")
    assert Workers(1).start(lambda cancel: name.get()).result(PATIENCE) == "caller"


def test_a_stuck_call_does_not_keep_the_process_from_ending() -> None:
    program = """
import threading
from stack.app.tools.workers import Overdue, Workers
try:
    Workers().start(lambda cancel: threading.Event().wait()).result(0.01)
except Overdue:
    raise SystemExit(42)
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 42


def test_stopping_ends_every_wait_whether_the_call_runs_or_not() -> None:
    workers, running, release = Workers(1), threading.Event(), threading.Event()

    def deaf(cancel: Cancel) -> None:
        running.set()
        release.wait(PATIENCE)

    calls = [workers.start(deaf), workers.start(lambda cancel: None)]
    assert running.wait(PATIENCE)
    workers.stop()
    for call in (*calls, workers.start(lambda cancel: None)):
        with pytest.raises(Stopped, match="the service is stopping"):
            call.result(PATIENCE)
    release.set()


def _refused(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_without_any_thread_a_call_fails_at_once_and_the_next_one_works() -> None:
    workers, ran = Workers(1), threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", _refused)
        for _ in range(3):
            with pytest.raises(RuntimeError, match="can't start new thread"):
                workers.start(lambda cancel: ran.set())
    assert workers.start(lambda cancel: 7).result(PATIENCE) == 7
    assert not ran.is_set()


def test_when_threads_run_out_those_that_there_are_do_the_work() -> None:
    workers, release = Workers(2), threading.Event()
    busy = workers.start(lambda cancel: release.wait(PATIENCE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", _refused)
        waiting = workers.start(lambda cancel: 7)
    release.set()
    assert waiting.result(PATIENCE) == 7
    assert busy.result(PATIENCE)


def test_the_limit_holds_for_calls_that_nobody_waits_for_any_more() -> None:
    workers, release = Workers(2, "deaf"), threading.Event()
    running = threading.Semaphore(0)

    def deaf(cancel: Cancel) -> None:
        running.release()
        release.wait(PATIENCE)

    for _ in range(10):
        with pytest.raises(Overdue):
            workers.start(deaf).result(0.01)
    assert running.acquire(timeout=PATIENCE) and running.acquire(timeout=PATIENCE)
    assert [thread.name for thread in threading.enumerate()].count("deaf-worker") == 2
    assert not running.acquire(blocking=False)
    release.set()
    assert workers.start(lambda cancel: 7).result(PATIENCE) == 7


def test_a_coroutine_that_is_cancelled_leaves_its_call_behind_but_not_its_thread() -> None:
    workers, told, release = Workers(1), threading.Event(), threading.Event()

    def heeds() -> None:
        try:
            while not release.wait(0.01):
                check_cancelled()
        except Cancelled:
            told.set()
            raise

    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workers.run(heeds), 0.05)
        assert await workers.run(lambda: 7) == 7

    asyncio.run(impatient())
    assert told.is_set()


def test_idle_threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_module, "IDLE_SECONDS", 0.01)
    workers = Workers(2)
    workers.start(lambda cancel: None).result(PATIENCE)
    end = time.monotonic() + PATIENCE
    while workers._threads and time.monotonic() < end:
        threading.Event().wait(0.01)
    assert workers._threads == 0
    assert workers.start(lambda cancel: 7).result(PATIENCE) == 7
