"""One GET of a metrics page or a health page, with a time limit and a size limit.

A certificate file is trusted as it is (also a self-signed one) and only for this address. It must never
follow a redirect, which could carry credentials elsewhere, nor go through a proxy.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from stack.telemetry.settings import MonitorError

_MAX_BYTES = 32 * 1024 * 1024


def fetch(
    url: str, headers: Mapping[str, str] | None = None, certificate: str = "", timeout_seconds: float = 5.0
) -> str:
    """The body of a 200 answer as text. Raises MonitorError for anything else."""
    try:
        parts = urlsplit(url)
        address = parts.hostname or "", parts.port
    except ValueError as error:
        raise MonitorError(f"{url}: not an address ({error}); expected http://host:port/path") from error
    if parts.scheme not in ("http", "https") or not address[0]:
        raise MonitorError(f"{url}: not an address; expected http://host:port/path or https://...")
    connection = (
        HTTPConnection(*address, timeout=timeout_seconds)
        if parts.scheme == "http"
        else HTTPSConnection(*address, timeout=timeout_seconds, context=_trusting(certificate))
    )
    try:
        connection.request("GET", parts.path or "/", headers=dict(headers or {}))
        answer = connection.getresponse()
        body = answer.read(_MAX_BYTES)
    except (OSError, HTTPException) as error:
        raise MonitorError(f"{url}: does not answer ({error}); is it running?") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise MonitorError(f"{url}: answered {answer.status} {answer.reason}; expected 200")
    return body.decode("utf-8", errors="replace")


def _trusting(certificate: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=certificate or None)
    except OSError as error:
        raise MonitorError(f"{certificate}: not a certificate that can be read ({error})") from error
    if certificate:
        # The file is the server's own certificate: nothing else can answer with it, whatever name it carries.
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
