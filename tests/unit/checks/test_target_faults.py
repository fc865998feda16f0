"""Each sentence of Prometheus about a target has its cause and the line to change.

The sentences were taken from Prometheus 3.5 against servers with these faults.
"""

from __future__ import annotations

import pytest

from stack.checks.model import Job
from stack.checks.target_faults import fault
from stack.clients.prometheus import Target

OWN = Job("shop", "scrape/shop.yml", 3, timeout=4.0)
PLACE = "prometheus/scrape/shop.yml:3: "
FALLBACK = "add fallback_scrape_protocol: PrometheusText0.0.4"
CASES = [
    (
        'Get "http://h:80/metrics": dial tcp 10.0.0.1:80: connect: connection refused',
        "nobody listens on h:80",
        "is the port right",
    ),
    (
        'Get "http://h:80/metrics": dial tcp: lookup h on 127.0.0.11:53: no such host',
        "the name h is unknown where Prometheus runs",
        "correct the name",
    ),
    (
        'Get "http://h:80/metrics": dial tcp: lookup h: no such host',
        "the name h is unknown where Prometheus runs",
        "correct the name",
    ),
    (
        'Get "http://h:80/metrics": dial tcp 10.0.0.1:80: connect: no route to host',
        "there is no way to h:80 (no route to host)",
        "is the address right",
    ),
    ("server returned HTTP status 401 Unauthorized", "wants credentials", "add authorization: {credentials_file"),
    ("server returned HTTP status 403 Forbidden", "refuses /metrics to Prometheus (403)", "use credentials"),
    ("server returned HTTP status 404 Not Found", "h:80 has no /metrics (404)", "set metrics_path"),
    ("server returned HTTP status 302 Found", "redirects /metrics (302)", "follow_redirects: true"),
    ("server returned HTTP status 400 Bad Request", "answers 400 to /metrics", "(scheme: https), or demand"),
    ('Get "/loop": stopped after 10 redirects', "redirects /metrics in a circle", "set metrics_path"),
    (
        'received unsupported Content-Type "text/html; charset=utf-8" and no fallback_scrape_protocol '
        "specified for target",
        "is a web page (HTML)",
        "set metrics_path and the port",
    ),
    ('expected a valid start token, got "<" ("INVALID") while parsing: "<"', "is a web page (HTML)", "metrics_path"),
    (
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target",
        "answers without a Content-Type",
        FALLBACK,
    ),
    (
        'received unsupported Content-Type "application/json" and no fallback_scrape_protocol specified for target',
        'with Content-Type "application/json"',
        FALLBACK,
    ),
    (
        'cannot parse Content-Type "text/plain; version" and no fallback_scrape_protocol for target\n'
        "mime: invalid media parameter",
        'with Content-Type "text/plain; version"',
        FALLBACK,
    ),
    (
        'Get "http://h:80/metrics": context deadline exceeded',
        "h:80 did not answer within 4 s",
        "give it longer (scrape_timeout",
    ),
    (
        'strconv.ParseFloat: parsing "bar": invalid syntax while parsing: "foo bar"',
        'no valid exposition at "foo bar": strconv.ParseFloat',
        "writes a faulty line",
    ),
    ('metric name already set while parsing: "a{b}"', 'at "a{b}": metric name already set', "faulty line"),
    ('invalid metric type "foo"', 'no valid exposition: invalid metric type "foo"', "faulty line"),
    ('invalid UTF-8 label value: "\\xff"', "no valid exposition: invalid UTF-8", "faulty line"),
    ("data does not end with # EOF", "does not end with # EOF", "scrape_protocols: [PrometheusText0.0.4]"),
    (
        'Get "https://h:80/m": tls: failed to verify certificate: x509: certificate signed by unknown authority',
        "of an authority that Prometheus does not know",
        "add tls_config: {ca_file: ...}",
    ),
    (
        'Get "https://h:80/m": tls: failed to verify certificate: x509: certificate is valid for a, not h',
        "is for another name (certificate is valid for a, not h)",
        "tls_config: {server_name: ...}",
    ),
    (
        'Get "https://h:80/m": tls: failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 '
        "because it doesn't contain any IP SANs",
        "is for another name",
        "server_name",
    ),
    (
        'Get "https://h:80/m": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: '
        "current time 2026-11-26T13:19:50Z is after 2020-01-01T00:00:00Z",
        "the certificate of h:80 has expired",
        "renew the certificate",
    ),
    (
        'Get "https://h:80/m": tls: first record does not look like a TLS handshake',
        "speaks plain HTTP and the job asks for HTTPS",
        "remove scheme: https",
    ),
    (
        'Get "https://h:80/m": http: server gave HTTP response to HTTPS client',
        "speaks plain HTTP and the job asks for HTTPS",
        "remove scheme: https",
    ),
    (
        'Get "https://h:80/m": remote error: tls: certificate required',
        "no TLS with h:80: certificate required",
        "tls_config",
    ),
    ("sample limit exceeded", "more samples than sample_limit", "raise sample_limit"),
    ("body size limit exceeded", "larger than body_size_limit", "raise body_size_limit"),
    (
        "label_limit exceeded (metric: a, number of labels: 7, limit: 2)",
        "exceeds label_limit (metric: a, number of labels: 7, limit: 2)",
        "raise label_limit",
    ),
    (
        "label_value_length_limit exceeded (metric: a, label name: x, value: \"y\", length: 14, limit: 2)",
        "exceeds label_value_length_limit",
        "raise label_value_length_limit",
    ),
    ("target_limit exceeded (number of targets: 2, limit: 1)", "more targets than target_limit", "raise target_limit"),
    ("histogram bucket limit exceeded", "native_histogram_bucket_limit", "raise native_histogram_bucket_limit"),
    (
        'Get "http://h:80/metrics": net/http: HTTP/1.x transport connection broken: malformed HTTP status code "x"',
        "what listens on h:80 does not speak HTTP",
        "exporter",
    ),
    (
        'Get "http://h:80/metrics": read tcp 1.2.3.4:5->1.2.3.4:80: read: connection reset by peer',
        "h:80 closed the connection before its answer was over",
        "does it speak HTTPS (scheme: https)? Else the log",
    ),
    ('Get "http://h:80/metrics": EOF', "closed the connection", "does it speak HTTPS"),
    ("unexpected EOF", "closed the connection", "does it speak HTTPS"),
    (
        'Get "http://h:80/metrics": net/http: HTTP/1.x transport connection broken: malformed HTTP response '
        '"\\x15\\x03\\x01\\x00\\x02\\x02"',
        "h:80 speaks HTTPS and the job asks for plain HTTP",
        "add scheme: https",
    ),
    (
        'Get "http://login:9/in": dial tcp: lookup login on 127.0.0.11:53: no such host',
        "the name login is unknown where Prometheus runs (to where h:80 redirects)",
        "correct the name",
    ),
    (
        'Get "https://h:443/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
        "the certificate of h:443 is of an authority that Prometheus does not know (to where h:80 redirects)",
        "add tls_config: {ca_file: ...}",
    ),
    (
        'Get "http://h:80/metrics": tls: failed to verify certificate: x509: certificate relies on legacy Common Name '
        "field, use SANs instead",
        "has its name in the Common Name alone",
        "renew it with a subjectAltName of h:80",
    ),
    (
        'received unsupported Content-Type "text/html" and no fallback_scrape_protocol specified for target',
        "says that it is a web page (HTML)",
        f"where they are metrics all the same, {FALLBACK}",
    ),
    (
        'expected a valid start token, got "{" ("BRACE_OPEN") while parsing: "{"',
        "http://h:80/metrics is JSON, not metrics",
        "JSON needs json_exporter",
    ),
    (
        'expected a valid start token, got "\\xef" ("INVALID") while parsing: "\\xef"',
        "begins with a byte order mark",
        "must write UTF-8 without one",
    ),
    (
        'expected a valid start token, got "\\xff" ("INVALID") while parsing: "\\xff"',
        "http://h:80/metrics is UTF-16",
        "must write UTF-8",
    ),
    ("gzip: invalid header", "cannot be read as that (gzip: invalid header)", "enable_compression: false"),
    ("flate: corrupt input before offset 5", "says that it is compressed", "enable_compression: false"),
    ("unexpected data after # EOF", "goes on behind # EOF", "must write # EOF once"),
    (
        'Get "ftp://x/": unsupported protocol scheme "ftp"',
        'h:80 redirects /metrics to where nothing can be asked: unsupported protocol scheme "ftp"',
        "set metrics_path to the final address",
    ),
    (
        'Get "http://h:80/metrics": failed to parse Location header "http://%zz/": parse "http://%zz/": invalid URL '
        'escape "%zz"',
        "redirects /metrics to where nothing can be asked",
        "set metrics_path to the final address",
    ),
    (
        'Get "http://h:80/metrics": proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused',
        "the proxy by which h:80 is asked cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused",
        "correct proxy_url",
    ),
    (
        'Get "http://h:80/metrics": proxyconnect tcp: tls: first record does not look like a TLS handshake',
        "the proxy by which h:80 is asked cannot be reached: tls: first record",
        "correct proxy_url",
    ),
    (
        'Get "http://h:80/metrics": oauth2: cannot fetch token: 501 Unsupported method\nResponse: <html>\n',
        "the token for h:80 is not had: cannot fetch token: 501 Unsupported method",
        "correct oauth2",
    ),
    (
        "clientpb: insufficient length of buffer, expected at least 98 bytes, got 11 bytes",
        "cannot be read as that (expected at least 98 bytes, got 11 bytes)",
        "h:80 must name the format that it writes",
    ),
    (
        'expected label name, got "\\r" ("INVALID") while parsing: "a 1\\r"',
        "ends its lines with CR LF",
        "must end its lines with",
    ),
    ('label name "a" is not unique: invalid sample', "has the label a twice in one sample", "write each label once"),
    (
        'unit "seconds" not a suffix of metric "latency"',
        "the name latency does not end with its unit seconds",
        "scrape_protocols: [PrometheusText0.0.4]",
    ),
    ("invalid byte in chunk length", "is no valid HTTP: invalid byte in chunk length", "breaks the chunks"),
    ("expected at least 104 bytes, got 16 bytes", "says that it is the protobuf format", "asks for text"),
    (
        "proto: MetricFamily: illegal tag 0 (wire type 0)",
        "says that it is the protobuf format and cannot be read",
        "scrape_protocols: [PrometheusText0.0.4]",
    ),
    (
        'Get "http://[2001:db8::1]:80/metrics": dial tcp [2001:db8::1]:80: connect: cannot assign requested address',
        "[2001:db8::1]:80 is no address that Prometheus' container can ask",
        "name the container of the service",
    ),
    (
        'Get "http://[fe80::1]:80/metrics": dial tcp [fe80::1]:80: connect: invalid argument',
        "[fe80::1]:80 is no address that Prometheus' container can ask",
        "name the container of the service",
    ),
    (
        'Get "http://h:80/metrics": unable to read basic auth password: unable to read file secret: open secret: '
        "no such file or directory",
        "Prometheus cannot read secret, which the job names (open secret: no such file or directory)",
        "that its user (65534) may read",
    ),
]  # fmt: skip


