"""The address of the machine that an engine's URL names, as this machine knows it."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
from urllib.parse import urlsplit

from stack.common.ssh_url import parsed
from stack.components.own_toml import Wrong

SECONDS = 5.0
SAY = "--address IP says by which address this stack reaches it"


def address_of(engine: str) -> str:
    """An IP address; ``Wrong`` where the URL names no machine, or one whose address is not known here."""
    parts = urlsplit(engine)
    if not parts.hostname:
        raise Wrong(f"{engine} names no machine", SAY)
    name = _host_name(engine) or parts.hostname if parts.scheme == "ssh" else parts.hostname
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        raise Wrong(f"the address of {name} is not known here", SAY) from None
    return str(found[0][4][0])


def _host_name(engine: str) -> str:
    """What ~/.ssh/config makes of it; empty where ssh does not tell."""
    asked = ("ssh", "-G", *parsed(engine).words)
    try:
        ran = subprocess.run(
            asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    told = dict(line.split(" ", 1) for line in ran.stdout.splitlines() if " " in line)
    return told.get("hostname", "")
