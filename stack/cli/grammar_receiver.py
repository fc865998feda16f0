"""The grammar of ``receiver``: who hears of alerts, and whether they do."""

from __future__ import annotations

from stack.cli.grammar_parts import DRY_RUN, Command, Option, flag, value

NAME = value("receiver", metavar="NAME", help="name of the receiver")


def _listed(name: str, help_text: str) -> Option:
    return value(f"--{name}", action="append", default=[], metavar=name.upper(), help=help_text)


ADD = (
    NAME,
    value("type", metavar="TYPE", help="slack, email, webhook, pagerduty, telegram, ... (docs/receivers.md)"),
    value(
        "--secret-file",
        metavar="FILE",
        help="file with its secret (address, key, password), kept in own/secrets/",
    ),
    value(
        "--set",
        action="append",
        default=[],
        metavar="WORD=VALUE",
        help="a word of docs/receivers.md, or an option of the integration, such as channel=#ops",
    ),
    _listed("severity", "it hears of this severity; may be repeated, as the next three"),
    _listed("component", "it hears of alerts about this component"),
    _listed("job", "it hears of alerts about this job"),
    _listed("matcher", "a further condition in Alertmanager's own form"),
    _listed("quiet-hours", "when it is told nothing, such as 22:00-06:00 or 'sat,sun 00:00-24:00'"),
    value("--timezone", metavar="ZONE", help="that of the quiet hours, such as Europe/Berlin (UTC)"),
    value("--repeat", metavar="TIME", help="how often an alert that still fires is told again, such as 4h"),
    flag("--no-test", help="send no test alert, and keep it untested"),
    DRY_RUN,
)
RECEIVER = Command(
    "receiver",
    "who hears of alerts: add, test, list, remove",
    actions=(
        Command("add", "one more receiver, kept once it has taken a test alert", "receiver:add", ADD),
        Command(
            "test",
            "send a marked alert to a receiver alone, and wait for what becomes of it",
            "receiver_test:test",
            (NAME, flag("--resolve", help="wait for the notification of its end too")),
        ),
        Command(
            "list",
            "all receivers: what they hear of, tested, sent, failed",
            "receiver_list:list_",
            only_shows=True,
        ),
        Command("remove", "take a receiver of your own away", "receiver:remove", (NAME, DRY_RUN)),
    ),
)
