"""smoke: all checks against a stack that runs, brought up by this bundle or by ``docker compose``."""

from __future__ import annotations

import argparse

from stack.checks.messages import report_document
from stack.checks.model import STAGES, Finding, Report
from stack.cli.printer import Printer
from stack.common.errors import SmokeFailed

MARKS = {"ok": "ok", "failed": "FAILED"}


def smoke(options: argparse.Namespace, printer: Printer) -> int:
    """Runs the checks; 6 where one failed."""
    from stack.cli.session import Session
    from stack.components import BY_NAME
    from stack.deploy.verify import RUNNING_ALREADY, prober_for, wall_clock
    from stack.validation.files import check_syntax

    session = Session.open(options, printer)
    observed = session.engine.observe(session.name)
    description = session.as_it_runs(observed, to_ask=True)
    remote = session.engine.info().remote
    if remote and not observed.networks:
        raise SmokeFailed(f"stack {session.name} is not on this engine", hint="start it first")
    check_syntax(BY_NAME, *((s.component, s.files) for s in description.spec.services), *description.idle)
    expected = description.expectations(remote=remote, now=wall_clock())

    def heard(finding: Finding) -> None:
        tone = "" if finding.status == "ok" else "failed"
        printer.line(MARKS[finding.status], f"{finding.check:<28} {finding.evidence}", tone)

    prober = prober_for(session.engine, description, RUNNING_ALREADY)
    stages = STAGES[:2] if options.quick else STAGES
    report = prober.run(expected, heard, tell=printer.event, stages=stages)
    if options.deep and report.ok:
        from stack.cli.deep_check import still_there

        finding = still_there(session, description)
        heard(finding)
        report = Report((*report.findings, finding), report.seconds + finding.seconds)
    return _conclude(report, printer, session.seconds)


def _conclude(report: Report, printer: Printer, seconds: float) -> int:
    if not report.ok:
        from stack.deploy.verify import failure

        error = failure(report)
        error.details = report_document(report)
        raise error
    printer.document(report_document(report))
    printer.line("proven", f"{len(report.findings)} checks in {seconds:.1f} s")
    return 0
