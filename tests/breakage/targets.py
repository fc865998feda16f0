"""Targets that Prometheus cannot scrape, each for another reason."""

from __future__ import annotations

from tests.breakage.breakage import Breakage, Kind
from tests.breakage.server import HOST, HTTP, TLS, mended, scraped

ENTRY = "prometheus.targets: JOB INSTANCE is down: "


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
PLACE = r"scrape/faulty\.yml.*"
ROWS = (
    _target(
        "refused", "nobody listens on faulty:8999", PLACE + "port", "nobody listens on ADDRESS", port=8999
    ),
    _target(
        "no-such-host",
        "the name nobody-of-that-name is unknown",
        PLACE + "correct the name",
        "the name NAME is unknown where Prometheus runs",
        host="nobody-of-that-name",
        kind="whole",
    ),
    _target(
        "400",
        "answers 400 to /400",
        PLACE + "does it speak HTTPS",
        "ADDRESS answers 400 to PATH",
        path="/400",
        kind="whole",
    ),
    _target("401", "wants credentials", PLACE + "authorization", "ADDRESS wants credentials", path="/401"),
    _target(
        "403",
        "refuses /403 to Prometheus",
        PLACE + "credentials",
        "ADDRESS refuses PATH",
        path="/403",
        kind="whole",
    ),
    _target("404", r"has no /404 \(404\)", PLACE + "metrics_path", "ADDRESS has no PATH", path="/404"),
    _target("500", "answers 500", "log", "ADDRESS answers STATUS to PATH", path="/500", kind="whole"),
    _target(
        "html",
        r"is a web page \(HTML\)",
        PLACE + "metrics_path",
        "URL says that it is a web page (HTML)",
        path="/html",
    ),
    _target(
        "json",
        'with Content-Type "application/json"',
        PLACE + "fallback_scrape_protocol",
        "URL answers with Content-Type TYPE, which is not one of metrics",
        path="/json",
        kind="whole",
    ),
    _target(
        "untyped",
        "answers without a Content-Type",
        PLACE + "fallback_scrape_protocol",
        "URL answers without a Content-Type",
        path="/untyped",
    ),
    _target(
        "slow",
        "did not answer within 1 s",
        PLACE + "scrape_timeout",
        "ADDRESS did not answer within N s",
        path="/slow",
        kind="whole",
    ),
    _target(
        "garbage", "is no valid exposition", PLACE + "promtool", "URL is no valid exposition", path="/garbage"
    ),
    _target(
        "cut",
        "closed the connection before its answer was over",
        PLACE,
        "ADDRESS closed the connection before its answer was over",
        path="/cut",
        kind="whole",
    ),
    _target(
        "tls-to-plain",
        "speaks plain HTTP and the job asks for HTTPS",
        PLACE + "remove scheme",
        "ADDRESS speaks plain HTTP and the job asks for HTTPS",
        extra=SCHEME,
    ),
    _target(
        "plain-to-tls",
        "closed the connection before its answer was over",
        PLACE + r"does it speak HTTPS \(scheme: https\)",
        "ADDRESS closed the connection before its answer was over",
        port=TLS,
        kind="whole",
    ),
    _target(
        "certificate",
        "is of an authority that Prometheus does not know",
        PLACE + "ca_file",
        "the certificate of ADDRESS is of an authority that Prometheus does not know",
        port=TLS,
        extra=SCHEME,
    ),
    _target(
        "sample-limit",
        "more samples than sample_limit allows",
        PLACE + "raise sample_limit",
        "ADDRESS has more samples than sample_limit allows",
        path="/many",
        extra="    sample_limit: 10\n",
        kind="whole",
    ),
    _target(
        "body-limit",
        "larger than body_size_limit",
        PLACE + "raise body_size_limit",
        "the answer of ADDRESS is larger than body_size_limit",
        path="/big",
        extra="    body_size_limit: 1KB\n",
    ),
    _target(
        "redirect",
        "redirects /redirect in a circle",
        PLACE + "metrics_path",
        "ADDRESS redirects PATH in a circle",
        path="/redirect",
        kind="whole",
    ),
    _target(
        "redirect-nowhere",
        r"redirects /nowhere \(302\) and is not followed",
        PLACE + "metrics_path",
        "ADDRESS redirects PATH (STATUS) and is not followed",
        path="/nowhere",
    ),
    _target(
        "redirect-ftp",
        "redirects /ftp to where nothing can be asked",
        PLACE + "metrics_path",
        "ADDRESS redirects PATH to where nothing can be asked",
        path="/ftp",
    ),
    _target(
        "bom",
        "begins with a byte order mark",
        PLACE + "must write UTF-8 without one",
        "URL begins with a byte order mark",
        path="/bom",
    ),
    _target("utf-16", "is UTF-16", PLACE + "must write UTF-8", "URL is UTF-16", path="/utf-16"),
    _target(
        "protobuf",
        "says that it is the protobuf format and cannot be read as that",
        PLACE + "scrape_protocols",
        "URL says that it is the protobuf format and cannot be read as that",
        path="/protobuf",
    ),
    _target(
        "joined",
        "goes on behind # EOF",
        PLACE + "as its last line",
        "URL goes on behind # EOF",
        path="/joined",
    ),
    _target(
        "gzip",
        "says that it is compressed and cannot be read as that",
        PLACE + "enable_compression",
        "URL says that it is compressed and cannot be read as that",
        path="/gzip",
    ),
    _target(
        "proxy",
        f"the proxy by which {HOST}:{HTTP} is asked cannot be reached",
        PLACE + "proxy_url",
        "the proxy by which ADDRESS is asked cannot be reached",
        extra="    proxy_url: http://127.0.0.1:1\n",
    ),
    _target(
        "own-container",
        "nobody listens on 0.0.0.0:8999, which is inside Prometheus' own container",
        PLACE + "name the container of the service instead",
        "nobody listens on ADDRESS",
        port=8999,
        host="0.0.0.0",
    ),
)
