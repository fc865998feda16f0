"""What the user says of the gateway: settings, and what it keeps in confidence."""

from __future__ import annotations

import re

from stack.components.manifest import SecretSpec
from stack.config import values
from stack.config.table import Setting, switch_setting

NAME = "gateway"
PASSWORD = "gateway_check"  # noqa: S105 - the name of a secret
CERTIFICATE, KEY, ACME_ROOT = "gateway_certificate", "gateway_key", "gateway_acme_root"
PEM_CERTIFICATE = re.compile(r".*-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----", re.DOTALL)
PEM_KEY = re.compile(
    r".*-----BEGIN ([A-Z]+ )?PRIVATE KEY-----.*-----END ([A-Z]+ )?PRIVATE KEY-----", re.DOTALL
)
FORWARD = re.compile(r"https?://[A-Za-z0-9_.-]+(:[0-9]{1,5})?(/[^\s#]*)?")
HEADERS = re.compile(r"([A-Za-z0-9-]+(\s*,\s*[A-Za-z0-9-]+)*)?")
MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
SETTINGS = (
    switch_setting(
        "gateway.mode", "STACK_GATEWAY", {"on": "on", "off": "off"}, NAME, "whether the gateway is on"
    ),
    Setting(
        "gateway.certificate_file",
        "STACK_GATEWAY_CERTIFICATE_FILE",
        str,
        "",
        "file with the certificate and those between it and its authority, PEM",
    ),
    Setting(
        "gateway.key_file",
        "STACK_GATEWAY_KEY_FILE",
        str,
        "",
        "file with the certificate's private key, PEM",
    ),
    Setting(
        "gateway.acme_email",
        "STACK_GATEWAY_ACME_EMAIL",
        values.match(MAIL, "an address like ops@example.org"),
        "",
        "have certificates issued by ACME (Let's Encrypt) to this address",
    ),
    Setting(
        "gateway.acme_directory",
        "STACK_GATEWAY_ACME_DIRECTORY",
        values.match(FORWARD, "an address like https://HOST/directory"),
        "",
        "another ACME server's directory",
    ),
    Setting(
        "gateway.acme_root_file",
        "STACK_GATEWAY_ACME_ROOT_FILE",
        str,
        "",
        "file with the root certificates of an ACME server of one's own and of what it issues, PEM",
    ),
    Setting(
        "gateway.forward_auth",
        "STACK_GATEWAY_FORWARD_AUTH",
        values.match(FORWARD, "an address like http://HOST:PORT/PATH"),
        "",
        "another login that is asked for each request, in place of the users of own/gateway/users",
    ),
    Setting(
        "gateway.forward_auth_headers",
        "STACK_GATEWAY_FORWARD_AUTH_HEADERS",
        values.match(HEADERS, "names of headers, separated by commas"),
        "",
        "headers of that login's answer which the products are given",
    ),
    Setting(
        "gateway.max_body",
        "STACK_GATEWAY_MAX_BODY",
        values.match(values.SIZE, "like 10MB"),
        "10MB",
        "size of a request's body",
    ),
)
SECRETS = (
    SecretSpec(PASSWORD),
    SecretSpec(
        CERTIFICATE, "gateway.certificate_file", False, PEM_CERTIFICATE, "a certificate as PEM text", True
    ),
    SecretSpec(
        KEY, "gateway.key_file", False, PEM_KEY, "a private key as PEM text, without a passphrase", True
    ),
    SecretSpec(
        ACME_ROOT, "gateway.acme_root_file", False, PEM_CERTIFICATE, "root certificates as PEM text", True
    ),
)
