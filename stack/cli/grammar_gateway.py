"""The grammar of the gateway's commands: who may log in, and whom its certificate is trusted by."""

from __future__ import annotations

from stack.cli.grammar_parts import DRY_RUN, Command, value

NAME = value("user", metavar="NAME", help="what the user logs in as")
PASSWORD = value(
    "--password-file",
    metavar="FILE",
    help="file whose first line is the password (- is standard input); else asked for",
)
USER = Command(
    "user",
    "who may log in at the gateway",
    actions=(
        Command("add", "one more user", "user:add", (NAME, PASSWORD, DRY_RUN)),
        Command("list", "all users", "user:show", only_shows=True),
        Command("remove", "a user may not log in any more", "user:remove", (NAME, DRY_RUN)),
        Command("passwd", "another password", "user:passwd", (NAME, PASSWORD, DRY_RUN)),
    ),
)
GATEWAY = Command(
    "gateway",
    "the certificate that browsers are to trust",
    actions=(
        Command(
            "trust",
            "show the root certificate of the gateway's own authority, and write it to a file",
            "gateway:trust",
            (value("-o", "--output", metavar="FILE", help="file to write (- is standard output)"),),
            only_shows=True,
        ),
    ),
)
GATEWAY_COMMANDS: tuple[Command, ...] = (USER, GATEWAY)
