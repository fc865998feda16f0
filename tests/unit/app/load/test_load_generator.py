"""The generator: order, pauses, bursts, and what it makes of an operation that goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import islice
from threading import Event

import pytest

from stack.app.faults import Faults
from stack.app.load.generator import LoadGenerator
from stack.app.load.mix import MIX, kinds


def operations(log: list[str]) -> dict[str, Callable[[], None]]:
    return {card.kind: lambda kind=card.kind: log.append(kind) for card in MIX}  # type: ignore[misc]


def generator(
    log: list[str], faults: Faults | None = None, profile: str = "full", rate: float = 10.0
) -> LoadGenerator:
    return LoadGenerator(operations(log), profile, rate, 1, faults or Faults())


def test_it_does_what_the_deck_says() -> None:
    log: list[str] = []
    load = generator(log)
    for _ in range(200):
        load.step()
    assert log == list(islice(kinds("full", 1), 200))
    assert load.done.total() == 200


def test_quiet_pauses_it_and_loses_no_card() -> None:
    log: list[str] = []
    faults = Faults(enabled=True)
    load = generator(log, faults)
    faults.switch("quiet", True)
    load.step()
    assert log == []
    faults.switch("quiet", False)
    load.step()
    assert log == list(islice(kinds("full", 1), 1))


def test_a_burst_takes_every_second_operation() -> None:
    log: list[str] = []
    faults = Faults(enabled=True)
    faults.switch("zip-bombs", True)
    load = generator(log, faults, "steady")
    for _ in range(8):
        load.step()
    assert log[0::2] == ["E_BOMB_RATIO", "E_ENTRY_RATIO"] * 2
    assert log[1::2] == list(islice(kinds("steady", 1), 4))


def test_a_burst_comes_without_a_profile_too() -> None:
    log: list[str] = []
    faults = Faults(enabled=True)
    load = generator(log, faults, "off")
    load.step()
    assert log == []
    faults.switch("host-denials", True)
    load.step()
    assert log == ["E_HOST_DENY"]


def test_several_bursts_take_turns() -> None:
    log: list[str] = []
    faults = Faults(enabled=True)
    faults.switch("host-denials", True)
    faults.switch("path-traversal", True)
    load = generator(log, faults)
    for _ in range(40):
        load.step()
    assert log.count("E_HOST_DENY") > 5
    assert log.count("E_TRAVERSAL") > 5


def test_a_surprise_is_counted_and_logged_once_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise ValueError("broken")

    every = dict.fromkeys((card.kind for card in MIX), broken)
    load = LoadGenerator(every, "full", 10.0, 1, Faults())
    with caplog.at_level(logging.WARNING):
        for _ in range(400):
            load.step()
    assert load.surprises == load.done
    assert load.surprises.total() == 400
    assert len(caplog.records) == len(load.surprises)


def test_it_runs_in_the_background_until_it_is_stopped() -> None:
    busy = Event()
    load = LoadGenerator(dict.fromkeys((card.kind for card in MIX), busy.set), "full", 1000.0, 1, Faults())
    load.start()
    assert busy.wait(10)
    load.stop()
    done = load.done.total()
    load.stop()
    assert load.done.total() == done
