"""Findings as lines: each as soon as it is known, a cause with its remedy, what follows from it below."""

from __future__ import annotations

from msgspec import Struct

from stack.checks.model import Finding
from stack.cli.printer import Printer

WIDTH = 28


class Findings(Struct, frozen=True):
    """Prints what it hears; good findings without remarks only where ``good`` says so."""

    printer: Printer
    good: bool = True

    def __call__(self, finding: Finding) -> None:
        """One finding."""
        said = f"{finding.check:<{WIDTH}} {finding.evidence}"
        if finding.status == "ok" and (self.good or finding.warnings):
            self.printer.line("ok", said)
        elif finding.because:
            self.printer.line("follows", f"{finding.check:<{WIDTH}} from {finding.because}", "dim")
        elif finding.status == "failed":
            self.printer.line("FAILED", said, "failed")
            if finding.hint:
                self.printer.line("", f"{'':<{WIDTH}} {finding.hint}")
        for warning in finding.warnings:
            self.printer.line("warning", f"{finding.check:<{WIDTH}} {warning}", "degraded")
