"""What the values of a further host may be: its name, its engine, the address of its exporter. Pure."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from urllib.parse import urlsplit

from stack.components.exporters.server import LAST_PORT, NAME, NAMES, TAKEN
from stack.components.own_toml import Wrong

HASH = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")
ENGINE = re.compile(r"ssh://[^\s/]+(?:/\S*)?|(?:tcp|https?)://[^\s/]+/?|unix:///\S+")
OPEN = ("tcp", "http")
"""Schemes by which an engine is asked without TLS where no certificates are named."""


def check_name(name: str) -> None:
    """``Wrong`` for a name that no stack on an engine can have."""
    if not NAME.fullmatch(name) or name == TAKEN or name.endswith(f"-{TAKEN}"):
        raise Wrong(f"a host cannot be called {name!r}", f"{NAMES}, not ending with {TAKEN}")


def check_engine(text: str) -> str:
    """The URL of an engine, or ``Wrong``."""
    if not ENGINE.fullmatch(text):
        why = f"engine: {text!r} is no address of a Docker engine" if text else "engine is missing"
        raise Wrong(why, "ssh://USER@HOST, tcp://HOST:2376 or unix:///PATH")
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        raise Wrong(f"engine: {text!r} has no port that is a number", f"{parts.scheme}://HOST:PORT") from None
    if parts.scheme in OPEN and port is None:
        raise Wrong(f"engine: {text!r} has no port", f"{text.rstrip('/')}:2376, the usual one with TLS")
    if parts.password is not None:
        raise Wrong(
            "engine: a password in a URL is shown to everybody", "let a key in: ssh-copy-id USER@HOST"
        )
    return text


def check_cert_path(text: str, engine: str) -> str:
    """The folder of the certificates for an engine, empty for none, or ``Wrong``."""
    if not text:
        return ""
    if urlsplit(engine).scheme not in ("tcp", "https"):
        raise Wrong(f"cert_path: {engine} needs no certificates", "they are for tcp://HOST:2376")
    if not posixpath.isabs(text):
        raise Wrong(f"cert_path: {text!r} is no whole path", "begin it with /")
    return text


def check_address(text: str) -> str:
    """One IP address of the host by which others reach it, or ``Wrong``."""
    if not text:
        raise Wrong("address is missing", "the host's IP address by which this stack reaches it")
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise Wrong(
            f"address: {text!r} is no IP address", "an engine publishes on addresses, not names"
        ) from None
    if found.is_unspecified:
        raise Wrong(
            f"address: {text} would open the exporter on all networks of the host", "give one of them"
        )
    if found.is_loopback:
        raise Wrong(f"address: {text} is reached from the host alone", "give one that this stack reaches")
    return text


def check_port(port: int) -> int:
    """A port, or ``Wrong``."""
    if not 0 < port <= LAST_PORT:
        raise Wrong(f"port: {port} is no port", f"1-{LAST_PORT}")
    return port


def check_hash(text: str) -> str:
    """A bcrypt hash, or ``Wrong``."""
    if not HASH.fullmatch(text):
        raise Wrong("password_hash is no bcrypt hash", "take the file away, and let host add make it anew")
    return text


def lies_open(engine: str, cert_path: str) -> bool:
    """Whether whoever reaches the engine's port commands it: it speaks no TLS, on an address that others reach."""
    parts = urlsplit(engine)
    if parts.scheme not in OPEN or cert_path:
        return False
    try:
        return not ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname != "localhost"
