"""The grammar of what is about alerts that fire: who was told of them, and silences."""

from __future__ import annotations

from stack.cli.grammar_drill import DRILL
from stack.cli.grammar_parts import Command, value

ALERTS = Command("alerts", "what fires, since when, its value, who is told", "alerts:show", only_shows=True)
SILENCE = Command(
    "silence",
    "hold alerts back for a while, list and end silences",
    actions=(
        Command(
            "add",
            "hold alerts back until an end",
            "silence:add",
            (
                value(
                    "matchers",
                    nargs="+",
                    metavar="MATCHER",
                    help='name of an alert, or LABEL=VALUE, !=, =~, !~ (gate="url_gate"); all must hold',
                ),
                value("--comment", required=True, metavar="TEXT", help="why, for whoever finds it"),
                value("--for", dest="span", metavar="TIME", help="how long, such as 30m or 1d (2h)"),
                value(
                    "--until",
                    metavar="MOMENT",
                    help="18:00 or 2027-01-31T08:00, UTC unless it names its zone",
                ),
                value("--by", metavar="NAME", help="who it is of (you, as this machine knows you)"),
            ),
        ),
        Command("list", "the silences that hold or will hold", "silence:list_", only_shows=True),
        Command(
            "expire",
            "end silences now",
            "silence:expire",
            (value("ids", nargs="+", metavar="ID", help="id, or its first characters"),),
        ),
    ),
)
ALERTING_COMMANDS: tuple[Command, ...] = (ALERTS, SILENCE, DRILL)
