"""Redis and Valkey, watched by redis_exporter."""

from __future__ import annotations

import json
import re

from stack.components.build import wget
from stack.components.exporters.kind import Kind, Packaged, Told, secret_at
from stack.components.exporters.server import Form, Option, Server

PORT = 9121
PASSWORDS = "passwords.json"


def tell(server: Server) -> Told:
    """The password comes from a file, which names the address that it is for, with its user and without."""
    scheme = "rediss" if server.options["tls"] == "true" else "redis"
    where = f"{scheme}://{server.at}"
    user = (f"--redis.user={server.user}",) if server.user else ()
    command = (f"--redis.addr={where}", *user)
    if not server.secret:
        return Told(command)
    addresses = (where, f"{scheme}://{server.user}@{server.at}") if server.user else (where,)
    passwords = json.dumps(dict.fromkeys(addresses, server.secret.reveal()))
    return Told((*command, f"--redis.password-file={secret_at(PASSWORDS)}"), (), ((PASSWORDS, passwords),))


REDIS = Kind(
    form=Form(
        "redis",
        "redis_exporter",
        6379,
        "possible",
        (
            Option(
                "tls", re.compile("true|false"), "true or false", "false", "whether it is spoken to over TLS"
            ),
        ),
        closes=False,
    ),
    title="Redis",
    purpose="figures of Redis servers",
    port=PORT,
    packaged=Packaged(
        "oliver006/redis_exporter:v1.86.0-alpine", "prometheus-redis-exporter", "/redis_exporter", "1"
    ),
    tell=tell,
    health=wget(PORT, "/health"),
    up="redis_up",
    says="redis_exporter_last_scrape_error",
)
