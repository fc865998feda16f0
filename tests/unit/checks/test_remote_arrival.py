"""Whether samples arrive elsewhere: the newest that was taken, what was refused for good, and why."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from stack.checks.context import CheckContext
from stack.checks.model import Broken, Expected
from stack.checks.prometheus import CHECKS
from stack.checks.remote_write import addresses, arrival
from stack.clients.prometheus import Sample
from stack.common.wait import NotYet

MAIN = """
remote_write:
  - {name: central, url: "http://vm:8428/api/v1/write",
     basic_auth: {username: a, password_file: /etc/stack/current/secrets/central}}
  - url: http://plain/write
"""
EXPECTED = Expected("demo", (("prometheus", "http://p"),), prometheus_config=MAIN, age=900.0)
LOG = (
    'time=x level=WARN msg="Failed to send batch, retrying" component=remote remote_name=central '
    'url=http://vm:8428/api/v1/write err="Post \\"http://vm:8428/api/v1/write\\": {}"'
)


def asked(ages: dict[str, float], lost: dict[str, float], log: str = "") -> CheckContext:
    def query(expr: str) -> list[Sample]:
        found = lost if "failed" in expr else ages
        key = "remote_name" if "central" in found else "url"
        return [
            Sample((("url", name),) if name.startswith("http") else ((key, name), ("url", "u")), value)
            for name, value in found.items()
        ]

    prometheus = SimpleNamespace(query=query)
    lines = (LOG.format(log),) if log else ()
    context = SimpleNamespace(expected=EXPECTED, prometheus=prometheus, log_of=lambda component, count: lines)
    return cast(CheckContext, context)


def test_addresses_have_the_names_of_the_metrics() -> None:
    assert set(addresses(EXPECTED)) == {"central", "http://plain/write"}
    assert addresses(replace(EXPECTED, prometheus_config="# remote_write: none")) == {}


def test_samples_that_are_taken_are_the_evidence() -> None:
    said = arrival(asked({"central": 3.2, "http://plain/write": 4.0}, {}))
    assert said == "samples taken: central 3 s ago, http://plain/write 4 s ago"


REASONS = [
    ("dial tcp: lookup vm: no such host", "correct url"),
    ("connect: connection refused", "nobody listens there"),
    ("server returned HTTP status 401 Unauthorized: x", "put a valid one into own/secrets/central"),
    ("server returned HTTP status 404 Not Found: x", "correct url"),
    ("something else", "the receiver's own log"),
]


@pytest.mark.parametrize(("why", "hint"), REASONS)
def test_an_address_that_takes_nothing_is_told_with_the_reason(why: str, hint: str) -> None:
    with pytest.raises(NotYet, match="central has taken no sample for 5m") as caught:
        arrival(asked({"central": 300.0, "http://plain/write": 4.0}, {}, why))
    assert why.partition(":")[0] in str(caught.value) and hint in caught.value.hint


def test_one_that_never_took_a_sample_is_not_said_to_be_late() -> None:
    with pytest.raises(NotYet, match="central has taken no sample yet: its log has no reason yet"):
        arrival(asked({"central": 1.8e9, "http://plain/write": 4.0}, {}))


def test_samples_refused_for_good_are_a_fault_even_where_others_are_taken() -> None:
    why = "server returned HTTP status 400 Bad Request: out of order"
    with pytest.raises(Broken, match="central refused 12 samples for good within 1m") as caught:
        arrival(asked({"central": 1.0, "http://plain/write": 1.0}, {"central": 12.0}, why))
    assert "external_labels" in caught.value.hint


def test_one_that_prometheus_says_nothing_of_is_waited_for() -> None:
    with pytest.raises(NotYet, match="nothing of http://plain/write yet"):
        arrival(asked({"central": 1.0}, {}))


def test_it_is_asked_only_where_samples_go_elsewhere() -> None:
    (check,) = (one for one in CHECKS if one.name == "prometheus.remote_write")
    assert check.concerns(EXPECTED)
    assert not check.concerns(replace(EXPECTED, prometheus_config="global: {}"))


def test_a_name_that_is_not_of_the_file_is_no_fault() -> None:
    found: Any = arrival(asked({"central": 1.0, "http://plain/write": 1.0}, {"http://gone/write": 3.0}))
    assert found.startswith("samples taken")
