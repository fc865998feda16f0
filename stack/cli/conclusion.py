"""The end of a run of checks: one line that says how it went, or the first cause as an error with all findings."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import to_builtins

from stack.checks.messages import report_document
from stack.checks.model import Report
from stack.cli.printer import Printer


def conclude(report: Report, printer: Printer, seconds: float, skipped: Sequence[object] = ()) -> int:
    """Says how it went; ``SmokeFailed`` with all findings where one failed. ``skipped``: what was not asked."""
    document = report_document(report)
    if skipped:
        document["skipped"] = to_builtins(list(skipped))
    if not report.ok:
        from stack.deploy.verdict import failure

        error = failure(report)
        error.details = document
        raise error
    printer.document(document)
    count = len(report.warnings)
    remarks = f", {count} warning{'s' if count > 1 else ''}" if count else ""
    remarks += f", {len(skipped)} not asked" if skipped else ""
    printer.line("proven", f"{len(report.findings)} checks in {seconds:.1f} s{remarks}")
    return 0
