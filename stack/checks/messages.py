"""What travels between the checks and whoever wants them: expectations in, a report out, both as JSON.

Anything that is not exactly such a document is a ValueError that says what is wrong; nothing is guessed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from stack.checks.model import STAGES, Dashboard, DataSource, Expected, Finding, Job, Report, Rule, Stage

PAIRS = ("addresses", "absent", "ready_paths", "templates")
PAIRS_OF_RULE = ("labels", "annotations", "unchecked")


@dataclass(frozen=True, slots=True)
class Order:
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
    return json.dumps(asdict(order))


def load_order(text: str) -> Order:
    """The order that ``dump_order`` wrote."""
    try:
        document = json.loads(text)
        return Order(
            expected=_expected(document["expected"]),
            stages=tuple(stage for stage in STAGES if stage in document["stages"]),
            names=tuple(document["names"]),
            at_most=tuple((stage, float(seconds)) for stage, seconds in document["at_most"]),
            reload_provisioning=bool(document["reload_provisioning"]),
            known=tuple(_finding(one) for one in document["known"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not an order for checks: {type(error).__name__}: {error}") from error


def _expected(document: dict[str, Any]) -> Expected:
    values = dict(document)
    _pair(values, PAIRS)
    values["rules"] = tuple(_rule(rule) for rule in values["rules"])
    values["jobs"] = tuple(_job(job) for job in values["jobs"])
    values["dashboards"] = tuple(Dashboard(**dashboard) for dashboard in values["dashboards"])
    values["data_sources"] = tuple(DataSource(**source) for source in values["data_sources"])
    return Expected(**values)


def _pair(values: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        values[name] = tuple((first, second) for first, second in values[name])


def _rule(document: dict[str, Any]) -> Rule:
    values = dict(document)
    _pair(values, PAIRS_OF_RULE)
    return Rule(**values | {"left": tuple(document["left"])})


def _job(document: dict[str, Any]) -> Job:
    values = dict(document)
    _pair(values, ("params",))
    return Job(**values | {name: tuple(document[name]) for name in ("addresses", "by", "files", "reserved")})


def report_document(report: Report) -> dict[str, Any]:
    """The report as plain values, with the verdict spelled out."""
    return {"ok": report.ok, **asdict(report)}


def dump_report(report: Report) -> str:
    """The report as one line of JSON."""
    return json.dumps(report_document(report))


def load_report(text: str) -> Report:
    """The report in the last line of ``text`` that is one; log lines before it do not matter."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            return _report(line)
    raise ValueError("no report in the output")


def _report(line: str) -> Report:
    try:
        document = json.loads(line)
        return Report(tuple(_finding(finding) for finding in document["findings"]), document["seconds"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a report: {type(error).__name__}: {error}") from error


def _finding(document: dict[str, Any]) -> Finding:
    return Finding(**document | {name: tuple(document[name]) for name in ("about", "warnings")})
