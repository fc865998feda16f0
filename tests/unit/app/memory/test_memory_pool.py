"""The pool hands out what works, closes what does not, and never holds more than its size."""

from __future__ import annotations

import pytest

from stack.app.memory.answers import StoreUnavailable
from stack.app.memory.pool import Pool


class Thing:
    """A connection that knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False
        self.fresh = True

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def pool() -> Pool[Thing]:
    return Pool(Thing, lambda thing: thing.fresh, size=2, patience=0.01)


def test_a_connection_is_used_again(pool: Pool[Thing]) -> None:
    with pool.lease() as first:
        pass
    with pool.lease() as second:
        assert second is first


def test_a_stale_connection_is_closed_and_replaced(pool: Pool[Thing]) -> None:
    with pool.lease() as first:
        first.fresh = False
    with pool.lease() as second:
        assert second is not first
    assert first.closed and not second.closed


def test_only_the_named_errors_cost_the_connection(pool: Pool[Thing]) -> None:
    with pytest.raises(ValueError), pool.lease(discard=(OSError,)) as kept:
        raise ValueError
    with pytest.raises(OSError), pool.lease(discard=(OSError,)) as lost:
        assert lost is kept
        raise OSError
    assert lost.closed


def test_when_all_are_busy_the_next_is_told_so(pool: Pool[Thing]) -> None:
    with pool.lease(), pool.lease(), pytest.raises(StoreUnavailable, match="all 2 connections"), pool.lease():
        raise AssertionError("a third connection")


def test_close_reaches_idle_and_leased_ones(pool: Pool[Thing]) -> None:
    with pool.lease() as idle:
        pass
    with pool.lease() as idle, pool.lease() as leased:
        pass
    with pool.lease() as leased:
        pool.close()
        assert not leased.closed
    assert idle.closed and leased.closed
    with pool.lease() as again:
        assert not again.closed


def test_a_failed_connect_gives_its_place_back() -> None:
    def refuse() -> Thing:
        raise StoreUnavailable("down")

    pool = Pool(refuse, lambda thing: True, size=1, patience=0.01)
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="down"), pool.lease():
            raise AssertionError("no connection")


def test_connections_that_were_lost_while_idle_cost_nobody_an_error() -> None:
    pool = Pool(Thing, lambda thing: True, size=3, lost=lambda thing: thing in gone)
    gone: list[Thing] = []

    def begin(thing: Thing) -> None:
        if thing in gone:
            raise ConnectionError("the other side has gone")

    with pool.lease() as one, pool.lease() as two:
        gone += [one, two]
    with pool.lease((ConnectionError,), begin) as third:
        assert third not in gone
    assert one.closed and two.closed


def test_an_error_that_does_not_lose_the_connection_is_not_tried_again() -> None:
    pool = Pool(Thing, lambda thing: True, size=3, lost=lambda thing: False)
    tries: list[Thing] = []

    def begin(thing: Thing) -> None:
        tries.append(thing)
        raise ConnectionError("locked")

    with pool.lease():
        pass
    with pytest.raises(ConnectionError), pool.lease((ConnectionError,), begin):
        raise AssertionError("it never began")
    assert len(tries) == 1 and tries[0].closed


def test_a_new_connection_that_is_lost_at_once_is_an_error() -> None:
    def begin(thing: Thing) -> None:
        raise ConnectionError("down")

    pool = Pool(Thing, lambda thing: True, size=1, lost=lambda thing: True)
    for _ in range(2):
        with pytest.raises(ConnectionError), pool.lease((ConnectionError,), begin):
            raise AssertionError("it never began")
