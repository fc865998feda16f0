"""One GET of a metrics page or a health page, with a time limit and a size limit.

A certificate file is trusted as it is (also a self-signed one) and only for this address. It must never
follow a redirect, which could carry credentials elsewhere, nor go through a proxy.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from stack.common.errors import StackError

_MAX_BYTES = 32 * 1024 * 1024


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


def fetch(
    url: str, headers: Mapping[str, str] | None = None, certificate: str = "", seconds: float = 5.0
) -> str:
    """The body of a 200 answer as text, if no silence is longer. Raises StackError for anything else."""
    if not url.startswith(("http://", "https://")):
        raise StackError(f"{url}: not an address; expected http://host:port/path or https://...")
    opener = build_opener(_NoRedirects, ProxyHandler({}), HTTPSHandler(context=_trusting(certificate)))
    try:
        with opener.open(Request(url, headers=dict(headers or {})), timeout=seconds) as answer:  # noqa: S310
            return str(answer.read(_MAX_BYTES).decode("utf-8", errors="replace"))
    except HTTPError as error:
        raise StackError(f"{url}: answered {error.code} {error.reason}; expected 200") from error
    except (ValueError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        what = "does not answer" if isinstance(reason, OSError) else "not an address, or no web server"
        raise StackError(f"{url}: {what} ({reason}); is it running?") from error


def authorization(token_file: str, basic_auth_file: str) -> dict[str, str]:
    """The header with which a client proves that it has one of the secrets; empty without any. Raises StackError."""
    if token_file:
        return {"Authorization": "Bearer " + _secret(token_file).decode("latin-1")}
    if basic_auth_file:
        return {"Authorization": f"Basic {b64encode(_secret(basic_auth_file)).decode()}"}
    return {}


def _secret(file: str) -> bytes:
    try:
        secret = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(
            f"{file}: cannot read the secret ({error})", hint="give a readable UTF-8 file"
        ) from error
    if not secret:
        raise StackError(f"{file}: the secret is empty", hint="put it in the first line")
    return secret.encode()


def _trusting(certificate: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=certificate or None)
    except OSError as error:
        raise StackError(f"{certificate}: not a certificate that can be read ({error})") from error
    if certificate:
        # The file is the server's own certificate: nothing else can answer with it, whatever name it carries.
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
