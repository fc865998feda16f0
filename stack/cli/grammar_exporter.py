"""The grammar of ``exporter``: its actions and their options."""

from __future__ import annotations

from stack.cli.grammar_parts import DRY_RUN, Command, value

KINDS = ("postgres", "redis", "mysql", "nginx", "memcached", "haproxy", "process")
"""As in ``stack.components.exporters.kinds``, which the grammar must not pay for."""
KIND = value("kind", choices=KINDS, metavar="KIND", help=f"one of {', '.join(KINDS)}")
SERVER = value("server", metavar="NAME", help="what the server is called here")
ADD = (
    KIND,
    SERVER,
    value("address", nargs="?", metavar="ADDRESS", help="HOST or HOST:PORT, as a container sees it"),
    value("--container", metavar="C[:PORT]", help="a container of the same engine, whose network is joined"),
    value("--host", metavar="PORT", help="a port of the machine that the exporter's engine runs on"),
    value(
        "--network",
        action="append",
        default=[],
        metavar="N",
        help="a network of others, which the exporter joins; with --container the one of its networks",
    ),
    value("--on", metavar="HOST", help="the further host whose engine runs the exporter (host list)"),
    value(
        "--port",
        type=int,
        default=0,
        metavar="N",
        help="with --on: its port there (the exporter's usual one)",
    ),
    value("--user", metavar="USER", help="whom the exporter logs in as"),
    value("--secret-file", metavar="FILE", help="file with the password; it is kept in own/secrets/"),
    value(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="what only this kind knows (docs/exporters.md)",
    ),
    DRY_RUN,
)
EXPORTER = Command(
    "exporter",
    "watch servers that show no metrics themselves: databases, caches, proxies",
    actions=(
        Command("add", "watch one more server, and see that it answers", "exporter:add", ADD),
        Command(
            "list", "all watched servers, and whether they answer", "exporter_list:show", only_shows=True
        ),
        Command("remove", "watch a server no more", "exporter:remove", (KIND, SERVER, DRY_RUN)),
    ),
)
