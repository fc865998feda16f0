"""Whether samples arrive where Prometheus sends them beside its own storage.

What an address has taken is known from Prometheus alone: the time stamp of the newest sample that was taken, and the
count of those that it refused for good; why, from its log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stack.checks.alertmanager_file import secret_of
from stack.checks.context import CheckContext
from stack.checks.delivery_faults import code_of
from stack.checks.model import Broken, Expected
from stack.common.durations import duration
from stack.common.wait import NotYet
from stack.common.yaml_text import load_yaml

SENT = "time() - prometheus_remote_storage_queue_highest_sent_timestamp_seconds"
FAILED = "increase(prometheus_remote_storage_samples_failed_total[{:.0f}s]) > 0"
USUAL = 15.0
"""Seconds that the newest sample may be on its way: a batch waits for 5 s, and Prometheus scrapes itself each 5 s."""
LOG_LINES = 400
ERROR = re.compile(r'\berr="((?:[^"\\]|\\.)*)"')
SIGNS = (
    ("no such host", "no DNS server that containers ask knows this host: correct url"),
    (
        "connection refused",
        "nobody listens there, as a container sees it (localhost is the container itself)",
    ),
    ("x509", "its certificate is not trusted: name the authority in ca_file"),
    ("server gave HTTP response to HTTPS", "it speaks HTTP without TLS: write http://"),
    ("no such file", "monitoring-stack reload delivers the file"),
    ("deadline exceeded", "it does not answer in time: is a firewall in between?"),
    ("timeout", "it does not answer in time: is a firewall in between?"),
)
CODES = {
    "400": "two Prometheis that send the same series need [external_labels] of their own; else see its log",
    "401": "it does not accept the login: put a valid one into {secret}, then monitoring-stack reload",
    "403": "it does not accept the login: put a valid one into {secret}, then monitoring-stack reload",
    "404": "correct url: the path is the receiving product's own",
    "405": "correct url: the path is the receiving product's own",
}
OTHERWISE = "the receiver's own log says more; monitoring-stack logs prometheus has its answers"


def addresses(expected: Expected) -> dict[str, Mapping[str, Any]]:
    """The remote addresses of the main file, by the names that Prometheus gives them in its own metrics."""
    if "remote_write" not in expected.prometheus_config:
        return {}
    found = (load_yaml(expected.prometheus_config) or {}).get("remote_write") or ()
    return {str(one.get("name") or one.get("url")): one for one in found}


def arrival(context: CheckContext) -> str:
    """Each address has taken a sample of the last seconds, and has refused none for good."""
    wanted = addresses(context.expected)
    span = max(60.0, 3 * context.expected.scrape_interval)
    for name, lost in _by_name(context, FAILED.format(span)):
        if name in wanted:
            why, hint = _reason(context, name, wanted[name])
            raise Broken(f"{name} refused {lost:.0f} samples for good within {duration(span)}: {why}", hint)
    ages = dict(_by_name(context, SENT))
    late = USUAL + 2 * context.expected.scrape_interval
    for name, one in wanted.items():
        if name not in ages:
            raise NotYet(f"Prometheus says nothing of {name} yet")
        if ages[name] > late:
            why, hint = _reason(context, name, one)
            since = f"for {duration(round(ages[name]))}" if ages[name] < context.expected.age else "yet"
            raise NotYet(f"{name} has taken no sample {since}: {why}", hint)
    said = ", ".join(f"{name} {max(0.0, ages[name]):.0f} s ago" for name in wanted)
    return f"samples taken: {said}" if said else "remote_write names no address"


def _by_name(context: CheckContext, expr: str) -> Iterator[tuple[str, float]]:
    """Values by the name of the address; one without a name has its URL for one."""
    for sample in context.prometheus.query(expr):
        labels = dict(sample.labels)
        yield labels.get("remote_name", ""), sample.value
        yield labels.get("url", ""), sample.value


def _reason(context: CheckContext, name: str, address: Mapping[str, Any]) -> tuple[str, str]:
    """What Prometheus' log says of the last refusal, and the remedy."""
    about = (f"remote_name={name}", f'remote_name="{name}"', f"url={address.get('url')}")
    lines = [line for line in context.log_of("prometheus", LOG_LINES) if any(one in line for one in about)]
    found = next((m[1] for line in reversed(lines) if (m := ERROR.search(line))), "")
    why = found.replace('\\"', '"')
    return (why or "its log has no reason yet"), _remedy(why, secret_of(address))


def _remedy(why: str, secret: str) -> str:
    code = code_of(why)
    if code in CODES:
        return CODES[code].format(secret=secret or "the file that the table names")
    return next((hint for sign, hint in SIGNS if sign in why), OTHERWISE)
