"""What travels between the checks and whoever wants them: expectations in, a report out, both as JSON.

Anything that is not exactly such a document is a ValueError that says what is wrong; nothing is guessed.
"""

from __future__ import annotations

from typing import Any

from msgspec import MsgspecError, Struct, json, to_builtins

from stack.checks.model import STAGES, Expected, Finding, Report, Stage


class Order(Struct, frozen=True):
    """One run that is asked for: what is expected, which stages or names.

    ``at_most``: seconds that the checks of a stage may take, where that is less than they have.
    ``reload_provisioning``: Grafana is told to read its files again before it is asked.
    ``known``: what was found before by other means.
    """

    expected: Expected
    stages: tuple[Stage, ...] = STAGES
    names: tuple[str, ...] = ()
    at_most: tuple[tuple[str, float], ...] = ()
    reload_provisioning: bool = False
    known: tuple[Finding, ...] = ()


def dump_order(order: Order) -> str:
    """The order as JSON; it holds the passwords of the expectation, so it belongs into a file of mode 0400."""
    return json.encode(order).decode()


def load_order(text: str) -> Order:
    """The order that ``dump_order`` wrote."""
    try:
        return json.decode(text, type=Order)
    except MsgspecError as error:
        raise ValueError(f"not an order for checks: {error}") from error


def report_document(report: Report) -> dict[str, Any]:
    """The report as plain values, with the verdict spelled out."""
    return {"ok": report.ok, **to_builtins(report)}


def dump_report(report: Report) -> str:
    """The report as one line of JSON."""
    return json.encode(report_document(report)).decode()


def load_report(text: str) -> Report:
    """The report in the last line of ``text`` that is one; log lines before it do not matter."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            return _report(line)
    raise ValueError("no report in the output")


def _report(line: str) -> Report:
    try:
        return json.decode(line, type=Report)
    except MsgspecError as error:
        raise ValueError(f"not a report: {error}") from error
