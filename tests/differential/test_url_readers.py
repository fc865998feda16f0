"""URLs as other parsers see them: what the gate accepts has the same host and port for all of them.

can_ada follows the WHATWG URL Standard as browsers do, urllib3 is what Python's clients use, urlsplit is the standard
library's. A parser may refuse what the gate accepts; it must not go elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address
from urllib.parse import urlsplit

import can_ada
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from stack.app.gates.policy import UrlPolicy
from stack.app.gates.types import Rejected
from stack.app.gates.url import DEFAULT_PORTS, CheckedUrl, check_url

Place = tuple[str | None, int | None]
POLICY = UrlPolicy(allowed_ports=(80, 443, 8080))
SETTINGS = settings(deadline=None, max_examples=1500, derandomize=True, database=None)


def whatwg(url: str) -> Place:
    parsed = can_ada.parse(url)
    return parsed.hostname, int(parsed.port) if parsed.port else DEFAULT_PORTS[parsed.protocol[:-1]]


def urllib3(url: str) -> Place:
    parsed = parse_url(url)
    return parsed.host, DEFAULT_PORTS[parsed.scheme or ""] if parsed.port is None else parsed.port


def standard_library(url: str) -> Place:
    parsed = urlsplit(url)
    return parsed.hostname, DEFAULT_PORTS[parsed.scheme] if parsed.port is None else parsed.port


def comparable(host: str | None) -> str | IPv6Address | None:
    """An IPv6 address is the same in every spelling; urlsplit leaves the brackets out."""
    if host is None or ":" not in host:
        return host
    return IPv6Address(host.strip("[]"))


def checked(url: str) -> CheckedUrl | None:
    try:
        return check_url(url, POLICY, lambda _: ["93.184.216.34"]).value
    except Rejected:
        return None


def refuse_difference(url: str, parse: Callable[[str], Place], value: CheckedUrl) -> None:
    with suppress(ValueError, LocationParseError, KeyError):
        host, port = parse(url)
        assert (comparable(host), port) == (comparable(value.host), value.port), parse.__name__


def compare(url: str) -> None:
    value = checked(url)
    if value is None:
        return
    refuse_difference(url, whatwg, value)
    refuse_difference(url, urllib3, value)
    if url.isascii():  # urlsplit leaves other hosts as they are
        refuse_difference(url, standard_library, value)
    for parse in (whatwg, urllib3, standard_library):
        host, port = parse(value.url)
        assert (comparable(host), port) == (comparable(value.host), value.port), (
            f"{parse.__name__}: {value.url}"
        )


SCHEMES = st.sampled_from(["http", "https", "HTTP", "hTTps", "ftp", "ht\ttp", " http", "http\n", "ws"])
SLASHES = st.sampled_from(["://", "://", "://", "://", ":/", ":", ":///", ":\\\\", "://\t", ":/\\", ":// "])
USERS = st.sampled_from(
    ["", "", "", "", "", "user@", "user:pass@", "@", "a%40b@", "a:80@", "\\@", "a#@", "a?@", "[@"]
)
HOSTS = st.sampled_from(
    [
        "example.com", "EXAMPLE.com", "example.com.", "example.com..", ".example.com", "my_host.com",
        "a-.com", "8.8.8.8", "8.8.8.8.", "8.8.2056", "134744072", "0x08080808", "010.8.8.8", "8.8.8.08",
        "0x8.8.8.8", "8.8.8.0x", "8.8.8.8.8", "foo.8", "foo.0x8", "1e9", "[2606:4700::1111]",
        "[2606:4700:0:0::1111]", "[2606:4700::ABCD]", "[::ffff:8.8.8.8]", "[::ffff:808:808]",
        "[64:ff9b::8.8.8.8]", "[2606:4700::1%25eth0]", "[2606:4700::1%eth0]", "[2606:4700::1]x",
        "[2606:4700::1", "2606:4700::1", "[v1.x]", "[]", "faß.de", "xn--fa-hia.de", "ẞ.de", "ΟΔΟΣ.gr",
        "οδος.gr", "münchen.de", "MÜNCHEN.de", "mu\u0308nchen.de", "ｅxample.com", "example。com",
        "example．com", "exam\u00adple.com", "a\u200db.com", "a\u200cb.com", "xn--a-.com", "xn--",
        "xn--99999999", "xn--mnchen-3ya.de", "XN--MNCHEN-3YA.de", "８.８.８.８", "①.com", "ﬁ.com",
        "℡.com", "İ.com", "\u212a.com", "a\u0338.com", "日本語.jp", "%65xample.com", "example.com%00",
        "exa%6dple.com", "exam ple.com", "exa\tmple.com", "example.com\\evil.com",
        "example.com;evil.com", "example.com,evil.com", "ex'ample.com", "exa{mple.com", "r3---sn.com",
        "ab--c.com", "-a.com", "نامه.com", "א1.com", "1א.com", "ا١.com", "क्‍ष.com", "ꭰ.com", "Ꭰ.com",
        "ⅰ.com", "ø.com", "ﬀ.com", "\U0001f4a9.la",
    ]
)  # fmt: skip
PORTS = st.sampled_from(
    [
        "", "", "", ":", ":80", ":443", ":8080", ":080", ":0080", ":+80", ":-80", ":8_0", ":80 ",
        ":８０", ":%38", ":65616", ":0", ":80:80", ":80@evil.com", ":http", ":\t80", ":4294967376",
    ]
)  # fmt: skip
TAILS = st.sampled_from(
    [
        "", "/", "?x", "#x", "/@evil.com", "?@evil.com", "#@evil.com", "\\@evil.com", "/..//evil.com",
        "/%2e%2e/", "/a b", "/\t", "/é?ü", "//evil.com", "/;@evil.com", "?:80", "#:80", "/[x]", "/%zz",
        "/\u2028", "\\/evil.com",
    ]
)  # fmt: skip
HOSTILE = st.builds("{}{}{}{}{}{}".format, SCHEMES, SLASHES, USERS, HOSTS, PORTS, TAILS)
PLAIN = st.builds("{}://{}{}{}".format, st.sampled_from(["http", "https"]), HOSTS, PORTS, TAILS)
LETTERS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
NAMES = st.builds("http://{}.{}/".format, LETTERS, st.sampled_from(["com", "de", "рф", "gr"]))


@SETTINGS
@given(HOSTILE | PLAIN)
def test_a_url_leads_to_one_place(url: str) -> None:
    compare(url)


@SETTINGS
@given(NAMES)
def test_a_name_leads_to_one_place(url: str) -> None:
    compare(url)


@SETTINGS
@given(PLAIN, st.integers(0, 40), st.characters(max_codepoint=0x2FFF, exclude_categories=["Cs"]))
def test_a_url_with_a_character_more_leads_to_one_place(url: str, at: int, character: str) -> None:
    compare(url[:at] + character + url[at:])


def test_every_character_of_a_name_leads_to_one_place() -> None:
    for number in range(0x80, 0x3000):
        compare(f"http://x{chr(number)}y.com/")
        compare(f"http://{chr(number)}.com/")


@pytest.mark.parametrize(
    "url", ["http://example.com/", "http://8.8.8.8:8080/", "https://[2606:4700::1111]/", "http://faß.de/"]
)
def test_an_ordinary_url_leads_to_one_place(url: str) -> None:
    assert checked(url) is not None
    compare(url)


@pytest.mark.parametrize("url", ["http://example.com:8080/", "http://ΟΔΟΣ.gr/"])
def test_a_difference_is_seen(url: str) -> None:
    value = CheckedUrl(url, "http", "example.org", 80, "/", ())
    for parse in (whatwg, urllib3):
        with pytest.raises(AssertionError):
            refuse_difference(url, parse, value)
