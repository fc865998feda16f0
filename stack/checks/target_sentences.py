"""Prometheus' sentences about targets that it cannot scrape, each with its cause and remedy. Pure.

Those of Prometheus 3 and of Go's HTTP and TLS. Values are put in by ``stack.checks.target_faults``.
"""

from __future__ import annotations

from stack.checks.answer_sentences import ANSWERS
from stack.checks.sentence import Sentence

NAME = r"lookup (\S+?)(?: on \S+)?: .*(?:no such host|server misbehaving|Temporary failure|i/o timeout)"
SENTENCES = (
    Sentence(
        r"proxyconnect tcp: ([^\n]*)",
        "the proxy by which {c.host} is asked cannot be reached: {m[1]}",
        "{c.at}: correct proxy_url, or remove it",
    ),
    Sentence(
        r"oauth2: (cannot [^\n]*)",
        "the token for {c.host} is not had: {m[1]}",
        "{c.at}: correct oauth2 (token_url, client_id, client_secret_file)",
    ),
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
        "HTTP status (30[12378])",
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
        r"unsupported protocol scheme [^\n]*|failed to parse Location header [^\n]*",
        "{c.host} redirects {c.path} to where nothing can be asked: {m[0]}",
        "{c.at}: set metrics_path to the final address",
    ),
    Sentence(
        r"stopped after \d+ redirects",
        "{c.host} redirects {c.path} in a circle",
        "{c.at}: set metrics_path to the final address; a page with a login often does this",
    ),
    *ANSWERS,
)