def target(said: str, url: str = "http://h:80/metrics") -> Target:
    return Target("shop", "h:80", "down", said, url)


@pytest.mark.parametrize(("said", "cause", "remedy"), CASES, ids=lambda text: text[:40])
def test_the_cause_and_the_line_to_change(said: str, cause: str, remedy: str) -> None:
    found = fault(OWN, target(said))
    assert cause in found.cause
    assert remedy in found.remedy
    assert PLACE in found.remedy or "renew the certificate" in found.remedy


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("0.0.0.0", "dial tcp 0.0.0.0:99: connect: connection refused"),
        ("127.0.0.2", "dial tcp 127.0.0.2:99: connect: connection refused"),
        ("LOCALHOST", "dial tcp [::1]:99: connect: connection refused"),
        ("ip6-localhost", "dial tcp [::1]:99: connect: cannot assign requested address"),
        ("[::1]", "dial tcp [::1]:99: connect: cannot assign requested address"),
        ("[::]", "dial tcp [::]:99: connect: cannot assign requested address"),
        ("[::ffff:127.0.0.1]", "dial tcp 127.0.0.1:99: connect: connection refused"),
    ],
)
def test_each_address_of_the_container_itself_is_told_as_that(host: str, said: str) -> None:
    url = f"http://{host}:99/metrics"
    found = fault(OWN, target(f'Get "{url}": {said}', url))
    assert found.cause == f"nobody listens on {host}:99, which is inside Prometheus' own container"
    assert "name the container of the service instead" in found.remedy


