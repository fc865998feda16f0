"""Frames of output, however they are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stack.engine.frames import demultiplexed


def frame(stream: int, content: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=20))), st.integers(1, 30))
def test_all_content_comes_in_order_however_it_is_cut(frames: list[tuple[int, bytes]], size: int) -> None:
    sent = b"".join(frame(stream, content) for stream, content in frames)
    chunks = [sent[i : i + size] for i in range(0, len(sent), size)]
    assert b"".join(demultiplexed(chunks)) == b"".join(content for _, content in frames)


def test_content_comes_as_soon_as_it_is_there() -> None:
    def chunks() -> object:
        yield frame(1, b"whole")[:10]
        raise RuntimeError("nobody may wait for more")

    assert next(demultiplexed(chunks())) == b"wh"  # type: ignore[arg-type]


def test_half_a_frame_is_no_content() -> None:
    assert list(demultiplexed([frame(1, b"one"), b"\1\0\0"])) == [b"one"]
