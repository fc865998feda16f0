"""The grammar of ``drill``."""

from __future__ import annotations

from stack.cli.grammar_parts import Command, flag, value

DRILL = Command(
    "drill",
    "break one thing on purpose, and time its alert until somebody is told; without a name, list the drills",
    "drill:drill",
    (
        value("drills", nargs="*", metavar="NAME", help="which (drill lists them)"),
        flag("--all", help="all that this stack can do"),
        flag("-y", "--yes", help="tell your own receivers without asking"),
    ),
)
