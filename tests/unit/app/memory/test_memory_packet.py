"""A packet keeps its limits and survives its own text form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.app.memory.packet import MAX_PAYLOAD_BYTES, InvalidPacket, Packet, new_packet

FINE: dict[str, Any] = {
    "packet_id": "id",
    "segment": "tool_audit",
    "packet_type": "note",
    "payload": {"a": 1},
    "tags": ("t",),
    "confidence": 1.0,
    "created_at": 10.0,
    "expires_at": 20.0,
}
SELF: dict[str, Any] = {}
SELF["self"] = SELF
DEEP: dict[str, Any] = {"end": 1}
for _ in range(100):
    DEEP = {"next": DEEP}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"segment": "elsewhere"}, "segment: must be one of governance_meta"),
        ({"packet_id": ""}, "packet_id: must be 1 to 128"),
        ({"packet_type": "x" * 129}, "packet_type: must be"),
        ({"packet_type": "a\x00b"}, "packet_type: must be 1 to 128 printable"),
        ({"tags": ("fine", "\ud800")}, "tags: must be"),
        ({"tags": ("t",) * 33}, "tags: at most 32"),
        ({"confidence": 1.01}, "confidence: must be within 0 and 1"),
        ({"confidence": float("nan")}, "confidence"),
        ({"created_at": float("inf")}, "created_at"),
        ({"expires_at": 10.0}, "expires_at: must be a finite time after created_at"),
        ({"expires_at": float("inf")}, "expires_at"),
        ({"payload": {"n": float("nan")}}, "payload: not a JSON object"),
        ({"payload": {"n": object()}}, "payload: not a JSON object"),
        ({"payload": SELF}, "payload: not a JSON object"),
        ({"payload": {"n": "\ud800"}}, r"payload: not a JSON object: .*'\\ud800', a lone surrogate"),
        ({"payload": {"\udfff": 1}}, "a lone surrogate"),
        ({"payload": DEEP}, "more than 100 levels deep"),
        ({"payload": {"n": "x" * MAX_PAYLOAD_BYTES}}, "payload: at most 65536 bytes"),
    ],
)
def test_what_breaks_a_limit_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidPacket, match=message):
        Packet(**FINE | change)


def test_a_payload_may_be_broad_and_hold_any_character() -> None:
    payload = {"many": [[{}]] * 200, "smile": "\U0001f600", "nothing": "\x00", "deep": DEEP["next"]["next"]}
    assert Packet.from_json(Packet(**FINE | {"payload": payload}).to_json()).payload == payload


def test_a_payload_at_the_limit_is_accepted() -> None:
    room = MAX_PAYLOAD_BYTES - len('{"n":""}')
    assert len(Packet(**FINE | {"payload": {"n": "x" * room}}).body) == MAX_PAYLOAD_BYTES


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(payload=st.dictionaries(st.text(), JSON, max_size=4))
def test_the_text_form_is_one_line_and_gives_the_packet_back(payload: dict[str, Any]) -> None:
    packet = Packet(**FINE | {"payload": payload})
    line = packet.to_json().encode()
    assert b"\n" not in line
    assert Packet.from_json(line) == packet


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"{}", b'{"tags": 1}', b"\xff", b'{"tags": [], "x": 1}'])
def test_a_text_that_is_no_packet_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidPacket, match="not a stored packet"):
        Packet.from_json(line)


def test_a_new_packet_has_an_id_and_lives_for_its_ttl() -> None:
    first, second = (new_packet("tool_audit", "note", {}, ttl=5, clock=lambda: 100.0) for _ in range(2))
    assert first.packet_id != second.packet_id
    assert (first.created_at, first.expires_at, first.confidence) == (100.0, 105.0, 1.0)
    assert new_packet("tool_audit", "note", {}).expires_at is None
