"""What becomes of Alertmanager's notifications."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from stack.app.alerts import (
    KEPT,
    KEPT_BYTES,
    PACKET_TYPE,
    SEGMENT,
    TAKEN,
    AlertIn,
    AlertLog,
)
from stack.app.assembly import open_context
from stack.app.memory.answers import StoreUnavailable
from stack.app.memory.packet import MAX_PAYLOAD_BYTES, Packet, new_packet
from stack.app.settings import AppSettings


def alert(status: Any = "firing", **labels: str) -> AlertIn:
    return AlertIn(status=status, labels={"alertname": "Test", **labels}, annotations={"summary": "s"})


def test_what_is_received_is_shown_newest_first_and_stored() -> None:
    packets: list[Packet] = []
    log = AlertLog(packets.append, clock=lambda: 1000.0)
    assert log.receive([alert(n="1"), alert("resolved", n="2")]) == 2
    assert [found.labels["n"] for found in log.newest(10)] == ["2", "1"]
    assert log.newest(1)[0].receivedAt == "1970-01-01T00:16:40.000Z"
    assert [(packet.segment, packet.packet_type) for packet in packets] == [(SEGMENT, PACKET_TYPE)] * 2
    assert packets[0].payload["labels"] == {"alertname": "Test", "n": "1"}


def test_a_filter_asks_for_status_and_all_labels() -> None:
    log = AlertLog(lambda _: None)
    log.receive([alert(n="1", m="1"), alert("resolved", n="1", m="1"), alert(n="1", m="2")])
    assert len(log.newest(10, "firing", {"n": "1"})) == 2
    assert len(log.newest(10, None, {"n": "1", "m": "1"})) == 2
    assert log.newest(10, "firing", {"n": "1", "m": "3"}) == []


def test_only_the_newest_are_kept() -> None:
    log = AlertLog(lambda _: None)
    log.receive([alert(n=str(number)) for number in range(KEPT + 5)])
    assert len(log.newest(KEPT * 2)) == KEPT
    assert log.newest(1)[0].labels["n"] == str(KEPT + 4)


def test_an_earlier_process_is_remembered_below_what_came_since() -> None:
    packets: list[Packet] = []
    AlertLog(packets.append).receive([alert(n="1"), alert(n="2")])
    log = AlertLog(lambda _: None)
    log.receive([alert(n="3")])
    others = [new_packet(SEGMENT, kind, {"labels": 1}) for kind in ("note", PACKET_TYPE)]
    log.remember([*others, *reversed(packets)])
    assert [found.labels["n"] for found in log.newest(10)] == ["3", "2", "1"]


def test_an_alert_of_any_size_fits_a_packet() -> None:
    packets: list[Packet] = []
    log = AlertLog(packets.append)
    huge = alert(**{f"l{number}": "\u2603" * 5000 for number in range(200)})
    huge.annotations = {f"a{number}": "\x00" * 5000 for number in range(200)}
    log.receive([huge])
    assert len(packets[0].body) <= MAX_PAYLOAD_BYTES


def test_an_earlier_process_is_remembered_once_the_store_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.app.context.REMEMBER_AGAIN_SECONDS", 0.01)
    context = open_context(AppSettings(data=tmp_path))
    found: list[Packet] = []
    AlertLog(found.append, clock=lambda: 1000.0).receive([alert(n="1")])
    later = new_packet(
        SEGMENT, PACKET_TYPE, {**dict(alert(n="2")), "receivedAt": ""}, clock=lambda: time.time() + 60
    )
    answers: list[StoreUnavailable | list[Packet]] = [
        StoreUnavailable("down"),
        StoreUnavailable("down"),
        [later, *found],
    ]

    def search(*_: object) -> list[Packet]:
        answer = answers.pop(0)
        if isinstance(answer, StoreUnavailable):
            raise answer
        return answer

    monkeypatch.setattr(context.store, "search", search)
    context._remember_alerts()
    context.close()
    assert [each.labels["n"] for each in context.alerts.newest(10)] == ["1"]


def test_a_flood_of_alerts_drops_no_audit(tmp_path: Path) -> None:
    context = open_context(AppSettings(data=tmp_path))
    context.store.close()
    body = [AlertIn(status="firing", labels={"a": "b" * 400})] * 2500
    for _ in range(30):
        assert context.alerts.receive(body) == TAKEN
    assert context.notices.stats().dropped
    assert context.audit.submit(new_packet("tool_audit", "tool_audit", {}))
    assert context.audit.stats().dropped == 0
    context.close()


def test_what_is_kept_is_bounded_in_bytes_too() -> None:
    log = AlertLog(lambda _: None)
    for number in range(300):
        log.receive([alert(n=str(number), **{f"l{each}": "x" * 2000 for each in range(10)})])
    kept = log.newest(KEPT)
    assert sum(each.size for each in kept) <= KEPT_BYTES
    assert 100 < len(kept) < 300
    assert kept[0].labels["n"] == "299"
    again = AlertLog(lambda _: None)
    again.remember([new_packet(SEGMENT, PACKET_TYPE, dict(each)) for each in kept] * 2)
    assert sum(each.size for each in again.newest(KEPT)) <= KEPT_BYTES
