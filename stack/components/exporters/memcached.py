"""memcached, watched by memcached_exporter, of which Debian has no package: its official image must be had."""

from __future__ import annotations

import re

from stack.components.build import wget
from stack.components.exporters.kind import Kind, Packaged, Told
from stack.components.exporters.server import Form, Option, Server

PORT = 9150


def tell(server: Server) -> Told:
    """The address, and whether it is spoken to over TLS; it knows no login."""
    tls = ("--memcached.tls.enable",) if server.options["tls"] == "true" else ()
    return Told((f"--memcached.address={server.at}", *tls))


MEMCACHED = Kind(
    form=Form(
        "memcached",
        "memcached_exporter",
        11211,
        "none",
        (
            Option(
                "tls", re.compile("true|false"), "true or false", "false", "whether it is spoken to over TLS"
            ),
        ),
    ),
    title="memcached",
    purpose="figures of memcached servers",
    port=PORT,
    packaged=Packaged("prom/memcached-exporter:v0.16.0", "", "/bin/memcached_exporter", "0"),
    tell=tell,
    health=wget(PORT, "/"),
    up="memcached_up",
)
