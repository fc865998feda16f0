"""The forms of a request's target (RFC 9112, section 3.2): whatever is accepted goes on as path, query and Host.

It must never judge a host: a name in the target takes the place of the Host field, and is judged as one.
"""

from __future__ import annotations

import re
from typing import Final

import h11

_ABSOLUTE: Final = re.compile(rb"(https?)://([^/?#@\\]+)([/?].*)?", re.IGNORECASE)


def in_origin_form(request: h11.Request, secure: bool) -> h11.Request:
    """The same request with its target as a path, or ``*`` for OPTIONS. Raises RemoteProtocolError.

    What a user name stands in is refused, since it hides the host (RFC 9110, section 4.2.4), and so is an https address
    on a connection without TLS (section 7.4).
    """
    target, method = request.target, request.method
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return request
    if method == b"CONNECT":
        raise h11.RemoteProtocolError("no proxy", error_status_hint=501)
    found = _ABSOLUTE.fullmatch(target)
    if found is None:
        raise h11.RemoteProtocolError("a target of no form")
    scheme, host, rest = found.groups()
    if scheme.lower() == b"https" and not secure:
        raise h11.RemoteProtocolError("https without TLS", error_status_hint=421)
    if rest is None:
        rest = b"*" if method == b"OPTIONS" else b"/"
    others = [(name, value) for name, value in request.headers if name != b"host"]
    return h11.Request(
        method=method,
        target=rest if rest[:1] != b"?" else b"/" + rest,
        headers=[(b"host", host), *others],
        http_version=request.http_version,
    )
