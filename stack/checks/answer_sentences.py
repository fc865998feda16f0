"""Prometheus' sentences about answers that it cannot use, each with its cause and remedy. Pure.

Those of Prometheus 3 and of Go's HTTP. They count after those of ``stack.checks.target_sentences``.
"""

from __future__ import annotations

from stack.checks.sentence import Sentence

FALLBACK = "fallback_scrape_protocol: PrometheusText0.0.4"
BROKEN_LINE = (
    "{c.at}: is metrics_path that of metrics? Then {c.who} writes a faulty line; "
    "promtool check metrics, given its page, says more"
)
ANSWERS = (
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
        r'(?:got|while parsing:) "\\x(?:ff|fe)',
        "{c.url} is UTF-16, and the format is UTF-8",
        "{c.at}: {c.who} must write UTF-8",
    ),
    Sentence(
        r"(?:gzip|flate): [^\n]*",
        "{c.url} says that it is compressed and cannot be read as that ({m[0]})",
        "{c.at}: enable_compression: false asks for plain text; "
        "if it says so all the same, {c.who} or a proxy before it is at fault",
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
        "unexpected data after # EOF",
        "{c.url} goes on behind # EOF, where OpenMetrics ends",
        "{c.at}: {c.who} must write # EOF once, as its last line, also where it joins several pages",
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
        "{c.at}: scrape_protocols: [PrometheusText0.0.4] asks for text; "
        "if it says so all the same, {c.who} must name the format that it writes",
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
