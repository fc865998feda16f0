"""One GET of a metrics page or a health page, with a time limit and a size limit.

A certificate file is trusted as it is (also a self-signed one) and only for this address. It must never
follow a redirect, which could carry credentials elsewhere, nor go through a proxy.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from stack.telemetry.settings import MonitorError

_MAX_BYTES = 32 * 1024 * 1024


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


def fetch(url: str, headers: Mapping[str, str] | None = None, certificate: str = "") -> str:
    """The body of a 200 answer as text, within 5 s. Raises MonitorError for anything else."""
    if not url.startswith(("http://", "https://")):
        raise MonitorError(f"{url}: not an address; expected http://host:port/path or https://...")
    opener = build_opener(_NoRedirects, ProxyHandler({}), HTTPSHandler(context=_trusting(certificate)))
    try:
        with opener.open(Request(url, headers=dict(headers or {})), timeout=5.0) as answer:  # noqa: S310
            return str(answer.read(_MAX_BYTES).decode("utf-8", errors="replace"))
    except HTTPError as error:
        raise MonitorError(f"{url}: answered {error.code} {error.reason}; expected 200") from error
    except (ValueError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        what = "does not answer" if isinstance(reason, OSError) else "not an address, or no web server"
        raise MonitorError(f"{url}: {what} ({reason}); is it running?") from error


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
