"""What a person gives as a target: an address, or a URL, and what is wrong with it where it can be none. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from msgspec import Struct

from stack.common.errors import UsageError
from stack.common.printable import without_login
from stack.model.outer import MACHINE, is_itself

HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\]")
MOST_PORT = 65535
FORMS = "HOST:PORT, such as shop:8000 or [fe80::1]:8000"


class Address(Struct, frozen=True):
    """``host:port``, and what a URL said besides."""

    place: str
    scheme: str = ""
    path: str = ""


def address(text: str, name: str = "NAME") -> Address:
    """An address as Prometheus takes it; ``UsageError`` names the remedy, for the target ``name``."""
    shown = without_login(text)
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
    except ValueError:
        raise UsageError(f"{shown}: not an address", hint=FORMS) from None
    if parts.scheme not in ("", "http", "https"):
        raise UsageError(
            f"{shown}: a target is scraped over http or https", hint="HOST:PORT, or a URL of that kind"
        )
    if "@" in parts.netloc or _cut_password(text, parts.netloc) or parts.query or parts.fragment:
        hint = "HOST:PORT with --path and --param; credentials with --token-file or --basic-auth-file"
        raise UsageError(f"{shown}: only host, port and path can be said there", hint=hint)
    host, sign, written = (
        parts.netloc.rpartition(":") if not parts.netloc.endswith("]") else (parts.netloc, "", "")
    )
    if not sign:
        host, written = parts.netloc, {"http": "80", "https": "443"}.get(parts.scheme, "")
    if not HOST.fullmatch(host):
        raise UsageError(f"{shown}: not an address", hint=FORMS)
    if not written:
        raise UsageError(f"{shown}: its port is missing", hint=f"{host}:PORT, such as {host}:8000")
    if is_itself(host):
        raise UsageError(
            f"{shown}: that is Prometheus' own container, not this machine",
            hint=f"target add {name} --host {written} for a service of the engine's machine, "
            f"or target add {name} --container CONTAINER for one in a container",
        )
    return Address(f"{host}:{port(written)}", parts.scheme, parts.path if parts.path != "/" else "")


def port(text: str) -> int:
    """A port number; ``UsageError`` where it is none."""
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= MOST_PORT:
        raise UsageError(f"{text}: not a port", hint=f"a number from 1 to {MOST_PORT}")
    return int(text)


def machine(text: str) -> str:
    """A port of the engine's own machine as an address."""
    return f"{MACHINE}:{port(text)}"


def _cut_password(text: str, netloc: str) -> bool:
    """Whether what stands before the first slash is a name and half a password."""
    written = netloc.rpartition(":")
    return "@" in text and bool(written[1]) and not written[2].isdecimal()
