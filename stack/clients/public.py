"""One GET of a public address, which may be anybody's: what answers there, or why nothing can be said of it.

No credentials go there, no redirect is followed, and a name that is not known here or a certificate of an authority
that this machine does not know proves nothing against the address.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

from msgspec import Struct

from stack.clients.http import REFUSED, reason, snippet

SECONDS = 3.0
FIRST_BYTES = 4096
EXPIRED, ELSEWHERE = 10, (62, 64)
"""Codes of OpenSSL: the certificate has expired; it is of another name, or another address."""
LOGIN = (401, 403)


class Said(Struct, frozen=True):
    """What was found, as a sentence. ``wrong``: people do not get to the product there; ``answered``: somebody did."""

    text: str
    wrong: bool = False
    answered: bool = True


class Place(Struct, frozen=True):
    """An address, the path below it that is asked, and the content type of the product's own answer, if known."""

    url: str
    path: str
    kind: str = ""


def ask(*places: Place) -> tuple[Said, ...]:
    """What answers at each, asked side by side.

    The resolver of the system can take longer than anybody waits for it, and cannot be called off.
    """
    told: dict[int, Said] = {}
    asking = [
        threading.Thread(target=lambda n=n, one=one: told.update({n: _ask(one)}), daemon=True)
        for n, one in enumerate(places)
    ]
    for thread in asking:
        thread.start()
    end = time.monotonic() + 2 * SECONDS
    for thread in asking:
        thread.join(max(0.0, end - time.monotonic()))
    late = f"no answer within {2 * SECONDS:g} s"
    return tuple(told.get(n) or _unknown(one.url, late) for n, one in enumerate(places))


def _ask(place: Place) -> Said:
    try:
        status, headers = _exchange(place.url + place.path)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _failure(place.url, error)
    return _judged(place, status, headers)


def _failure(url: str, error: Exception) -> Said:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(url, error)
    if isinstance(error, socket.gaierror):
        return _unknown(url, f"the name {urlsplit(url).hostname} is not known here")
    if isinstance(error, ssl.SSLError):
        return Said(f"{url}: no TLS is spoken there ({error.reason})", wrong=True, answered=False)
    if isinstance(error, ConnectionRefusedError):
        return Said(f"{url}: {REFUSED}", wrong=True, answered=False)
    if isinstance(error, http.client.HTTPException):
        return Said(f"{url}: {reason(error)}", wrong=True)
    return _unknown(url, reason(error, SECONDS))


def _exchange(url: str) -> tuple[int, dict[str, str]]:
    place = urlsplit(url)
    host, target = place.hostname or "", place.path
    if place.scheme == "https":
        context = ssl.create_default_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, place.port, timeout=SECONDS, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, place.port, timeout=SECONDS)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        answer.read(FIRST_BYTES)
        return answer.status, {name.lower(): snippet(value) for name, value in answer.getheaders()}
    finally:
        connection.close()


def _judged(place: Place, status: int, headers: dict[str, str]) -> Said:
    url, path, kind = place.url, place.path, place.kind
    lead = headers.get("location", "")
    if status in LOGIN:
        return Said(f"{url} asks for a login ({status})")
    if 300 <= status < 400:
        if url.startswith("http:") and lead.startswith(url.replace("http:", "https:", 1)):
            return Said(f"{url} leads to {lead}: public_url should say https", wrong=True)
        return Said(f"{url} leads to {lead or 'nowhere'} first ({status})")
    if status != 200:
        return Said(
            f"{url}{path} answers {status}: what stands there does not lead to the product", wrong=True
        )
    found = headers.get("content-type", "")
    if kind and found.partition(";")[0] != kind.partition(";")[0]:
        return Said(f"{url}{path} answers {found or 'nothing'}, the product itself {kind}", wrong=True)
    return Said(f"{url} answers")


def _certificate(url: str, error: ssl.SSLCertVerificationError) -> Said:
    if error.verify_code == EXPIRED or error.verify_code in ELSEWHERE:
        return Said(f"{url}: {error.verify_message.rstrip('.')}", wrong=True)
    return _unknown(
        url, f"this machine does not know who vouches for its certificate ({error.verify_message})"
    )


def _unknown(url: str, why: str) -> Said:
    return Said(f"whether people reach {url} cannot be told from here: {why}", answered=False)
