"""Who may ask: no page of another site through a visitor's browser, and no name that somebody else can point at us.

The check of ``Host`` stops DNS rebinding: a name of the public DNS has to be allowed by setting; addresses, names of
one label (``app``, ``localhost``) and names that only a local resolver knows need no permission. The check of
``Sec-Fetch-Site`` and ``Origin`` stops cross-site requests that change something (as Go's CrossOriginProtection does);
reading is stopped by the browser itself, since no answer of ours allows another origin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from stack.app.http import problems

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]*)?")
LOCAL_SUFFIXES = (".localhost", ".internal", ".svc", ".cluster.local")


class Trusted:
    """Answers 400 for a host that is not ours and 403 for a cross-site request; ``hosts`` are allowed besides.

    A host is a name, ``*.name`` for all names below it, or ``*`` for any.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host")
        if host is not None and not self._is_ours(_name(host)):
            refused = problems.response(
                400, "this host name is not allowed here: allow it with --allowed-hosts, or use the address"
            )
            await refused(scope, receive, send)
        elif scope["method"] not in SAFE_METHODS and _is_cross_site(headers):
            refused = problems.response(403, "a page of another site may not do this: use this service's own")
            await refused(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_ours(self, name: str) -> bool:
        if "*" in self._hosts or name in self._hosts or _is_address(name):
            return True
        parents = name.split(".")[1:]
        if any(f"*.{'.'.join(parents[start:])}" in self._hosts for start in range(len(parents))):
            return True
        return bool(name) and ("." not in name or name.endswith(LOCAL_SUFFIXES))


def _name(host: str) -> str:
    """A Host header's name without its port; empty when it is none."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).removesuffix(".").lower() if found else ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_cross_site(headers: Headers) -> bool:
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site not in ("same-origin", "none")
    if origin is None:
        return False  # no browser, or one of a time before both headers
    return origin.partition("://")[2].lower() != headers.get("host", "").lower()
