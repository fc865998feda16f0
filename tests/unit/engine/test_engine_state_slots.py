"""Two slots: the newest whole one counts, whatever happened to the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stack.engine import state


def written(*contents: bytes) -> dict[str, bytes]:
    slots: dict[str, bytes] = {}
    for content in contents:
        slots |= dict([state.following(slots, content)])
    return slots


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=12))
def test_the_last_one_written_counts(contents: list[bytes]) -> None:
    assert state.newest(written(*contents)) == contents[-1]


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5), st.binary(max_size=50), st.data())
def test_a_write_that_broke_off_anywhere_leaves_the_one_before(
    contents: list[bytes], last: bytes, data: st.DataObject
) -> None:
    slots = written(*contents)
    name, whole = state.following(slots, last)
    torn = slots | {name: whole[: data.draw(st.integers(0, len(whole) - 1))]}
    assert state.newest(torn) == contents[-1]
    assert state.newest(torn | dict([state.following(torn, b"next")])) == b"next"


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_anything_else_is_no_state(one: bytes, two: bytes) -> None:
    assert state.newest({"one": one, "two": two, "three": b""}) == (b"" if one or two else None)


def test_nothing_is_no_state() -> None:
    assert state.newest({}) is None
