"""Which addresses belong to the public internet, whatever form they are written in.

The table is the IANA special-purpose registries (RFC 6890, RFC 9637 and their updates) and not the standard
library's ``is_global``, whose answer depends on the Python version (CVE-2024-4032). An address that carries an
IPv4 address inside is judged by that. It must never resolve a name.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

Address = IPv4Address | IPv6Address

_SPECIAL_V4: Final = (
    ("0.0.0.0/8", "this network (RFC 1122)"),
    ("10.0.0.0/8", "private (RFC 1918)"),
    ("100.64.0.0/10", "carrier-grade NAT (RFC 6598)"),
    ("127.0.0.0/8", "loopback (RFC 1122)"),
    ("168.63.129.16/32", "a cloud's metadata service"),
    ("169.254.0.0/16", "link-local, cloud metadata (RFC 3927)"),
    ("172.16.0.0/12", "private (RFC 1918)"),
    ("192.0.0.0/24", "IETF protocol assignments (RFC 6890)"),
    ("192.0.2.0/24", "documentation (RFC 5737)"),
    ("192.88.99.0/24", "6to4 relay (RFC 7526)"),
    ("192.168.0.0/16", "private (RFC 1918)"),
    ("198.18.0.0/15", "benchmarking (RFC 2544)"),
    ("198.51.100.0/24", "documentation (RFC 5737)"),
    ("203.0.113.0/24", "documentation (RFC 5737)"),
    ("224.0.0.0/4", "multicast (RFC 5771)"),
    ("240.0.0.0/4", "reserved or broadcast (RFC 1112)"),
)
_SPECIAL_V6: Final = (
    ("2001::/23", "IETF protocol assignments, Teredo (RFC 2928, RFC 4380)"),
    ("2001:db8::/32", "documentation (RFC 3849)"),
    ("2002::/16", "6to4 (RFC 7526)"),
    ("3fff::/20", "documentation (RFC 9637)"),
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_ISATAP: Final = (0x00005EFE, 0x02005EFE)

_V4_RANGES: Final = tuple(
    (int(net.network_address), int(net.broadcast_address), why)
    for net, why in ((IPv4Network(text), why) for text, why in _SPECIAL_V4)
)
_V6_RANGES: Final = tuple(
    (int(net.network_address), int(net.broadcast_address), why)
    for net, why in ((IPv6Network(text), why) for text, why in _SPECIAL_V6)
)


def why_not_public(address: Address) -> str | None:
    """The reason why an address isn't public; None when it is."""
    if isinstance(address, IPv4Address):
        return _special(int(address), _V4_RANGES)
    if address.scope_id is not None:
        return "a zone id names a local interface (RFC 4007)"
    embedded = embedded_v4(address)
    if embedded is not None:
        return why_not_public(embedded)
    if address not in _GLOBAL_UNICAST:
        return "outside global unicast 2000::/3 (RFC 4291)"
    inner = _isatap(address)
    if inner is not None and (why := why_not_public(inner)) is not None:
        return why
    return _special(int(address), _V6_RANGES)


def canonical(address: Address) -> Address:
    """The address that a connection really reaches: an IPv4-mapped one becomes plain IPv4."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None or address.scope_id is not None else mapped  # type: ignore[union-attr]


def embedded_v4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv4-mapped (RFC 4291) or NAT64 (RFC 6052) address stands for.

    6to4, Teredo, IPv4-compatible and the local-use NAT64 prefix (RFC 8215) are refused as a whole instead.
    """
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _isatap(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address in an ISATAP interface id (RFC 5214)."""
    low = int(address) & 0xFFFFFFFFFFFFFFFF
    return IPv4Address(low & 0xFFFFFFFF) if low >> 32 in _ISATAP else None


def _special(number: int, ranges: tuple[tuple[int, int, str], ...]) -> str | None:
    for low, high, why in ranges:
        if low <= number <= high:
            return why
    return None
