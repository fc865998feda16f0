"""An HTTP client for which url_gate's decision holds until the last byte.

Each hop is checked, then connected to exactly the address that was checked (no second look-up, so DNS rebinding has no
moment to act) while Host and SNI keep the name; a redirect is a new URL and is checked again. Redirects, body and
time are bounded, and it ends when nobody waits for it. It must never follow a hop that the gate has not accepted,
and never uses a proxy or cookies.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from stack.app.cancel import CURRENT, check_cancelled
from stack.app.gates.policy import UrlPolicy
from stack.app.gates.types import Accepted
from stack.app.gates.url import DEFAULT_PORTS, CheckedUrl, check_url

REDIRECTS: Final = (301, 302, 303, 307, 308)
_CHUNK: Final = 65536
_HEADERS: Final = {"User-Agent": "monitoring-stack-fetch-check", "Accept-Encoding": "identity"}

Check = Callable[[str, UrlPolicy], Accepted[CheckedUrl]]
Dial = Callable[[tuple[str, int], float], socket.socket]


class FetchError(Exception):
    """An accepted URL could not be fetched; one line that says what, where and how to fix."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The final answer, of ``checked`` at ``address``. ``hops`` are the URLs that were checked, in order.

    ``truncated`` says that the body was cut at the limit.
    """

    checked: CheckedUrl
    status: int
    body: bytes
    truncated: bool
    address: str
    hops: tuple[str, ...]


def fetch(
    url: str, policy: UrlPolicy, check: Check = check_url, dial: Dial = socket.create_connection
) -> Fetched:
    """GET a URL, each hop checked. Raises Rejected from the gate, FetchError when the network fails."""
    deadline = time.monotonic() + policy.timeout_seconds
    hops: list[str] = []
    while len(hops) <= policy.max_redirects:
        check_cancelled()
        checked = check(url, policy).value
        hops.append(checked.url)
        with _connected(checked, deadline, dial) as (connection, address):
            answer = _request(connection, checked)
            location = answer.getheader("Location")
            if answer.status not in REDIRECTS or location is None:
                body, truncated = _read(answer, policy.max_body_bytes, deadline)
                return Fetched(checked, answer.status, body, truncated, address, tuple(hops))
            url = _next(checked.url, location)
    raise FetchError(
        f"{hops[0]}: more than {policy.max_redirects} redirects; raise url.max_redirects if meant"
    )


def _next(base: str, location: str) -> str:
    """Where a redirect leads. What urljoin cannot read goes to the gate as it is: the gate says what is wrong."""
    with suppress(UnicodeError):  # http.client reads headers as Latin-1, but names and paths come as UTF-8
        location = location.encode("latin-1").decode("utf-8")
    try:
        return urljoin(base, location)
    except ValueError:
        return location


@contextmanager
def _connected(
    checked: CheckedUrl, deadline: float, dial: Dial
) -> Iterator[tuple[http.client.HTTPConnection, str]]:
    """A connection to a checked address, cut at the deadline and closed at the end."""
    stream, address = _dialled(checked, deadline, dial)
    connection = http.client.HTTPConnection(checked.host, checked.port)
    connection.sock = stream
    try:
        if checked.scheme == "https":
            connection.sock = stream = _secured(stream, checked)
        with _cut_at(deadline, stream):
            if isinstance(stream, ssl.SSLSocket):
                stream.do_handshake()
            yield connection, address
    except (OSError, http.client.HTTPException) as fault:
        raise FetchError(f"{checked.url}: no usable answer from {address} ({fault!r}); try again") from None
    finally:
        connection.close()


@contextmanager
def _cut_at(deadline: float, stream: socket.socket) -> Iterator[None]:
    # Below TLS, and by a timer: a peer that sends a byte now and then never runs into the socket's own timeout.
    cut = threading.Timer(deadline - time.monotonic(), _hang_up, (stream,))
    cut.daemon = True
    cut.start()
    if cancel := CURRENT.get():
        cancel.follow(lambda: _hang_up(stream))
    try:
        yield
    finally:
        cut.cancel()


def _dialled(checked: CheckedUrl, deadline: float, dial: Dial) -> tuple[socket.socket, str]:
    """The first checked address that answers."""
    faults: list[str] = []
    for address in checked.addresses:
        try:
            return dial((address, checked.port), _left(deadline)), address
        except OSError as fault:
            faults.append(f"{address}: {fault}")
    raise FetchError(f"{checked.url}: cannot connect ({'; '.join(faults)}); check that the site is up")


def _secured(plain: socket.socket, checked: CheckedUrl) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    return context.wrap_socket(
        plain, server_hostname=checked.host.strip("[]").removesuffix("."), do_handshake_on_connect=False
    )


def _hang_up(stream: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(stream, socket.SHUT_RDWR)


def _request(connection: http.client.HTTPConnection, checked: CheckedUrl) -> http.client.HTTPResponse:
    port = "" if checked.port == DEFAULT_PORTS[checked.scheme] else f":{checked.port}"
    connection.request("GET", checked.target, headers={"Host": checked.host + port, **_HEADERS})
    return connection.getresponse()


def _read(answer: http.client.HTTPResponse, limit: int, deadline: float) -> tuple[bytes, bool]:
    """At most ``limit`` bytes, and whether there were more."""
    parts: list[bytes] = []
    size = 0
    while size <= limit and (part := answer.read1(_CHUNK)):
        parts.append(part)
        size += len(part)
    _left(deadline)
    if answer.length and size <= limit:
        raise http.client.IncompleteRead(b"", answer.length)
    return b"".join(parts)[:limit], size > limit


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time allowed by url.timeout_seconds is over")
    return left
