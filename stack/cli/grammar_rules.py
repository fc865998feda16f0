"""The grammar of ``rules``: files with rules of the user's own."""

from __future__ import annotations

from stack.cli.grammar_parts import DRY_RUN, Command, value

RULES = Command(
    "rules",
    "add, list and remove rule files of your own",
    actions=(
        Command(
            "add",
            "take a rule file over: Prometheus' own or a PrometheusRule, evaluated before it stays",
            "rules:add",
            (
                value(
                    "file",
                    nargs="+",
                    metavar="FILE",
                    help="rule file (.yml, .yaml, .json); - reads standard input",
                ),
                value(
                    "--as",
                    dest="called",
                    metavar="NAME",
                    help="its name in own/prometheus/rules/ (that of FILE)",
                ),
                DRY_RUN,
            ),
        ),
        Command(
            "list",
            "every rule with its file, state and latest evaluation",
            "rule_list:list_rules",
            only_shows=True,
        ),
        Command(
            "remove",
            "take a rule file of your own away",
            "rules:remove",
            (value("rules", metavar="NAME", help="its name in own/prometheus/rules/"), DRY_RUN),
        ),
    ),
)
