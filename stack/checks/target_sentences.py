"""Prometheus' sentences about targets that it cannot scrape, each with its cause and remedy. Pure.

Those of Prometheus 3 and of Go's HTTP and TLS. Values are put in by ``stack.checks.target_faults``.
"""

from __future__ import annotations

from msgspec import Struct


class Sentence(Struct, frozen=True):
    """One kind of sentence by its ``pattern``: what it means, and the remedy.

    In both, ``c`` is the case and ``m`` what the pattern has found. ``when``: a property of the case that must hold,
    where one sentence has several causes; the first that fits counts.
    """

    pattern: str
    cause: str
    remedy: str
    when: str = ""


FALLBACK = "fallback_scrape_protocol: PrometheusText0.0.4"
NAME = r"lookup (\S+?)(?: on \S+)?: .*(?:no such host|server misbehaving|Temporary failure|i/o timeout)"
BROKEN_LINE = (
    "{c.at}: is metrics_path that of metrics? Then {c.who} writes a faulty line; "
    "promtool check metrics, given its page, says more"
)
SENTENCES = (
    Sentence(
        r"(?:unable to read|unable to use|unable to load).*?(?:file|cert) (\S+?): (.*)$",
        "Prometheus cannot read {m[1]}, which the job names ({m[2]})",
        "{c.at}: name a file that lies in Prometheus' container and that its user (65534) may read",
    ),
    Sentence(
        "connection refused|cannot assign requested address",
        "nobody listens on {c.host}, which is inside Prometheus' own container",
        "{c.at}: name the container of the service instead, or the address of the machine that it runs on",
        when="loopback",
    ),
    Sentence("connection refused", "nobody listens on {c.host}", "{c.logs}", when="shipped"),
    Sentence(
        "connection refused",
        "nobody listens on {c.host}, the engine's machine as its containers see it",
        "{c.at}: does it run, and does it listen on all addresses (0.0.0.0) or on that of the docker0 bridge, "
        "not on 127.0.0.1 alone, which no container can reach?",
        when="host_gateway",
    ),
    Sentence(
        "connection refused",
        "nobody listens on {c.host}",
        "{c.at}: does it run, is the port right, and does it listen on all addresses, not on 127.0.0.1 alone?",
    ),
    Sentence(
        NAME,
        "the name {m[1]} is unknown in the stack's network",
        "monitoring-stack start brings its container back",
        when="shipped",
    ),
    Sentence(
        NAME,
        "the name {m[1]} is unknown on network {c.job.network}, or Prometheus is not on it",
        "{c.at}: does the container of that name run there? monitoring-stack start connects Prometheus to it",
        when="elsewhere",
    ),
    Sentence(
        NAME,
        "the name {m[1]} is unknown where Prometheus runs",
        "{c.at}: correct the name, or connect the container of that name to the stack's network",
    ),
    Sentence(
        "no route to host|network is unreachable|host is down",
        "there is no way to {c.host} ({m[0]})",
        "{c.at}: is the address right, and may Prometheus' container reach it (firewall, network)?",
    ),
    Sentence(
        "x509: certificate signed by unknown authority",
        "the certificate of {c.host} is of an authority that Prometheus does not know",
        "{c.at}: add tls_config: {{ca_file: ...}} with that authority's certificate",
    ),
    Sentence(
        r"x509: certificate relies on legacy Common Name",
        "the certificate of {c.host} has its name in the Common Name alone, which is read no more",
        "renew it with a subjectAltName of {c.host}; until then {c.at}: tls_config: {{insecure_skip_verify: true}}",
    ),
    Sentence(
        r"x509: (certificate (?:is valid for|is not valid for)[^\n]*|cannot validate certificate[^\n]*)",
        "the certificate of {c.host} is for another name ({m[1]})",
        "{c.at}: use the name in the certificate, or say it with tls_config: {{server_name: ...}}",
    ),
    Sentence(
        "x509: certificate has expired",
        "the certificate of {c.host} has expired or is not valid yet",
        "renew the certificate of {c.host}, and see that both clocks are right",
    ),
    Sentence(
        "server gave HTTP response to HTTPS client|does not look like a TLS handshake",
        "{c.host} speaks plain HTTP and the job asks for HTTPS",
        "{c.at}: remove scheme: https",
    ),
    Sentence(
        r"tls: ([^\n]*)",
        "no TLS with {c.host}: {m[1]}",
        "{c.at}: tls_config must fit what it demands (client certificate, TLS version)",
    ),
    Sentence(
        "deadline exceeded|i/o timeout|Client.Timeout",
        "{c.host} did not answer within {c.job.timeout:g} s",
        "{c.logs}",
        when="shipped",
    ),
    Sentence(
        "deadline exceeded|i/o timeout|Client.Timeout",
        "{c.host} did not answer within {c.job.timeout:g} s (scrape_timeout)",
        "{c.at}: give it longer (scrape_timeout, at most scrape_interval), unless a firewall drops what is asked",
    ),
    Sentence(
        "HTTP status 401",
        "{c.host} wants credentials, or others than it is given (401)",
        "monitoring-stack restart gives both sides the same secret",
        when="shipped",
    ),
    Sentence(
        "HTTP status 401",
        "{c.host} wants credentials, or others than it is given (401)",
        "{c.at}: add authorization: {{credentials_file: ...}}, "
        "or basic_auth: {{username: ..., password_file: ...}}",
    ),
    Sentence(
        "HTTP status 403",
        "{c.host} refuses {c.path} to Prometheus (403): its credentials or its address are not allowed",
        "{c.at}: use credentials that may read it, or allow the address of Prometheus' container there",
    ),
    Sentence(
        "HTTP status 404",
        "{c.host} has no {c.path} (404)",
        "{c.at}: set metrics_path to where its metrics are; is the port that of its metrics?",
    ),
    Sentence(
        r"HTTP status (3\d\d)",
        "{c.host} redirects {c.path} ({m[1]}) and is not followed: follow_redirects is false, or it does not say where",
        "{c.at}: set metrics_path to the final address, or follow_redirects: true",
    ),
    Sentence(
        "HTTP status 400",
        "{c.host} answers 400 to {c.path}: the request is not what it wants",
        "{c.at}: does it speak HTTPS (scheme: https), or demand parameters (params: {{...}})?",
        when="over_http",
    ),
    Sentence(r"HTTP status (\d{3}[^\n]*)", "{c.host} answers {m[1]} to {c.path}", "{c.logs}"),
    Sentence(
        r"stopped after \d+ redirects",
        "{c.host} redirects {c.path} in a circle",
        "{c.at}: set metrics_path to the final address; a page with a login often does this",
    ),
    Sentence(
        r'Content-Type "(?:text/html|application/xhtml)',
        "{c.url} says that it is a web page (HTML): another path or port, or a redirect to a login page",
        "{c.at}: set metrics_path and the port to those of the metrics; "
        f"where they are metrics all the same, add {FALLBACK}",
    ),
    Sentence(
        r'got "<"|while parsing: "<',
        "{c.url} is a web page (HTML), not metrics: another path or port, or a redirect to a login page",
        "{c.at}: set metrics_path and the port to those of the metrics",
    ),
    Sentence(
        r'got "[{\[]"|while parsing: "[{\[]',
        "{c.url} is JSON, not metrics",
        "{c.at}: set metrics_path to where its metrics are; JSON needs json_exporter between",
    ),
    Sentence(
        r'(?:got|while parsing:) "\\(?:ufeff|xef)',
        "{c.url} begins with a byte order mark, which the format does not have",
        "{c.at}: {c.who} must write UTF-8 without one",
    ),
    Sentence(
        r'got "(?:\\r|\r)|while parsing: ".*(?:\\r|\r)',
        "{c.url} ends its lines with CR LF, and the format with LF alone",
        "{c.at}: {c.who} must end its lines with \\n",
    ),
    Sentence(
        "blank Content-Type",
        "{c.url} answers without a Content-Type, which Prometheus 3 refuses",
        f"{{c.at}}: add {FALLBACK}",
    ),
    Sentence(
        r'Content-Type ("[^\n]*?") and no fallback',
        "{c.url} answers with Content-Type {m[1]}, which is not one of metrics",
        f"{{c.at}}: if it is the text format all the same, add {FALLBACK}; if not, metrics_path or port are wrong",
    ),
    Sentence(
        "sample limit exceeded",
        "{c.host} has more samples than sample_limit allows, so that none is kept",
        "{c.at}: raise sample_limit, or drop metrics with metric_relabel_configs",
    ),
    Sentence(
        "histogram bucket limit exceeded",
        "{c.host} has more buckets than native_histogram_bucket_limit allows, so that no sample is kept",
        "{c.at}: raise native_histogram_bucket_limit",
    ),
    Sentence(
        "body size limit exceeded",
        "the answer of {c.host} is larger than body_size_limit, so that none of it is kept",
        "{c.at}: raise body_size_limit",
    ),
    Sentence(
        r"target_limit exceeded \((.*)\)",
        "the job has more targets than target_limit allows ({m[1]}), so that none is scraped",
        "{c.at}: raise target_limit",
    ),
    Sentence(
        r"(label(?:_name_length|_value_length)?_limit) exceeded \((.*)\)",
        "{c.host} exceeds {m[1]} ({m[2]}), so that no sample is kept",
        "{c.at}: raise {m[1]}, or drop the labels with metric_relabel_configs",
    ),
    Sentence(
        "does not end with # EOF",
        "{c.url} says that it is OpenMetrics and does not end with # EOF",
        "{c.at}: scrape_protocols: [PrometheusText0.0.4] asks for the older format; {c.who} should end as it says",
    ),
    Sentence(
        r'malformed HTTP \w+ "\\x15\\x03',
        "{c.host} speaks HTTPS and the job asks for plain HTTP",
        "{c.at}: add scheme: https",
    ),
    Sentence(
        "invalid byte in chunk length|chunked line ends|chunked encoding|invalid Read on closed Body",
        "the answer of {c.host} is no valid HTTP: {m[0]}",
        "{c.at}: {c.who}, or a proxy before it, breaks the chunks of its body: its log shows why",
    ),
    Sentence(
        "malformed HTTP|transport connection broken",
        "what listens on {c.host} does not speak HTTP",
        "{c.at}: the port is not that of metrics; a database or a cache needs its exporter",
    ),
    Sentence(
        "EOF$|connection reset by peer|broken pipe|server closed",
        "{c.host} closed the connection before its answer was over",
        "{c.at}: does it speak HTTPS (scheme: https)? Else the log of {c.who} shows why",
        when="over_http",
    ),
    Sentence(
        "EOF$|connection reset by peer|broken pipe|server closed",
        "{c.host} closed the connection before its answer was over",
        "{c.logs}",
    ),
    Sentence(
        r'label name "?(.+?)"? is not unique',
        "{c.url} has the label {m[1]} twice in one sample",
        "{c.at}: {c.who} must write each label once; none of its samples is kept until then",
    ),
    Sentence(
        r'unit "?(.+?)"? not a suffix of metric "?([^"\n]+)',
        "{c.url} is no valid OpenMetrics: the name {m[2]} does not end with its unit {m[1]}",
        "{c.at}: scrape_protocols: [PrometheusText0.0.4] asks for the older format; {c.who} should name it right",
    ),
    Sentence(
        r"proto: [^\n]*|illegal wireType[^\n]*|expected at least \d+ bytes, got \d+ bytes",
        "{c.url} says that it is the protobuf format and cannot be read as that ({m[0]})",
        "{c.at}: scrape_protocols: [PrometheusText0.0.4] asks for text",
    ),
    Sentence(
        "connect: (?:cannot assign requested address|invalid argument)",
        "{c.host} is no address that Prometheus' container can ask",
        "{c.at}: name the container of the service, or the address of the machine that it runs on",
    ),
    Sentence(
        r'(.*?) while parsing: (".*")$',
        "{c.url} is no valid exposition at {m[2]}: {m[1]}",
        BROKEN_LINE,
    ),
    Sentence(
        "(?:invalid (?:metric type|UTF-8|metric name)|expected ).*",
        "{c.url} is no valid exposition: {m[0]}",
        BROKEN_LINE,
    ),
)
