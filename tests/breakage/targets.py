"""Targets that Prometheus cannot scrape, each for another reason."""

from __future__ import annotations

from tests.breakage.breakage import Breakage, Kind
from tests.breakage.server import HOST, HTTP, TLS, mended, scraped

ENTRY = "prometheus.targets: TARGET: "


def _target(
    name: str,
    said: str,
    remedy: str,
    entry: str,
    path: str = "/fine",
    port: int = HTTP,
    extra: str = "",
    host: str = HOST,
    kind: Kind = "bare",
) -> Breakage:
    return Breakage(
        f"target-{name}",
        scraped(path, f"{host}:{port}", extra),
        rf"prometheus\.targets: .*faulty.*({said})",
        remedy,
        ENTRY + entry,
        start="refuses",
        applied=True,
        undo=mended,
        on=kind,
    )


SCHEME = "    scheme: https\n"
ROWS = (
    _target("refused", "refuse", "port|listen", "connection refused", port=8999),
    _target(
        "no-such-host",
        "no such host|not known|resolve",
        "faulty.yml|name|address",
        "no such host",
        host="nobody-of-that-name",
        kind="whole",
    ),
    _target("401", "401", "authorization|credential|token", "answered 401", path="/401"),
    _target(
        "403", "403", "authorization|credential|token|permission", "answered 403", path="/403", kind="whole"
    ),
    _target("404", "404", "metrics_path|path", "answered 404", path="/404"),
    _target("500", "500", "log", "answered 500", path="/500", kind="whole"),
    _target("html", "HTML|text/html", "metrics_path|path", "answers with HTML", path="/html"),
    _target(
        "json",
        "application/json|JSON|content type",
        "metrics_path|path|fallback_scrape_protocol",
        "answers with another content type",
        path="/json",
        kind="whole",
    ),
    _target(
        "untyped", "[Cc]ontent.[Tt]ype", "fallback_scrape_protocol", "names no content type", path="/untyped"
    ),
    _target(
        "slow",
        "timeout|within|deadline|slow",
        "scrape_timeout",
        "no answer within the timeout",
        path="/slow",
        kind="whole",
    ),
    _target("garbage", "pars", "", "does not parse", path="/garbage"),
    _target("cut", "EOF|cut|broke off", "", "broke off", path="/cut", kind="whole"),
    _target("tls-to-plain", "TLS|HTTPS", "scheme", "plain HTTP where HTTPS was asked", extra=SCHEME),
    _target(
        "plain-to-tls", "TLS|HTTPS|400", "scheme", "HTTPS where plain HTTP was asked", port=TLS, kind="whole"
    ),
    _target(
        "certificate",
        "certificate|x509|authority",
        "ca_file|tls_config",
        "certificate of an unknown authority",
        port=TLS,
        extra=SCHEME,
    ),
    _target(
        "sample-limit",
        "sample.?limit|samples",
        "sample_limit",
        "sample limit",
        path="/many",
        extra="    sample_limit: 10\n",
        kind="whole",
    ),
    _target(
        "body-limit",
        "body.?size.?limit|larger|too large|bytes",
        "body_size_limit",
        "body size limit",
        path="/big",
        extra="    body_size_limit: 1KB\n",
    ),
    _target(
        "redirect",
        "redirect",
        "metrics_path|path|follow_redirects",
        "redirects",
        path="/redirect",
        kind="whole",
    ),
)
