"""Each cause that a probe can fail for, from the log that blackbox_exporter 0.28 wrote of it."""

from __future__ import annotations

import pytest

from stack.checks.probe_faults import answer, fault

HEAD = "Logs for the probe:\n"
METRICS = "\n\n\nMetrics that would have been returned:\n# HELP probe_success x\nprobe_duration_seconds 0.5\n"
LINE = 'time=2026-11-26T16:34:48.1Z level=ERROR source=http.go:1 msg="{}" module=http_2xx target={} {}\n'
LAST = 'time=2026-11-26T16:34:48.1Z level=ERROR source=h.go:1 msg="Probe failed" module=m target=t duration_seconds=1\n'


def page(target: str, *lines: tuple[str, str]) -> str:
    return (
        HEAD
        + "".join(LINE.format(msg, target, rest) for msg, rest in lines)
        + LAST
        + METRICS
        + "probe_success 0\n"
    )


def error(text: str, what: str = "Error for HTTP request") -> tuple[str, str]:
    escaped = text.replace('"', '\\"')
    return what, f'err="{escaped}"'


CASES = [
    ("http://shop:1/", [error('Get "http://shop:1/": dial tcp 1.2.3.4:1: connect: connection refused')],
     "nobody listens on shop:1", "does it run"),
    ("http://localhost:1/", [error("dial tcp 127.0.0.1:1: connect: connection refused")],
     "nobody listens on localhost:1, which is inside blackbox_exporter's own container", "host.docker.internal"),
    ("http://nowhere.example/",
     [error("lookup nowhere.example on 127.0.0.11:53: no such host", "Error resolving address")],
     "the name nowhere.example is unknown", "correct it"),
    ("http://slow.example/", [error("lookup slow.example on 127.0.0.11:53: server misbehaving")],
     "no name server answers for slow.example", "mend the name servers"),
    ("http://six.example/",
     [error('Get "http://[fd00::1]/": dial tcp [fd00::1]:80: connect: cannot assign requested address')],
     "six.example has an IPv6 address alone", "IPv4"),
    ("http://far.example/", [error("dial tcp 10.0.0.1:80: connect: no route to host")],
     "there is no way to far.example (no route to host)", "firewall"),
    ("https://shop/", [error("tls: failed to verify certificate: x509: certificate signed by unknown authority")],
     "the certificate of shop is of an authority that is not known", "--ca-file"),
    ("https://shop/", [error("tls: failed to verify certificate: x509: certificate has expired or is not yet valid: "
                             "current time 2026-11-26T16:34:48Z is after 2026-10-27T16:34:36Z")],
     "has expired or is not valid yet (current time 2026-11-26", "renew it"),
    ("https://shop/", [error("x509: cannot validate certificate for 1.2.3.4 because it doesn't contain any IP SANs")],
     "does not fit (cannot validate certificate for 1.2.3.4", "--insecure-skip-verify"),
    ("https://shop/", [error("tls: first record does not look like a TLS handshake")],
     "shop speaks no TLS", "http://"),
    ("https://shop/", [error("remote error: tls: certificate required")],
     "no TLS with shop: certificate required", "own/blackbox/modules"),
    ("http://shop/a", [("Invalid HTTP response status code, wanted 2xx", "status_code=503")],
     "http://shop/a answers HTTP 503 (wanted 2xx)", "--expect-code 503"),
    ("http://shop/a", [("Invalid HTTP response status code", "status_code=200 valid_status_codes=\"[204 301]\"")],
     "answers HTTP 200 (wanted 204, 301)", "mend it"),
    ("http://shop/a", [("Invalid HTTP response status code, wanted 2xx", "status_code=401")],
     "it wants credentials", "--token-file"),
    ("http://shop/a", [*[("Received redirect", "location=/loop")] * 10, ("Not following redirect", ""),
                       ("Invalid HTTP response status code, wanted 2xx", "status_code=302")],
     "http://shop/a redirects in a circle, to /loop", "final address"),
    ("http://shop/a", [("Received redirect", "location=/in"), ("Not following redirect", ""),
                       ("Invalid HTTP response status code, wanted 2xx", "status_code=302")],
     "answers HTTP 302 (wanted 2xx): it redirects to /in", "--expect-code 302"),
    ("http://shop/a", [("Body did not match regular expression", "regexp=hallo")],
     "http://shop/a does not contain hallo", "--contains"),
    ("http://shop/a", [("Body matched regular expression", "regexp=oops")], "http://shop/a contains oops", "must not"),
    ("ns:53", [("Rcode is not one of the valid rcodes", "rcode=3 string_rcode=NXDOMAIN valid_rcodes=[0]")],
     "the name server ns:53 answers NXDOMAIN", "--query-name"),
    ("host", [error("listen ip4:icmp 0.0.0.0: socket: operation not permitted", "Error listening to socket")],
     "does not let containers ping", "ping_group_range"),
    ("http://shop/", [error('Get "http://shop/": context deadline exceeded')],
     "shop did not answer within 9.5 s", "firewall"),
    ("10.0.0.1", [error("raw-read udp 0.0.0.0:1: i/o timeout", "Timeout reading from socket")],
     "10.0.0.1 did not answer within 9.5 s", "firewall"),
    ("http://shop/", [error('Get "http://shop/": EOF')], "shop ends the connection without an answer", "https://"),
    ("https://shop/", [error('Get "https://shop/": EOF')], "shop ends the connection without", "speak TLS at all (http://"),
    ("http://shop/", [error("a sentence of tomorrow")], "http://shop/: Error for HTTP request a sentence of tomorrow",
     "logs blackbox"),
    ("http://shop/", [], "http://shop/: blackbox_exporter says no reason", "logs blackbox"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "lines", "cause", "remedy"), CASES)
def test_a_failed_probe_has_a_cause_and_a_remedy(
    target: str, lines: list[tuple[str, str]], cause: str, remedy: str
) -> None:
    found = answer(page(target, *lines))
    assert not found.success
    said = fault(found, target, 9.5)
    assert cause in said.cause and remedy in said.remedy
    assert "\n" not in said.cause + said.remedy


def test_an_older_log_is_read_alike() -> None:
    old = (
        "Logs for the probe:\nts=2023-01-01T00:00:00Z caller=http.go:1 module=http_2xx target=http://a level=error "
        'msg="Error for HTTP request" err="Get \\"http://a\\": dial tcp: connect: connection refused"\n'
        + METRICS
    )
    assert fault(answer(old), "http://a", 1).cause == "nobody listens on a"


def test_a_probe_that_succeeds_has_its_figures() -> None:
    found = answer(HEAD + METRICS + "probe_http_status_code 200\nprobe_success 1\n")
    assert found.success
    assert found.figures["probe_http_status_code"] == 200 and found.figures["probe_duration_seconds"] == 0.5