def test_a_loopback_address_is_prometheus_own_container() -> None:
    said = 'Get "http://localhost:8080/metrics": dial tcp [::1]:8080: connect: connection refused'
    found = fault(OWN, target(said, "http://localhost:8080/metrics"))
    assert "inside Prometheus' own container" in found.cause
    itself = Job("prometheus", "scrape/prometheus.yml", 2, "prometheus")
    assert "own container" not in fault(itself, target(said, "http://localhost:9090/metrics")).cause


@pytest.mark.parametrize(
    "said",
    [
        "dial tcp 10.0.0.1:80: connect: connection refused",
        "context deadline exceeded",
        "server returned HTTP status 500 Internal Server Error",
        "unexpected EOF",
        "something that nobody has seen yet",
        "",
    ],
)
def test_of_a_component_its_own_log_is_the_place_to_read_on(said: str) -> None:
    found = fault(Job("node", "scrape/node_exporter.yml", 2, "node_exporter"), target(said))
    assert found.remedy == "monitoring-stack logs node_exporter shows why"
    assert found.cause


def test_a_status_that_names_no_other_address_is_no_redirect() -> None:
    found = fault(OWN, target("server returned HTTP status 304 Not Modified"))
    assert found.cause == "h:80 answers 304 Not Modified to /metrics"


