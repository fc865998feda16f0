"""The grammar of the commands on files of the user's own: each changes files below own/, applies and proves them."""

from __future__ import annotations

from stack.cli.grammar_parts import Command, flag

DRY_RUN = flag("--dry-run", help="print the plan and change nothing")
OWN_COMMANDS: tuple[Command, ...] = ()
