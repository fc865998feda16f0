"""How a person's browser meets the gateway: one request over TLS to a given place, under the name of its address.

The place is where the gateway is reached from here, the address what a person writes. Nothing follows a redirect.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from stack.clients.http import SECONDS, HttpFailure, reason, snippet

MOST_BYTES = 1 << 20


class Met(Struct, frozen=True):
    """An answer; ``certificate`` as the standard library decodes it, empty where none was looked at."""

    status: int
    headers: Mapping[str, str]
    text: str
    certificate: Mapping[str, Any]


class Doorway(Struct, frozen=True):
    """``place``: HOST:PORT. ``roots``: PEM text of what is trusted; None: what this machine trusts."""

    place: str
    roots: str | None = None
    timeout: float = SECONDS

    def ask(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        verified: bool = True,
        plain: bool = False,
    ) -> Met:
        """GET; ``HttpFailure`` where there is no answer. ``plain``: without TLS, whatever the address says."""
        target = urlsplit(url)
        host = target.hostname or ""
        try:
            reached = socket.create_connection(self._place(), self.timeout)
            with reached, reached if plain else self._wrapped(reached, host, verified=verified) as spoken:
                path = (target.path or "/") + (f"?{target.query}" if target.query else "")
                return _exchange(spoken, target.netloc, path, dict(headers or {}))
        except ssl.SSLCertVerificationError as error:
            said = error.verify_message or str(error)
            raise Untrusted(f"{url}: its certificate is refused: {snippet(said)}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise HttpFailure(f"GET {url} at {self.place}: {reason(error, self.timeout)}") from error

    def _place(self) -> tuple[str, int]:
        host, _, port = self.place.rpartition(":")
        return host.strip("[]"), int(port)

    def _wrapped(self, reached: socket.socket, host: str, *, verified: bool) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if not verified:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        elif self.roots is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cadata=self.roots)
            # A certificate in a file of the user's vouches for itself.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context.wrap_socket(reached, server_hostname=host)


class Untrusted(HttpFailure):
    """The certificate is not one that can be trusted for this address."""


def _exchange(spoken: socket.socket, netloc: str, path: str, headers: dict[str, str]) -> Met:
    certificate = spoken.getpeercert() if isinstance(spoken, ssl.SSLSocket) else None
    connection = http.client.HTTPConnection(netloc)
    connection.sock = spoken
    try:
        connection.request("GET", path, headers={"Host": netloc, "Connection": "close", **headers})
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.headers.items()}
        body = b"" if answer.status == http.client.SWITCHING_PROTOCOLS else answer.read(MOST_BYTES)
    finally:
        connection.close()
    return Met(answer.status, told, body.decode("utf-8", "replace"), certificate or {})
