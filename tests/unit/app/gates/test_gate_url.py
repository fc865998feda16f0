"""url_gate: the published families of server-side request forgery, and the ordinary URLs beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stack.app.gates.policy import DEFAULT_POLICY, UrlPolicy
from stack.app.gates.url import check_url
from tests.unit.app.gates.gate_support import PUBLIC, answers, code_of, peak_memory, rejection

RESOLVE = answers(
    mixed_com=[PUBLIC, "10.0.0.1"],
    mixed6_com=["2606:4700::1", "fd00::1"],
    private_com=["192.168.1.1"],
    scoped_com=["fe80::1%eth0"],
    void_com=[],
    odd_com=["not an address"],
)


def code(url: str, policy: UrlPolicy = DEFAULT_POLICY.url) -> str:
    return code_of(check_url, url, policy, RESOLVE)


@pytest.mark.parametrize(
    ("url", "checked"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTPS://EXAMPLE.com:443/a/b?c=d&e=%20#frag", "https://example.com/a/b?c=d&e=%20"),
        ("http://example.com./", "http://example.com./"),
        ("http://example.com:/x", "http://example.com/x"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("http://example.com?q=1", "http://example.com/?q=1"),
        ("http://example.com/a@b:c", "http://example.com/a@b:c"),
        ("http://example.com/straße?q=ü", "http://example.com/stra%C3%9Fe?q=%C3%BC"),
        ("http://münchen.de/", "http://xn--mnchen-3ya.de/"),
        ("http://faß.de/", "http://xn--fa-hia.de/"),
        ("http://日本語.jp/", "http://xn--wgv71a119e.jp/"),
        ("http://xn--wgv71a119e.jp/", "http://xn--wgv71a119e.jp/"),
        ("http://пример.рф/", "http://xn--e1afmkfd.xn--p1ai/"),
        ("http://ελλάδα.gr/", "http://xn--hxakic4aa.gr/"),
        ("http://日本go.jp/", "http://xn--go-5t7du0c.jp/"),
        ("http://0xabc.com/", "http://0xabc.com/"),
        ("http://example.com?a=b@c", "http://example.com/?a=b@c"),
        ("http://example.com/?u=http://x:y@z/", "http://example.com/?u=http://x:y@z/"),
        ("http://example.com/#/@x", "http://example.com/"),
        ("http://[2606:4700:4700::1111]:", "http://[2606:4700:4700::1111]/"),
        ("http://my_bucket.s3.amazonaws.com/", "http://my_bucket.s3.amazonaws.com/"),
        ("http://r3---sn-4g5e.googlevideo.com/", "http://r3---sn-4g5e.googlevideo.com/"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://[2606:4700:4700::1111]/", "http://[2606:4700:4700::1111]/"),
        ("http://[::ffff:8.8.8.8]/", "http://[::ffff:808:808]/"),
        ("http://[2606:4700:0:0::0:1111]/", "http://[2606:4700::1111]/"),
        ("http://[64:ff9b::808:808]/", "http://[64:ff9b::808:808]/"),
    ],
)
def test_an_ordinary_url_is_accepted_in_its_normal_form(url: str, checked: str) -> None:
    accepted = check_url(url, DEFAULT_POLICY.url, RESOLVE)
    assert (accepted.gate, accepted.value.url) == ("url_gate", checked)
    assert accepted.value.addresses


@pytest.mark.parametrize(
    "url",
    [
        "",
        "//example.com/",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_INFO",
        "javascript:alert(1)",
        "data:text/html,x",
        "dict://example.com/",
        " http://example.com/",
        "\thttp://example.com/",
        "ht\ntp://example.com/",
        "ｈttp://example.com/",
    ],
)
def test_only_http_and_https(url: str) -> None:
    assert code(url) == "E_SCHEME"


@pytest.mark.parametrize(
    "url",
    [
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "http://example.com@evil.com/",
        "http://example.com:80@evil.com/",
        "http://@example.com/",
        "http://a@b@c/",
        "http://8.8.8.8@127.0.0.1/",
        "http://user@[::1]/",
    ],
)
def test_no_userinfo(url: str) -> None:
    assert code(url) == "E_USERINFO"


@pytest.mark.parametrize(
    "url",
    [
        "http:",
        "http:/example.com",
        "http:example.com",
        "http://",
        "http:///example.com",
        "http://?q",
        "http://:80/",
        "http://.",
        "http://a..b/",
        "http://-a.com/",
        "http://a-.com/",
        "http://" + "a" * 64 + ".com/",
        "http://" + "a." * 130 + "com/",
        "http://good.com\\@evil.com/",
        "http:\\\\example.com/",
        "http://exam ple.com/",
        "http://example.com/a\r\nX-Injected: 1",
        "http://example.com\x00.evil.com/",
        "http://exa\tmple.com/",
        "http://example.com\u2028/",
        "http://127.0.0.1%2f.example.com/",
        "http://%31%32%37.0.0.1/",
        "http://good.com%40evil.com/",
        "http://example.com%00/",
        "http://exam℀ple.com/",
        "http://evil.c℀.example.com/",
        "http://example.com／evil.com/",
        "http://example.com＠evil.com/",
        "http://256.1.1.1/",
        "http://1.2.3.4.5/",
        "http://1.2.3.08/",
        "http://8_8.8.8.8/",
        "http://134744072/",
        "http://0x8.8.8.8/",
        "http://8.8.2056/",
        "http://8.8.8.010/",
        "http://8.8.8.8./",
        "http://example。com/",
        "http://ΟΔΟΣ.gr/",
        "http://STRAẞE.de/",
        "http://MÜNCHEN.de/",
        "http://ｅxample.com/",
        "http://mu\u0308nchen.de/",
        "http://\u212a.com/",
        "http://+8.8.8.8/",
        "http://1.-1.1.1/",
        "http://0x+8.8.8.8/",
        "http://0o10.8.8.8/",
        "http://0o177.0.0.1/",
        "http://8.8.8_8.8/",
        "http://99999999999/",
        "http://0x1ffffffff/",
        "http://" + "9" * 5000 + "/",
        "http://foo.1/",
        "http://foo.0x7f/",
        "http://[::1/",
        "http://[1::2::3]/",
        "http://[v1.fe]/",
        "http://[]/",
        "http://::1/",
        "http://[2606:4700::1].evil.com/",
        "http://[2606:4700::1]80/",
        "http://[2606:4700::1]]/",
        "http://xn--/",
        "http://xn--a/",
        "http://xn--99999999/",
        "http://example.com/" + "a" * 9000,
    ],
)
def test_a_host_that_two_parsers_may_read_differently_is_denied(url: str) -> None:
    assert code(url) == "E_HOST_DENY"


@pytest.mark.parametrize(
    "url",
    [
        "http://аpple.com/",
        "http://xn--pple-43d.com/",
        "http://аррӏе.com/",
        "http://xn--80ak6aa92e.com/",
        "http://gοogle.com/",
        "http://ɡoogle.com/",
        "http://xn--oogle-qmc.com/",
        "http://ⲟracle.com/",
        "http://xꓮ.com/",
    ],
)
def test_idna_homographs_are_denied(url: str) -> None:
    assert "UTS 39" in rejection(check_url, url, DEFAULT_POLICY.url, RESOLVE).hint


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "http://LOCALHOST./",
        "http://ｌｏｃａｌｈｏｓｔ/",
        "http://loc\u00adalhost/",
        "http://app.localhost/",
        "http://localhost6/",
        "http://ip6-localhost/",
        "http://localhost6.localdomain6/",
        "http://printer.local/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://metadata/",
        "http://x.svc.cluster.local/",
    ],
)
def test_the_default_deny_list_is_matched_after_normalisation(url: str) -> None:
    assert "url.denied_hosts" in rejection(check_url, url, DEFAULT_POLICY.url, RESOLVE).hint


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("example.com", "ok"),
        ("EXAMPLE.com.", "ok"),
        ("www.example.org", "ok"),
        ("a.b.example.org", "ok"),
        ("example.org", "E_HOST_DENY"),
        ("notexample.org", "E_HOST_DENY"),
        ("example.com.evil.org", "E_HOST_DENY"),
        ("www.example.com", "E_HOST_DENY"),
        ("xn--mnchen-3ya.de", "ok"),
        ("bad.example.org", "E_HOST_DENY"),
    ],
)
def test_host_patterns(host: str, expected: str) -> None:
    policy = replace(
        DEFAULT_POLICY.url,
        allowed_hosts=("example.com", "*.example.org", "MÜNCHEN.de"),
        denied_hosts=("bad.example.org",),
    )
    assert code(f"http://{host}/", policy) == expected


@pytest.mark.parametrize(
    "port",
    [
        "0",
        "1",
        "22",
        "6379",
        "8080",
        "65536",
        "65616",
        "99999",
        "999999",
        "080",
        "00443",
        "0x50",
        "+80",
        "8_0",
        "8٠",
        "８０",
        "80:80",
    ],
)
def test_only_allowed_ports(port: str) -> None:
    assert code(f"http://example.com:{port}/") == "E_PORT_DENY"


def test_another_port_can_be_allowed() -> None:
    assert code("http://example.com:8443/", replace(DEFAULT_POLICY.url, allowed_ports=(8443,))) == "ok"
    assert code("http://example.com/", replace(DEFAULT_POLICY.url, allowed_ports=(8443,))) == "E_PORT_DENY"


@pytest.mark.parametrize("host", ["void.com", "odd.com"])
def test_no_usable_answer_of_the_resolver(host: str) -> None:
    assert code(f"http://{host}/") == "E_DNS_FAIL"


def test_a_failing_resolver() -> None:
    def fails(host: str) -> list[str]:
        raise OSError("Name or service not known")

    refused = rejection(check_url, "http://nowhere.example.com/", DEFAULT_POLICY.url, fails)
    assert (refused.error_code, "nowhere.example.com" in refused.hint) == ("E_DNS_FAIL", True)


def test_a_host_of_any_form_is_short_before_it_is_kept() -> None:
    zone = "\U00010330" * 8000
    hosts = (f"[2001:db8::{number:x}%25{zone}]" for number in range(100))
    codes: set[str] = set()
    kept = peak_memory(lambda: codes.update(code(f"http://{host}/") for host in hosts))
    assert codes == {"E_HOST_DENY"}
    assert kept < 1_000_000


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0x7F.0x0.0x0.0x1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "１２７.０.０.１",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "010.8.8.8",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "2852039166",
        "0xA9FEA9FE",
        "168.63.129.16",
        "172.16.0.1",
        "192.168.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[2606:4700:4700::1111%25eth0]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:0:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b:1::808:808]",
        "[2002:7f00:1::]",
        "[2001:0:53aa:64c:0:fbff:f5ff:fffe]",
        "[2001:db8::1]",
        "[2606:4700::5efe:10.0.0.1]",
        "[3fff::1]",
        "[5f00::1]",
        "private.com",
        "mixed.com",
        "mixed6.com",
        "scoped.com",
    ],
)
def test_every_address_must_be_public(host: str) -> None:
    assert code(f"http://{host}/") == "E_PRIVATE_NET"


def test_the_checks_come_in_the_documented_order() -> None:
    faults = ["ftp://u@localhost:1/", "http://u@localhost:1/", "http://localhost:1/", "http://void.com:1/"]
    assert [code(url) for url in faults] == ["E_SCHEME", "E_USERINFO", "E_HOST_DENY", "E_PORT_DENY"]


def test_the_value_names_what_to_connect_to() -> None:
    value = check_url("https://Example.com/a?b#c", DEFAULT_POLICY.url, RESOLVE).value
    assert (value.scheme, value.host, value.port, value.target) == ("https", "example.com", 443, "/a?b")
    assert value.addresses == (PUBLIC,)
