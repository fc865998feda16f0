"""When alerts fired: spans out of what Prometheus keeps of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stack.checks import past_alerts
from stack.checks.past_alerts import Fired, fired
from stack.clients.http import Http
from tests.fakes.drawn_prometheus import Waves, drawn_prometheus

START, END = 1_767_225_600.0, 1_767_229_200.0


@pytest.fixture
def waves() -> Waves:
    return Waves()


@pytest.fixture
def http(waves: Waves) -> Iterator[Http]:
    with drawn_prometheus(waves) as address:
        yield Http(address)


def alert(name: str, severity: str = "warning", **labels: str) -> dict[str, str]:
    return {"__name__": "ALERTS", "alertstate": "firing", "alertname": name, "severity": severity, **labels}


def test_one_that_came_and_went_has_its_times(http: Http, waves: Waves) -> None:
    labels = alert("Down", job="app")
    waves.firing = [(labels, START + 600, START + 900)]
    past = fired(http, START, END)
    assert past.alerts == (
        Fired("Down", "warning", {"job": "app"}, ((START + 600, START + 905),), False, False),
    )
    assert (past.step, past.left, past.alerts[0].seconds) == (5.0, 0, 305)


def test_one_that_fires_still_lasts_to_the_end_and_may_have_begun_before(http: Http, waves: Waves) -> None:
    waves.firing = [(alert("Watchdog", "none"), START - 999, END + 999)]
    (one,) = fired(http, START, END).alerts
    assert (one.firing, one.earlier, one.spans) == (True, True, ((START, END),))


def test_two_times_are_two_spans() -> None:
    moments = [0.0, 5.0, 10.0, 60.0, 65.0]
    assert list(past_alerts._joined(moments, 5.0)) == [(0.0, 15.0), (60.0, 70.0)]


def test_what_fires_now_and_is_worse_comes_first(http: Http, waves: Waves) -> None:
    waves.firing = [
        (alert("Over", "critical"), START, START + 600),
        (alert("Info", "info"), START, END),
        (alert("Now", "critical"), END - 60, END),
        (alert("Long"), START, START + 900),
        (alert("Other", "sev-9"), START, START + 900),
    ]
    assert [one.name for one in fired(http, START, END).alerts] == ["Now", "Info", "Over", "Long", "Other"]


def test_a_week_is_looked_at_more_coarsely_and_there_is_a_bound(
    http: Http, waves: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_alerts, "MOST", 2)
    waves.firing = [(alert(f"A{n}"), START, START + 600 * n) for n in range(1, 5)]
    past = fired(http, END - 7 * 86400, END)
    assert past.step == 121.0
    assert [one.name for one in past.alerts] == ["A4", "A3"] and past.left == 2
