"""The page of a web server that an exporter reads: its two options, and its address."""

from __future__ import annotations

import re

from stack.components.exporters.server import Option, Server

PATH = re.compile(r"/[\w./~%+=&?-]*")


def page_options(path: str) -> tuple[Option, ...]:
    """``path`` is the usual one."""
    return (
        Option("path", PATH, f"a path like {path}", path, "where the page is"),
        Option("scheme", re.compile("https?"), "http or https", "http", "how it is asked for"),
    )


def page_of(server: Server) -> str:
    """The page's address."""
    return f"{server.options['scheme']}://{server.at}{server.options['path']}"
