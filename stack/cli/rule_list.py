"""rules list: every rule of the files, with what Prometheus says of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.moments import short, stamp, wall_clock

if TYPE_CHECKING:
    from stack.checks.model import Rule
    from stack.clients.prometheus import LoadedRule
    from stack.deploy.describe import Description

HEADER = ("FROM", "FILE", "GROUP", "RULE", "KIND", "STATE", "EVALUATED")


class Row(Struct, frozen=True):
    """One rule: as its file has it, and as it is in Prometheus (None: it is not there, or nobody was asked)."""

    rule: Rule
    loaded: LoadedRule | None
    unknown: str

    @property
    def state(self) -> str:
        """What is known of it: the state of an alert, the health of a record, or the error."""
        if self.loaded is None:
            return self.unknown
        if self.loaded.last_error or self.loaded.health == "err":
            return "error"
        return self.loaded.state or self.loaded.health

    def cells(self, now: float) -> tuple[str, ...]:
        """For the table."""
        rule, when = self.rule, self.loaded.evaluated if self.loaded else 0.0
        return (
            "own" if rule.own else "shipped",
            rule.known_file,
            rule.group,
            rule.name,
            "alert" if rule.kind == "alerting" else "record",
            self.state,
            f"{short(max(0.0, now - when))} ago" if when else "",
        )

    def document(self) -> dict[str, Any]:
        """For JSON."""
        rule, loaded = self.rule, self.loaded
        return {
            "from": "own" if rule.own else "shipped",
            "file": rule.known_file,
            "line": rule.line,
            "group": rule.group,
            "name": rule.name,
            "kind": rule.kind,
            "state": self.state,
            "health": loaded.health if loaded else None,
            "error": loaded.last_error if loaded else "",
            "evaluated": stamp(loaded.evaluated) if loaded and loaded.evaluated else None,
        }


def list_rules(options: argparse.Namespace, printer: Printer) -> int:
    """Every rule, the user's own first."""
    session = Session.open(options, printer)
    observed = session.engine.observe(session.name)
    description = session.as_it_runs(observed)
    remote = session.engine.info().remote
    from stack.checks.expect import expected

    told = expected(description.spec, description.addresses(remote=remote))
    if remote or not observed.containers:
        loaded, unknown = None, "elsewhere" if remote else "not running"
    else:
        loaded, unknown = _asked(session, description), "not loaded"
    rows = _rows(told.rules, loaded, unknown)
    now = wall_clock()
    printer.table(HEADER, [row.cells(now) for row in rows])
    for row in rows:
        if row.loaded and row.loaded.last_error:
            printer.warning(f"error     {row.rule.place}: {row.loaded.last_error}")
    running = any(container.running for container in observed.containers)
    printer.document({"running": running, "rules": [row.document() for row in rows]})
    return 0


def _asked(session: Session, description: Description) -> tuple[LoadedRule, ...] | None:
    from stack.clients.http import Http, HttpFailure
    from stack.clients.prometheus import Prometheus
    from stack.deploy.asking import address_of

    try:
        return Prometheus(Http(address_of(session.engine, description, "prometheus"))).rules()
    except HttpFailure:
        return None


def _rows(rules: Iterable[Rule], loaded: tuple[LoadedRule, ...] | None, unknown: str) -> list[Row]:
    from stack.checks.rule_differences import BASE

    left: dict[tuple[str, str, str], list[LoadedRule]] = {}
    for one in loaded or ():
        left.setdefault((one.file.removeprefix(BASE), one.group, one.name), []).append(one)
    said = unknown if loaded is not None or unknown != "not loaded" else "no answer"
    rows = []
    for rule in rules:
        found = left.get((rule.file, rule.group, rule.name))
        rows.append(Row(rule, found.pop(0) if found else None, said))
    return sorted(rows, key=lambda row: not row.rule.own)
