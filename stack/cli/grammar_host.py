"""The grammar of ``host``: machines with Docker engines of their own that this stack watches too."""

from __future__ import annotations

from stack.cli.grammar_parts import DRY_RUN, Command, flag, value

NAME = value("host", metavar="NAME", help="what the host is called here")
HOST = Command(
    "host",
    "further machines, each with a node_exporter on its own Docker engine: add, list, remove",
    actions=(
        Command(
            "add",
            "bring node_exporter to a further machine, and have it scraped",
            "host:add",
            (
                NAME,
                value("engine", metavar="ENGINE", help="its Docker engine: ssh://USER@HOST, tcp://HOST:2376"),
                value(
                    "--cert-path",
                    metavar="DIR",
                    help="folder of ca.pem, cert.pem, key.pem for a tcp:// engine (DOCKER_CERT_PATH)",
                ),
                value(
                    "--address",
                    metavar="IP",
                    help="the machine's address on which it is published and scraped (that of ENGINE)",
                ),
                value("--port", type=int, default=9100, help="its port there (9100)"),
                DRY_RUN,
            ),
        ),
        Command("list", "all further hosts, and whether they are up", "host_list:show", only_shows=True),
        Command(
            "remove",
            "take everything off a further host, and scrape it no more",
            "host:remove",
            (
                NAME,
                flag("--forget", help="even where its engine gives no answer: what is there stays"),
                DRY_RUN,
            ),
        ),
    ),
)
