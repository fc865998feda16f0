"""A stack's state document and its lock live on the engine: one suite for both engines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from stack.common.errors import Busy, StartFailed
from stack.common.wait import NotYet, until
from stack.engine.holder import this_process
from stack.engine.interface import Holder, Lease
from stack.engine.lock import Pace
from stack.model.observed import Observed
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile, config_volume
from tests.contract.engine_bench import TINY, Bench, Kind, make, of_the_stack, service, write

ELSEWHERE = Holder("far-away", "ann", "start", 4242, "2026-01-01 10:00:00 UTC")
"""Somebody on another machine: only silence tells that it is gone."""
FAST = Pace(sign=0.5, silent=2.0)


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """The bench of both engines, with a lock that soon counts as left behind."""
    bench.engine.pace = FAST
    return bench


def attempt(call: Callable[[], Lease]) -> Lease | Busy:
    try:
        return call()
    except Busy as error:
        return error


def names(bench: Bench, container: str, folder: str) -> tuple[str, ...]:
    """What lies directly in a folder."""
    return tuple(sorted(p for p in bench.engine.read_folder(container, folder) if "/" not in p))


def test_a_state_that_never_was(bench: Bench) -> None:
    assert bench.engine.read_state(bench.stack) is None
    assert not bench.engine.observe(bench.stack).has_state
    bench.engine.remove_state(bench.stack)


def test_the_last_state_counts_and_is_no_part_of_what_runs(bench: Bench) -> None:
    for content in (b"first", b"", b"third\nwith lines\0", b"x" * 200_000):
        bench.engine.write_state(bench.stack, content)
        assert bench.engine.read_state(bench.stack) == content
    assert of_the_stack(bench) == Observed(bench.stack, has_state=True)
    assert bench.stack not in bench.engine.stacks()
    bench.engine.remove_state(bench.stack)
    assert bench.engine.read_state(bench.stack) is None
    assert of_the_stack(bench) == Observed(bench.stack)


def test_a_write_that_broke_off_leaves_the_state_before(bench: Bench) -> None:
    bench.engine.write_state(bench.stack, b"one")
    bench.engine.write_state(bench.stack, b"two")
    bench.tear_state()
    assert bench.engine.read_state(bench.stack) == b"one"
    bench.engine.write_state(bench.stack, b"three")
    assert bench.engine.read_state(bench.stack) == b"three"


def test_a_prune_of_stopped_containers_loses_no_state(bench: Bench) -> None:
    bench.engine.write_state(bench.stack, b"kept")
    bench.lose(f"{bench.stack}-state")
    assert bench.engine.observe(bench.stack).has_state
    assert bench.engine.read_state(bench.stack) == b"kept"
    bench.lose(f"{bench.stack}-state")
    bench.engine.write_state(bench.stack, b"new")
    assert bench.engine.read_state(bench.stack) == b"new"


def test_readers_meet(bench: Bench) -> None:
    bench.engine.write_state(bench.stack, b"kept")
    bench.lose(f"{bench.stack}-state")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(bench.engine.read_state, [bench.stack] * 4)) == [b"kept"] * 4


@pytest.mark.parametrize("kind", ["container", "volume"])
def test_a_foreign_object_of_that_name_is_left_alone(bench: Bench, kind: Kind) -> None:
    bench.foreign(kind, f"{bench.stack}-state")
    with pytest.raises(StartFailed, match="is not ours"):
        bench.engine.read_state(bench.stack)
    with pytest.raises(StartFailed, match="is not ours"):
        bench.engine.write_state(bench.stack, b"x")
    with pytest.raises(StartFailed, match="is not ours"):
        bench.engine.remove_state(bench.stack)


def test_who_is_second_hears_who_is_first(bench: Bench) -> None:
    with bench.engine.lock(bench.stack, ELSEWHERE) as lease:
        with pytest.raises(Busy, match="start by ann on far-away, process 4242, since 2026") as caught:
            bench.engine.lock(bench.stack, this_process("stop"))
        assert caught.value.details == {
            "holder": {
                "host": "far-away",
                "user": "ann",
                "command": "start",
                "pid": 4242,
                "since": ELSEWHERE.since,
            }
        }
        lease.check()
        assert of_the_stack(bench) == Observed(bench.stack, locked=True)
        assert bench.stack not in bench.engine.stacks()
    with bench.engine.lock(bench.stack, this_process("stop")):
        pass


def test_two_stacks_have_two_locks(bench: Bench) -> None:
    with bench.engine.lock(bench.stack, ELSEWHERE), bench.engine.lock(f"{bench.stack}-b", ELSEWHERE):
        pass


def test_a_living_holder_keeps_the_lock_however_long_it_works(bench: Bench) -> None:
    with bench.engine.lock(bench.stack, ELSEWHERE) as lease:
        for _ in range(4):
            found = attempt(lambda: bench.engine.lock(bench.stack, this_process("stop")))
            assert isinstance(found, Busy)
            pause(FAST.silent / 2)
        lease.check()


def test_of_those_who_take_over_a_silent_lock_one_wins_and_the_silent_one_is_told(bench: Bench) -> None:
    silent = bench.engine.lock(bench.stack, ELSEWHERE)  # its block never begins, so it gives no sign
    assert isinstance(attempt(lambda: bench.engine.lock(bench.stack, this_process("stop"))), Busy)
    pause(FAST.silent + 1.5)
    with ThreadPoolExecutor(3) as pool:
        others = [replace(ELSEWHERE, pid=pid) for pid in (1, 2, 3)]
        found = list(pool.map(lambda h: attempt(lambda: bench.engine.lock(bench.stack, h)), others))
    (won,) = (lease for lease in found if not isinstance(lease, Busy))
    with won:
        with pytest.raises(Busy, match="another command took over"):
            silent.check()
        with pytest.raises(Busy, match="another command took over"), silent:
            pass
        won.check()


def test_a_holder_that_loses_the_lock_within_its_block_is_told_at_its_end(bench: Bench) -> None:
    def lost(lease: Lease) -> None:
        try:
            lease.check()
        except Busy:
            return
        raise NotYet("not told yet")

    with pytest.raises(Busy, match="took over"), bench.engine.lock(bench.stack, ELSEWHERE) as lease:
        bench.lose(f"{bench.stack}-lock")
        until(lambda: lost(lease), seconds=30)


def test_a_dead_process_of_this_machine_holds_nothing(bench: Bench) -> None:
    script = (
        "from msgspec.structs import astuple; from stack.engine.holder import this_process\n"
        "print(astuple(this_process('start')))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    dead = Holder(*eval(told))
    bench.engine.lock(bench.stack, dead)
    with bench.engine.lock(bench.stack, this_process("stop")) as lease:
        lease.check()


def test_a_folder_is_listed_and_what_is_named_is_removed(bench: Bench) -> None:
    container = make(bench, service(bench), start=False)
    assert names(bench, container, CONFIG_ROOT) == ()
    write(
        bench,
        ConfigFile("v1/a/x", b"1", mode=0o400, uid=65534),
        ConfigFile("v2/y", b"2"),
        ConfigFile("plain", b"p"),
        links=((CURRENT, "v2"), ("old", "v1")),
    )
    volume = config_volume(bench.stack, "web_app")
    assert names(bench, container, CONFIG_ROOT) == (CURRENT, "old", "plain", "v1", "v2")
    assert names(bench, container, f"{CONFIG_ROOT}/v1") == ("a",)
    assert names(bench, container, f"{CONFIG_ROOT}/none") == ()
    bench.engine.start(container)
    for _ in range(2):
        bench.engine.remove_from_volume(volume, bench.stack, TINY, ("v1", "old", "plain"))
    assert names(bench, container, CONFIG_ROOT) == (CURRENT, "v2")
    assert bench.engine.read_file(container, f"{CONFIG_ROOT}/{CURRENT}/y") == b"2"
    assert bench.engine.observe(bench.stack).leftovers == ()
    with pytest.raises(ValueError, match="no path inside"):
        bench.engine.remove_from_volume(volume, bench.stack, TINY, ("../etc",))
    with pytest.raises(StartFailed, match="is gone"):
        bench.engine.remove_from_volume(f"{volume}-none", bench.stack, TINY, ("x",))


def pause(seconds: float) -> None:
    """Lets time pass."""
    with pytest.raises(Exception, match="waited"):
        until(lambda: (_ for _ in ()).throw(NotYet("time passes")), seconds=seconds)
