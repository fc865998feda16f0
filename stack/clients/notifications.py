"""What Alertmanager tells of its notifications: counts by receiver on its page of metrics, reasons in its log. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import astuple

from stack.clients.prometheus import Sample

COUNTS = {
    "alertmanager_notifications_total": "begun",
    "alertmanager_notifications_failed_total": "given_up",
    "alertmanager_notification_requests_total": "requests",
    "alertmanager_notification_requests_failed_total": "refused",
}
"""The metrics, and what of a ``Tally`` each counts."""
READ, STARTED = "alertmanager_config_last_reload_success_timestamp_seconds", "process_start_time_seconds"
LOADED = re.compile(rf"^({READ}|{STARTED}) (\S+)", re.MULTILINE)
BEGINNING = 10.0
"""Seconds after its start in which Alertmanager has read its file for the first time."""
LINE = re.compile(r"alertmanager_(notifications|notification_requests)(_failed)?_total\{([^}]*)\} (\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
ERROR = re.compile(r'\berr=("(?:[^"\\]|\\.)*"|\S+)')
WHERE = re.compile(r"\bintegration=(\w+)\[\d+\]")
PREFIX = re.compile(
    r"^.*?/(?P<kind>\w+)\[\d+\]: notify retry canceled (?:due to unrecoverable error )?after \d+ attempts: "
)
ELSEWHERE = ""
"""The receiver of counts that an Alertmanager does not tell apart."""


class Tally(Struct):
    """Counts of one integration of one receiver: notifications begun and given up, requests made and refused."""

    begun: int = 0
    given_up: int = 0
    requests: int = 0
    refused: int = 0

    def since(self, before: Tally) -> Tally:
        """What has been added."""
        return Tally(
            self.begun - before.begun,
            self.given_up - before.given_up,
            self.requests - before.requests,
            self.refused - before.refused,
        )

    def at_least(self, other: Tally) -> Tally:
        """The larger of each count."""
        return Tally(*(max(pair) for pair in zip(astuple(self), astuple(other), strict=True)))


Tallies = dict[tuple[str, str], Tally]
"""By receiver and integration."""


def tallies(page: str) -> Tallies:
    """The counts on a page of metrics."""
    found: Tallies = {}
    for what, failed, labels, value in LINE.findall(page):
        named = dict(LABEL.findall(labels))
        key = (named.get("receiver_name", ELSEWHERE).replace('\\"', '"'), named.get("integration", ""))
        tally = found.setdefault(key, Tally())
        count = int(float(value))
        if what == "notifications":
            tally.begun += 0 if failed else count
            tally.given_up += count if failed else 0
        else:
            tally.requests += 0 if failed else count
            tally.refused += count if failed else 0
    return found


def tallied(samples: Iterable[Sample]) -> Tallies:
    """The counts in an answer of Prometheus', whose series name the metric in the label ``count``."""
    found: Tallies = {}
    for sample in samples:
        named = dict(sample.labels)
        key = (named.get("receiver_name", ELSEWHERE), named.get("integration", ""))
        setattr(found.setdefault(key, Tally()), COUNTS[named["count"]], round(sample.value))
    return found


def loaded(page: str) -> tuple[float, bool]:
    """Since when the counts on a page of metrics are counted, as Unix time, and whether the process began then.

    Else it has read a changed file. 0 where the page does not say.
    """
    known = {name: float(value) for name, value in LOADED.findall(page)}
    began, started = known.get(READ, 0.0), known.get(STARTED, 0.0)
    return began, began - started < BEGINNING


def reasons(lines: Iterable[str], mark: str) -> dict[str, str]:
    """The latest reason of each integration in the lines of a log that have this mark."""
    found = {}
    for line in lines:
        said = ERROR.search(line) if mark in line else None
        if said:
            text = _plain(said[1])
            given_up = PREFIX.match(text)
            where = WHERE.search(line)
            kind = given_up["kind"] if given_up else where[1] if where else ""
            found[kind] = " ".join(text[given_up.end() if given_up else 0 :].split())
    return found


def _plain(written: str) -> str:
    if not written.startswith('"'):
        return written
    try:
        return str(json.loads(written, strict=False))
    except ValueError:
        return written.strip('"')
