"""Why a receiver was not reached, and how that is mended: words of Alertmanager's notifiers, remedies. Pure."""

from __future__ import annotations

import re

CODE = re.compile(r"""(?:status(?: code)?:? |HTTP |\()([1-5]\d\d)\b|\b([45]\d\d)[ -]"?\d\.\d+\.\d+""")
SIGNS = (
    ("no such host", "no DNS server that containers ask knows this host: correct its name"),
    ("server misbehaving", "DNS does not answer containers: correct the host, or the engine's DNS"),
    ("connection refused", "nobody listens there, as a container sees it (localhost is the container itself)"),
    ("no route to host", "containers have no way there: a firewall, or a wrong address"),
    ("network is unreachable", "containers have no way to that network"),
    ("does not advertise the STARTTLS", "the relay offers no TLS: use its TLS port, or require_tls = false"),
    ("STARTTLS", "the TLS of the relay fails: tls_config.ca_file with its authority, or another port"),
    ("doesn't support AUTH", "the relay offers no login: use its TLS port, or leave out username and password_file"),
    ("unknown auth mechanism", "the relay offers no login that Alertmanager knows"),
    ("unencrypted connection", "the login is sent with TLS only: require_tls = true"),
    ("x509", "its certificate is not trusted: name the authority in http_config.tls_config.ca_file (mail: tls_config)"),
    (" auth: ", "the relay refuses user or password: correct {secret}"),
    ("channel_not_found", "there is no such channel, or the app is no member of it: correct channel"),
    ("not_in_channel", "the app is no member of that channel: invite it"),
    ("invalid_auth", "it does not accept the secret: put a valid one into {secret}"),
    ("invalid_token", "it does not accept the secret: put a valid one into {secret}"),
    ("server gave HTTP response to HTTPS", "it speaks HTTP without TLS: write http://, or the port with TLS"),
    ("deadline exceeded", "it does not answer in time: is a firewall in between?"),
    ("timeout", "it does not answer in time: is a firewall in between?"),
    ("template", "correct the template: monitoring-stack validate names its place"),
    ("no such file", "monitoring-stack reload delivers the file"),
    ("unsupported protocol scheme", "the address in the file must begin with http:// or https://"),
    ("missing protocol scheme", "the address in the file must begin with http:// or https://"),
)  # fmt: skip
REDIRECTED = (
    "its server sends on to another address, where a message does not arrive: put that one (Location in the answer of "
    "`curl -si ADDRESS`; often https:// in place of http://, or a / at its end) into {secret}"
)
CODES = {
    **dict.fromkeys(("301", "302", "303", "307", "308"), REDIRECTED),
    "400": "it does not understand the message: correct the options of the receiver (channel, chat, room)",
    "401": "it does not accept the secret: put a valid one into {secret}",
    "403": "it does not accept the secret: put a valid one into {secret}",
    "404": "there is no such address: was the webhook removed? put the new one into {secret}",
    "405": "the address is not that of a webhook: correct it",
    "410": "the webhook was removed: make a new one, and put it into {secret}",
    "413": "the message is too long: shorten its template, or max_alerts",
    "429": "it takes no more messages for now: repeat and group_interval make them fewer",
    "535": "the relay refuses user or password: correct {secret}",
    "550": "the relay refuses the address: correct to and from",
    "553": "the relay refuses the address: correct to and from",
}
SERVERS = "its server has a fault of its own: try again, and look at its status page"


def code_of(reason: str) -> str:
    """The code of the answer that a reason tells of; empty where there was none."""
    found = CODE.search(reason)
    return (found[1] or found[2]) if found else ""


def remedy(reason: str, secret: str) -> str:
    """What to do about it; ``secret`` is the file of the receiver, empty where it has none."""
    code, where = code_of(reason), secret or "its settings"
    if known := CODES.get(code):
        return known.format(secret=where)
    if code.startswith("5") and "status" in reason:
        return SERVERS
    hints = (hint.format(secret=where) for sign, hint in SIGNS if sign in reason)
    return next(hints, "correct the receiver, or what answers there")
