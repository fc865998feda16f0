"""url_gate: may this URL be fetched? The order of the checks decides the code: scheme, what two parsers might
read differently, userinfo, host, port, DNS, addresses.

Parsing follows RFC 3986 strictly; whatever the WHATWG URL Standard would repair (backslashes, control
characters, missing slashes, percent-encoded hosts) is refused, since the difference is the attack. The value
names the addresses that were judged; ``fetch`` connects to exactly those. It must never open a connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, NoReturn
from urllib.parse import quote

from stack.app.gates.addresses import Address, canonical, why_not_public
from stack.app.gates.hosts import Host, matches, parse_host
from stack.app.gates.lookup import LOOKUPS
from stack.app.gates.policy import UrlPolicy
from stack.app.gates.types import Accepted, Rejected

GATE: Final = "url_gate"
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

Resolver = Callable[[str], Sequence[str]]

system_resolver: Final[Resolver] = LOOKUPS.resolve

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AMBIGUOUS: Final = re.compile(
    r"[\x00-\x20\x7f-\xa0\\\u1680\u180e\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
    r"\ud800-\udfff\ufff0-\uffff]"
)
_AUTHORITY_END: Final = re.compile(r"[/?#]")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")


@dataclass(frozen=True, slots=True)
class CheckedUrl:
    """A URL that may be fetched, and the only addresses it may be fetched from.

    ``url`` has no fragment; ``host`` is ASCII, an IPv6 literal in brackets; ``target`` is path and query.
    """

    url: str
    scheme: str
    host: str
    port: int
    target: str
    addresses: tuple[str, ...]


def check_url(url: str, policy: UrlPolicy, resolve: Resolver = system_resolver) -> Accepted[CheckedUrl]:
    """Accept a URL whose every address is public. Raises Rejected with one of the six codes of url_gate.

    A URL that cannot be read without doubt (too long, control characters, no host) is E_HOST_DENY.
    """
    scheme, authority, target = _split(url, policy)
    host_text, port_text = _host_and_port(url, authority)
    host = _allowed_host(url, host_text, policy)
    port = _allowed_port(url, port_text, scheme, policy)
    addresses = _public_addresses(url, host, resolve)
    shown_port = "" if port == DEFAULT_PORTS[scheme] else f":{port}"
    checked = f"{scheme}://{host.name}{shown_port}{target}"
    return Accepted(GATE, CheckedUrl(checked, scheme, host.name, port, target, addresses))


def name_asked(url: str, policy: UrlPolicy) -> str | None:
    """The name that ``check_url`` would look up; None when it decides without."""
    asked: list[str] = []

    def note(name: str) -> list[str]:
        asked.append(name)
        return []

    with suppress(Rejected):
        check_url(url, policy, note)
    return asked[0] if asked else None


def _split(url: str, policy: UrlPolicy) -> tuple[str, str, str]:
    match = _SCHEME.match(url)
    scheme = match[1].lower() if match else ""
    if match is None or scheme not in DEFAULT_PORTS:
        _reject("E_SCHEME", url, "a URL must start with http:// or https://")
    if len(url) > policy.max_length:
        _reject("E_HOST_DENY", url, f"a URL must have at most {policy.max_length} characters")
    if _AMBIGUOUS.search(url):
        _reject(
            "E_HOST_DENY",
            url,
            "remove backslashes, blanks and control characters; parsers read them differently",
        )
    if not url.startswith("//", match.end()):
        _reject("E_HOST_DENY", url, "write // and a host after the scheme")
    authority, end, rest = _cut(url[match.end() + 2 :])
    path = (end + rest).partition("#")[0]
    target = quote(path, safe="%/:@!$&'()*+,;=~-._?[]")
    return scheme, authority, target if target.startswith("/") else f"/{target}"


def _cut(text: str) -> tuple[str, str, str]:
    match = _AUTHORITY_END.search(text)
    return (text, "", "") if match is None else (text[: match.start()], match[0], text[match.end() :])


def _host_and_port(url: str, authority: str) -> tuple[str, str]:
    if "@" in authority:
        _reject("E_USERINFO", url, "a URL must carry no user name or password")
    if authority.startswith("["):
        host, bracket, port = authority.partition("]")
        if port and not port.startswith(":"):
            _reject("E_HOST_DENY", url, "write : and a port after the bracket, or nothing (RFC 3986)")
        return host + bracket, port
    host, colon, port = authority.partition(":")
    return host, colon + port


def _allowed_host(url: str, text: str, policy: UrlPolicy) -> Host:
    try:
        host = parse_host(text)
    except ValueError as fault:
        _reject("E_HOST_DENY", url, str(fault))
    if matches(host.name, policy.denied_hosts):
        _reject("E_HOST_DENY", url, "the host is on the list of denied hosts (url.denied_hosts)")
    if policy.allowed_hosts and not matches(host.name, policy.allowed_hosts):
        _reject("E_HOST_DENY", url, "the host is not on the list of allowed hosts (url.allowed_hosts)")
    return host


def _allowed_port(url: str, text: str, scheme: str, policy: UrlPolicy) -> int:
    if text in ("", ":"):
        port = DEFAULT_PORTS[scheme]
    elif text.startswith(":") and _PORT.fullmatch(text, 1):
        port = int(text[1:])
    else:
        _reject("E_PORT_DENY", url, "a port must be 1-65535, without leading zeros")
    if port not in policy.allowed_ports:
        allowed = ", ".join(map(str, policy.allowed_ports))
        _reject("E_PORT_DENY", url, f"port {port} is not allowed (url.allowed_ports: {allowed})")
    return port


def _public_addresses(url: str, host: Host, resolve: Resolver) -> tuple[str, ...]:
    found = host.readings or _resolved(url, host.name, resolve)
    for address in found:
        why = why_not_public(address)
        if why is not None:
            _reject("E_PRIVATE_NET", url, f"{address} is not a public address: {why}")
    usable = found[:1] if host.readings else found
    return tuple(dict.fromkeys(str(canonical(address)) for address in usable))


def _resolved(url: str, name: str, resolve: Resolver) -> tuple[Address, ...]:
    try:
        found = tuple(ip_address(text) for text in resolve(name))
    except (OSError, ValueError) as fault:
        _reject("E_DNS_FAIL", url, f"{name} does not resolve ({fault})")
    if not found:
        _reject("E_DNS_FAIL", url, f"{name} has no address")
    return found


def _reject(error_code: str, url: str, hint: str) -> NoReturn:
    raise Rejected(GATE, error_code, url, hint)