def test_what_is_not_known_is_passed_on() -> None:
    assert fault(OWN, target("brand new words")).cause == "brand new words"
    assert PLACE.rstrip(": ") in fault(OWN, target("brand new words")).remedy


def test_braces_in_the_words_of_others_change_nothing() -> None:
    said = 'metric name already set while parsing: "a{b} {0.x} {c.job}"'
    assert '"a{b} {0.x} {c.job}"' in fault(OWN, target(said)).cause


def test_a_name_on_a_network_of_others_and_the_machine_itself_are_told_apart() -> None:
    unknown = 'Get "http://h:80/metrics": dial tcp: lookup h on 127.0.0.11:53: no such host'
    down = Target("shop", "h:80", "down", unknown, url="http://h:80/metrics")
    found = fault(Job("shop", "scrape/shop.yml", 3, network="shop_default"), down)
    assert found.cause == "the name h is unknown on network shop_default, or Prometheus is not on it"
    assert "monitoring-stack start connects Prometheus" in found.remedy
    machine = "http://host.docker.internal:8000/metrics"
    refused = f'Get "{machine}": dial tcp 172.17.0.1:8000: connect: connection refused'
    found = fault(OWN, Target("shop", "host.docker.internal:8000", "down", refused, url=machine))
    assert "the engine's machine" in found.cause and "127.0.0.1 alone" in found.remedy


def test_of_one_container_among_several_its_own_log_is_named() -> None:
    job = Job("redis_exporter", "scrape/redis_exporter.yml", 3, "redis_exporter", timeout=4.0)
    said = "context deadline exceeded"
    target = Target("redis_exporter", "cache", "down", said, "http://redis-exporter-cache:9121/metrics")
    assert fault(job, target).remedy == "monitoring-stack logs redis_exporter-cache shows why"
