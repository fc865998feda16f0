"""The words of a milestone come from evidence, and a report without evidence is a failure."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from stack.checks.model import Finding, Report
from stack.cli.conclusion import conclude
from stack.cli.milestones import summary
from stack.cli.printer import Printer
from stack.common.errors import SmokeFailed
from stack.deploy.verdict import failure


def ok(check: str, evidence: str) -> Finding:
    return Finding(check, check.partition(".")[0], "checked", "ok", evidence)


def bad(check: str, evidence: str, hint: str = "") -> Finding:
    return Finding(check, check.partition(".")[0], "checked", "failed", evidence, hint)


def test_a_milestone_tells_the_first_part_of_what_was_seen() -> None:
    report = Report(
        (
            ok("prometheus.expressions", "24 rules healthy: each expression evaluated"),
            ok("path.alert", "alert delivered in 0.01 s and resolved in 1.1 s"),
            ok("prometheus.config", "not told"),
        )
    )
    said = "3 checks, 24 rules healthy, alert delivered in 0.01 s and resolved in 1.1 s"
    assert summary("checked", report) == said


def test_the_first_failure_is_told_and_the_others_counted() -> None:
    error = failure(Report((ok("a.b", "x"), bad("c.d", "no answer", "look there"), bad("e.f", "neither"))))
    assert str(error) == "c.d: no answer (1 more failed): look there"
    assert error.exit_code == 6


def test_what_follows_is_counted_apart_from_what_failed_by_itself() -> None:
    found = (
        bad("a.x", "gone"),
        replace(bad("a.y", "silent"), because="a.x"),
        bad("b.x", "gone too"),
        replace(bad("b.y", "silent"), because="b.x"),
        replace(bad("b.z", "silent"), because="b.x"),
    )
    assert failure(Report(found)).message == (
        "a.x: gone (1 follow from it, 1 more failed, 2 follow from others)"
    )


def test_no_finding_is_a_failure() -> None:
    assert not Report(()).ok
    assert "no check was run" in str(failure(Report(())))


def test_a_failed_smoke_is_one_document_with_findings_and_error(capsys: pytest.CaptureFixture[str]) -> None:
    printer = Printer(json=True)
    with pytest.raises(SmokeFailed) as error:
        conclude(Report((bad("c.d", "no answer"),)), printer, 1.0)
    printer.error(error.value)
    document = json.loads(capsys.readouterr().out)
    assert (document["ok"], document["exit_code"], document["error"]) == (False, 6, "c.d: no answer")
    assert document["findings"][0]["evidence"] == "no answer"
