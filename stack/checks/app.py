"""Checks of the application: all its parts are well, its page shows the catalogue and parses, it counts a request.

The request is one harmless decision of filesystem_gate. What is stored where a database is to be proven expires soon.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from stack.checks.check import LOGS, SILENT, Check, knows_its_address
from stack.checks.context import CheckContext
from stack.checks.model import Evidence
from stack.clients.http import HttpFailure
from stack.clients.shape import MISREAD
from stack.common.printable import printable
from stack.common.wait import CLOCK, NotYet
from stack.telemetry.catalogue import METRICS

WORDS = ("detail", "problem")
NOW = (*WORDS, "missing", "waiting", "corrupt", "active")
"""Reasons that hold now."""
COUNTED = ("dropped", "refused", "damaged", "surprises", "record_failures")
"""Reasons that are counted since the application's start."""
GROWS_WITHIN = 1.0
SHOWN = 300
STORES = ("SQLite", "PostgreSQL")
Part = Mapping[str, Any]
REMEDIES = {
    "packet_store": "monitoring-stack logs app has it all; free the disk of its data volume, or put back a good copy "
    "of the database, then monitoring-stack restart",
    "faults": 'end the drill: POST {"state": "off"} to /faults/NAME of the application',
}
OF_POSTGRES = "monitoring-stack logs postgres shows why"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
DATABASE = "PostgreSQL"
SEGMENT = "session_context"
PACKET_SECONDS = 60.0
WATCHDOG_SEEN = "alert_watchdog_last_seen_timestamp_seconds"
DECISIONS = ("gate_invocations_total", (("gate", "filesystem_gate"), ("outcome", "ok")))
REQUESTS = ("http_requests_total", (("method", "POST"), ("route", "/gates/path"), ("status", "200")))


def ready(context: CheckContext) -> str:
    """The health address answers ok."""
    if (status := context.app.health()) != "ok":
        raise NotYet(f"/health says {status}")
    return "/health says ok"


def health(context: CheckContext) -> Evidence:
    """Each part says of itself that it is well; the packet store by a real write and read.

    What some parts count since their start tells of now where it grows, and else of something that is over.
    """
    ill = _ill(context)
    if past := {name for name, part in ill.items() if not _reasons(part, NOW) and _reasons(part, COUNTED)}:
        before = {name: _reasons(ill[name], COUNTED) for name in past}
        CLOCK.sleep(GROWS_WITHIN)
        ill = _ill(context)
        past = {name for name in past if name in ill and _reasons(ill[name], COUNTED) == before[name]}
    if present := {name: part for name, part in ill.items() if name not in past}:
        raise _degraded(present)
    remarks = (
        f"the application's {name} counts {_reasons(ill[name], COUNTED)} since its start" for name in past
    )
    return Evidence("no part of the application is unwell", tuple(sorted(remarks)))


def _ill(context: CheckContext) -> Mapping[str, Part]:
    parts = context.app.parts()
    if not parts:
        raise NotYet("/health/detailed names no part")
    return {name: part for name, part in parts.items() if part["status"] != "ok"}


def _degraded(ill: Mapping[str, Part]) -> NotYet:
    """Parts with one reason are named together, so that a damaged store is told of once."""
    together: dict[str, list[str]] = {}
    for name, part in ill.items():
        together.setdefault(_reasons(part, (*NOW, *COUNTED)), []).append(name)
    told = "; ".join(
        f"{' and '.join(names)}: {reasons or ill[names[0]]['status']}" for reasons, names in together.items()
    )
    store = next((text for text in together if text.startswith(STORES)), "")
    name = "packet_store" if store else next(iter(ill))
    outside = store.startswith(DATABASE) or (name in ill and str(ill[name].get("name")).startswith(DATABASE))
    hint = OF_POSTGRES if outside else REMEDIES.get(name, LOGS)
    return NotYet(f"the application is degraded: {told}", hint, ("postgres",) if outside else ())


def _reasons(part: Part, keys: Iterable[str]) -> str:
    """The reasons among what a part tells of itself; the rest are amounts of its daily work."""
    told = (f"{part[key]}" if key in WORDS else f"{key} {part[key]}" for key in keys if part.get(key))
    return printable(", ".join(told))[:SHOWN]


def catalogue(context: CheckContext) -> str:
    """Every metric of the catalogue is on the page; one without a bounded start value may show after first use."""
    samples = read(context.app.metrics())
    shown = {name for name, _ in samples}
    missing = [m.name for m in METRICS if not shown.intersection(m.series)]
    if missing:
        raise NotYet(f"/metrics lacks {', '.join(missing)}")
    return f"{len(METRICS)} metrics, {len(samples)} samples, all parsed"


def counter(context: CheckContext) -> str:
    """A request moves the counters of its route and of its gate."""
    before = read(context.app.metrics())
    if (outcome := context.app.judge_path(f"proof/{os.urandom(16).hex()}.txt")) != "ok":
        raise NotYet(f"filesystem_gate rejected an ordinary path: {outcome}")
    after = read(context.app.metrics())
    moved = {key[0]: after.get(key, 0.0) - before.get(key, 0.0) for key in (DECISIONS, REQUESTS)}
    if still := [name for name, by in moved.items() if by < 1]:
        raise NotYet(f"one call of /gates/path did not move {', '.join(still)}")
    return "one call of /gates/path moved " + " and ".join(moved)


def store(context: CheckContext) -> str:
    """A written packet is found again by its words, in the database of this stack."""
    name = context.app.store_name()
    if not name.startswith(DATABASE):
        raise NotYet(f"the packets are kept in {name}, not in {DATABASE}")
    word = f"proof{os.urandom(16).hex()}"
    written = context.app.write_packet(SEGMENT, {"proof": word}, PACKET_SECONDS)
    found = context.app.search_packets(SEGMENT, word)
    if found != (written,):
        raise NotYet(f"packet {written} was written, a search for it found {', '.join(found) or 'nothing'}")
    return f"packet {written} written to and found again in {name}"


def watchdog_seen(context: CheckContext) -> float:
    """When the application last received the Watchdog alert, in Unix seconds; 0 before the first."""
    return read(context.app.metrics()).get((WATCHDOG_SEEN, ()), 0.0)


def read(text: str) -> Samples:
    """Every sample of a metrics page by name and sorted labels; ``HttpFailure`` where the page does not parse."""
    from prometheus_client.parser import text_string_to_metric_families  # costs 40 ms; only the checks pay

    try:
        families = list(text_string_to_metric_families(text))
    except MISREAD as error:
        raise HttpFailure(f"/metrics does not parse: {error}") from error
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


CHECKS = (
    Check("app.ready", "the application serves", "app", "ready", ready, SILENT, 60, recurring=True),
    Check(
        "app.health",
        "all parts of the application are well",
        "app",
        "checked",
        health,
        LOGS,
        10,
        recurring=True,
    ),
    knows_its_address("app"),
    Check("app.metrics", "the whole catalogue is exposed", "app", "proven", catalogue, LOGS, 15, every=0.2),
    Check("app.counter", "a request moves its counters", "app", "proven", counter, LOGS, 10, every=0.2),
    Check(
        "app.store",
        "the database keeps a packet and finds it again",
        "app",
        "checked",
        store,
        OF_POSTGRES,
        20,
        after=("app.health",),
        every=0.1,
        database=True,
    ),
)
