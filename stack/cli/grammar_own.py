"""The grammar of the commands on files of the user's own: each changes files below own/, applies and proves them."""

from __future__ import annotations

from stack.cli.grammar_dashboard import DASHBOARD
from stack.cli.grammar_exporter import EXPORTER
from stack.cli.grammar_host import HOST
from stack.cli.grammar_parts import Command
from stack.cli.grammar_probe import PROBE
from stack.cli.grammar_receiver import RECEIVER
from stack.cli.grammar_rules import RULES
from stack.cli.grammar_target import TARGET

OWN_COMMANDS: tuple[Command, ...] = (TARGET, DASHBOARD, RULES, PROBE, EXPORTER, HOST, RECEIVER)
