"""PostgreSQL, watched by postgres_exporter with a user that has the role pg_monitor."""

from __future__ import annotations

import re

from stack.components.build import wget
from stack.components.exporters.kind import Kind, Packaged, Told, secret_at
from stack.components.exporters.server import Form, Option, Server
from stack.components.own_toml import Wrong

PORT = 9187
PROGRAM = "/bin/postgres_exporter"
PASSWORD = "password"  # noqa: S105 - the name of a file
MODES = ("disable", "require", "verify-ca", "verify-full")


def fits(server: Server) -> None:
    """Its exporter cannot read a password with a space, and writes it to its log as it says so."""
    if " " in server.secret.reveal():
        why = (
            f"secret_file: {server.secret_file}: a password with a space cannot be given to postgres_exporter"
        )
        raise Wrong(why, "choose another")


def tell(server: Server) -> Told:
    """The password comes from a file, the rest is no secret."""
    where = f"{server.at}/{server.options['database']}?sslmode={server.options['sslmode']}"
    environment = (
        ("DATA_SOURCE_URI", where),
        ("DATA_SOURCE_USER", server.user),
        ("DATA_SOURCE_PASS_FILE", secret_at(PASSWORD)),
    )
    return Told((), environment, ((PASSWORD, server.secret.reveal()),))


POSTGRES = Kind(
    form=Form(
        "postgres",
        "postgres_exporter",
        5432,
        "needed",
        (
            Option(
                "database", re.compile(r"[\w-]+"), "a name", "postgres", "the database that it connects to"
            ),
            Option(
                "sslmode",
                re.compile("|".join(MODES)),
                f"one of {', '.join(MODES)}",
                "disable",
                "whether the connection is encrypted",
            ),
        ),
        fits,
    ),
    title="PostgreSQL",
    purpose="figures of PostgreSQL servers",
    port=PORT,
    packaged=Packaged(
        "prometheuscommunity/postgres-exporter:v0.19.1", "prometheus-postgres-exporter", PROGRAM, "0"
    ),
    tell=tell,
    health=wget(PORT, "/"),
    up="pg_up",
)
