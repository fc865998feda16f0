"""smoke: all checks against a stack that runs, brought up by this bundle or by ``docker compose``."""

from __future__ import annotations

import argparse
from pathlib import Path

from stack.checks.messages import dump_report, report_document
from stack.checks.model import STAGES, Finding, Report
from stack.cli.printer import Printer
from stack.common.errors import SmokeFailed, UsageError

MARKS = {"ok": "ok", "failed": "FAILED"}


def smoke(options: argparse.Namespace, printer: Printer) -> int:
    """Runs the checks; 6 where one failed."""
    if options.in_network:
        return _inside(options, printer)
    from stack.cli.session import Session
    from stack.deploy.verify import RUNNING_ALREADY, prober_for, wall_clock
    from stack.validation.files import check_syntax

    session = Session.open(options, printer)
    observed = session.engine.observe(session.name)
    description = session.as_it_runs(observed)
    remote = session.engine.info().remote
    if remote and not observed.networks:
        raise SmokeFailed(f"stack {session.name} is not on this engine", hint="start it first")
    check_syntax(*((s.component, s.files) for s in description.spec.services), *description.idle)
    expected = description.expectations(remote=remote, now=wall_clock())

    def heard(finding: Finding) -> None:
        tone = "" if finding.status == "ok" else "failed"
        printer.line(MARKS[finding.status], f"{finding.check:<28} {finding.evidence}", tone)

    prober = prober_for(session.engine, description, RUNNING_ALREADY)
    stages = STAGES[:2] if options.quick else STAGES
    report = prober.run(expected, heard, stages=stages)
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


def _inside(options: argparse.Namespace, printer: Printer) -> int:
    """In the stack's network: the order comes as a file, the report goes to standard output."""
    from stack.checks.prober import answer
    from stack.components import all_checks

    path = Path(options.in_network)
    try:
        report = answer(path.read_text(encoding="utf-8"), all_checks())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}", hint="give the order that a prober wrote") from error
    printer.raw(dump_report(report))
    return 0 if report.ok else 6
