"""Whether an alert was told: by the application where it hears of it, else by what receivers have taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import yaml
from msgspec.structs import replace

from stack.checks.context import CheckContext
from stack.checks.drill_hearing import OfApplication, OfReceivers, hearing_of
from stack.checks.drills import BY_NAME
from stack.clients.app import ReceivedAlert
from tests.unit.checks.test_drills import WHOLE

GONE = BY_NAME["target-gone"]
NOW = 1000.0


@dataclass
class Products:
    """Alertmanager's counts by receiver, and what the application has received."""

    taken: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    received: list[ReceivedAlert] = field(default_factory=list)
    expected: Any = None

    @property
    def app(self) -> Products:
        return self

    @property
    def alertmanager(self) -> Products:
        return self

    @property
    def http(self) -> Products:
        return self

    @property
    def text(self) -> str:
        """The page of metrics."""
        counts = [
            f'alertmanager_notification_requests_total{{integration="webhook",receiver_name="{name}"}} {count}'
            for name, count in self.taken.items()
        ]
        failed = "alertmanager_notification_requests_failed_total"
        return "\n".join((*counts, f'{failed}{{integration="webhook",receiver_name="ops"}} {self.refused}'))

    def get(self, path: str) -> Products:
        assert path == "/metrics"
        return self

    def alerts(self, label: str, value: str) -> list[ReceivedAlert]:
        assert (label, value) == ("alertname", GONE.alert)
        return self.received


def configured(ops: dict[str, Any], matcher: str = 'severity="warning"') -> Products:
    """A stack without the application whose one receiver is ``ops``."""
    config = {
        "route": {"receiver": "nobody", "routes": [{"receiver": "ops", "matchers": [matcher]}]},
        "receivers": [{"name": "nobody"}, {"name": "ops", **ops}],
    }
    expected = replace(WHOLE, addresses=(), alertmanager_config=yaml.safe_dump(config))
    return Products({"ops": 4, "other": 1}, expected=expected)


def hearing(products: Products) -> OfReceivers:
    found = hearing_of(cast(CheckContext, products))
    assert isinstance(found, OfReceivers)
    return found


def test_what_a_receiver_that_hears_of_the_alert_has_taken_is_counted() -> None:
    products = configured({"webhook_configs": [{"url": "http://x/"}]})
    heard = hearing(products)
    assert heard.obstacle(GONE) == ""
    for status in ("firing", "resolved"):
        heard.listen(GONE, cast(Any, status))
        assert not heard.heard(GONE)
        products.taken["other"] += 1
        products.taken["ops"] += 1
        products.refused += 1
        assert not heard.heard(GONE), "another receiver, and a refusal, say nothing"
        products.taken["ops"] += 1
        assert heard.heard(GONE)


@pytest.mark.parametrize(
    ("ops", "at_once"),
    [
        ({"webhook_configs": [{"url": "http://x/", "send_resolved": False}]}, True),
        ({"slack_configs": [{"channel": "#ops"}]}, True),
        ({"slack_configs": [{"channel": "#ops", "send_resolved": True}]}, False),
    ],
)
def test_an_end_that_nobody_wants_to_hear_of_is_not_waited_for(ops: dict[str, Any], at_once: bool) -> None:
    heard = hearing(configured(ops))
    heard.listen(GONE, "resolved")
    assert heard.heard(GONE) is at_once


def test_an_alert_of_which_nobody_hears_cannot_be_drilled() -> None:
    obstacle = "nobody hears of TargetDown: monitoring-stack receiver add"
    assert hearing(configured({})).obstacle(GONE) == obstacle
    elsewhere = configured({"webhook_configs": [{"url": "http://x/"}]}, 'severity="critical"')
    assert hearing(elsewhere).obstacle(GONE) == obstacle


def test_of_the_application_the_alerts_since_the_fault_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.checks.drill_hearing.wall_clock", lambda: NOW)
    products = Products(expected=replace(WHOLE, addresses=(("app", "http://x"),)))
    heard = hearing_of(cast(CheckContext, products))
    assert isinstance(heard, OfApplication) and heard.obstacle(GONE) == ""
    heard.listen(GONE, "firing")
    old = [of("resolved", NOW + 2, NOW - 30), of("firing", NOW + 1, NOW - 30)]
    products.received = list(old)
    assert not heard.heard(GONE), "it is told late of an alert of before the fault"
    products.received.insert(0, of("firing", NOW + 3, NOW + 1))
    assert heard.heard(GONE)
    heard.listen(GONE, "resolved")
    assert not heard.heard(GONE), "it has heard of an end, but of an earlier alert's"
    products.received.insert(0, of("resolved", NOW + 9, NOW + 1))
    assert heard.heard(GONE)


def of(status: str, received: float, starts: float) -> ReceivedAlert:
    return ReceivedAlert(status, GONE.alert, received, starts)
