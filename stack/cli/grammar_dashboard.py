"""The grammar of ``dashboard``: dashboards of the user's own."""

from __future__ import annotations

from stack.cli.grammar_parts import DRY_RUN, Command, flag, value

REPLACE = flag("--replace", help="replace one of your own with the same uid")
UIDS = value("uids", metavar="UID", nargs="+", help="uid, title or file of a dashboard")
DASHBOARD = Command(
    "dashboard",
    "dashboards of your own: add, generate, check, list, remove",
    actions=(
        Command(
            "add",
            "take dashboards from elsewhere and judge each panel",
            "dashboard:add",
            (
                value(
                    "files",
                    metavar="FILE",
                    nargs="+",
                    help="any Grafana export, ConfigMaps, or a list of them; - reads the standard input",
                ),
                value("--uid", help="uid that the one dashboard gets (its own)"),
                value("--title", help="title that it gets (its own)"),
                REPLACE,
                DRY_RUN,
            ),
        ),
        Command(
            "generate",
            "make a dashboard from what a job exposes",
            "dashboard:generate",
            (
                value("job", metavar="JOB", help="name of a scrape job"),
                value("--panels", type=int, metavar="N", help="at most so many panels (60)"),
                REPLACE,
                DRY_RUN,
            ),
        ),
        Command(
            "check",
            "judge the panels of your own dashboards",
            "dashboard:check",
            (value("uid", metavar="UID", nargs="?", help="uid, title or file of one (all)"),),
            only_shows=True,
        ),
        Command("list", "the dashboards in own/", "dashboard:list_", only_shows=True),
        Command("remove", "take some of your own away", "dashboard:remove", (UIDS, DRY_RUN)),
    ),
)
