"""The grammar of export: the stack for engines of many machines, as their own files."""

from __future__ import annotations

from stack.cli.grammar_kubernetes import KUBERNETES, OPERATOR
from stack.cli.grammar_parts import CHOICE, DRY_RUN, OUTPUT, Command, flag, value

PUBLISH = value(
    "--publish",
    action="append",
    default=[],
    metavar="C[=PORT]",
    help="publish a component on each address of its node; nothing is, unless asked",
)
SWARM = Command(
    "swarm",
    "a stack file for docker stack deploy, with its files",
    "export_swarm:export_swarm",
    (
        OUTPUT,
        PUBLISH,
        *CHOICE,
        flag("--encrypted", help="encrypt what goes from node to node"),
        value(
            "--secrets-version",
            default="1",
            metavar="V",
            help="ends the names of secrets, so that a new value is a new secret (1)",
        ),
        flag("--prune", help="instead: print the configs and secrets that no service uses any more"),
        DRY_RUN,
    ),
)
EXPORT = Command("export", "the stack for engines of many machines", actions=(SWARM, KUBERNETES, OPERATOR))
