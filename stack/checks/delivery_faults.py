"""Why a receiver was not reached, and how that is mended: words of Alertmanager's notifiers, remedies. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

CODE = re.compile(r"""(?:status(?: code)?:? |HTTP |\()([1-5]\d\d)\b|\b([45]\d\d)[ -]"?\d\.\d+\.\d+""")
MAIL = re.compile(r'(?:SMTP client|command|delivery failure| auth): "?([245]\d\d)\b')
"""What a relay has answered, in the words of the integration email."""
TIME = ("deadline exceeded", "timeout")
FIRST = (
    ("HTTP request to an HTTPS", "it speaks HTTP with TLS alone: write https://"),
    ("HTTP request was sent to HTTPS", "it speaks HTTP with TLS alone: write https://"),
    ("proxyconnect", "the proxy is not reached: correct http_config.proxy_url"),
    ("bot was", "the bot is not let in there: add it to the chat once more"),
    ("bot is not a member", "the bot is not let in there: add it to the chat"),
    ("can't parse entities", "the text is no markup of its parse_mode: correct its template, or parse_mode"),
    ("channel_not_found", "there is no such channel, or the app is no member of it: correct channel"),
    ("not_in_channel", "the app is no member of that channel: invite it"),
    ("is_archived", "that channel is archived: choose another one"),
    ("missing_scope", "the app may not write: give it the scope chat:write"),
    ("chat not found", "there is no such chat, or the bot is no member of it: correct chat (chat_id)"),
)
"""What says more than the code of the answer."""
ENDED = (
    "it ends the connection without an answer: is that port the right one, and does it want TLS "
    "(https://; mail: force_implicit_tls)?"
)
UNREADABLE = "the address in {secret} cannot be read: correct it"
SIGNS = (
    ("no such host", "no DNS server that containers ask knows this host: correct its name"),
    ("server misbehaving", "DNS does not answer containers: correct the host, or the engine's DNS"),
    ("read udp", "DNS does not answer containers: is a firewall in between?"),
    ("connection refused", "nobody listens there, as a container sees it (localhost is the container itself)"),
    ("no route to host", "containers have no way there: a firewall, or a wrong address"),
    ("network is unreachable", "containers have no way to that network"),
    ("does not advertise the STARTTLS", "the relay offers no TLS: use its TLS port, or require_tls = false"),
    ("first record does not look like a TLS", "it begins without TLS: write http://, or another port (mail: 587)"),
    ("STARTTLS", "the TLS of the relay fails: tls_config.ca_file with its authority, or another port"),
    ("x509", "its certificate is not trusted: name the authority in http_config.tls_config.ca_file (mail: tls_config)"),
    ("tls: certificate required", "it wants a certificate: cert_file and key_file of tls_config"),
    ("tls: bad certificate", "it does not take the certificate: cert_file and key_file of tls_config"),
    ("tls: unrecognized name", "it has no certificate of that name: correct the host, or tls_config.server_name"),
    ("tls: protocol version", "it speaks no version of TLS that Alertmanager does: tls_config.min_version"),
    ("tls: ", "TLS fails there: correct the port, tls_config.server_name or its certificates"),
    ("doesn't support AUTH", "the relay offers no login: use its TLS port, or leave out username and password_file"),
    ("unknown auth mechanism", "the relay offers no login that Alertmanager knows"),
    ("missing password for", "a login has a password: password_file (auth_password_file) beside username"),
    ("missing secret for", "this login has a secret: auth_secret_file beside username"),
    ("unencrypted connection", "the login is sent with TLS only: require_tls = true"),
    (" auth: ", "the relay refuses user or password: correct {secret}"),
    ("'to' addresses", "to is NAME@HOST, or several of them with commas: correct it"),
    ("'from' address", "from is one NAME@HOST: correct it"),
    ("invalid_auth", "it does not accept the secret: put a valid one into {secret}"),
    ("invalid_token", "it does not accept the secret: put a valid one into {secret}"),
    ("not_authed", "it does not accept the secret: put a valid one into {secret}"),
    ("token_revoked", "it does not accept the secret: put a valid one into {secret}"),
    ("account_inactive", "it does not accept the secret: put a valid one into {secret}"),
    ("region not configured", "sigv4 needs a region"),
    ("credentials", "sigv4 needs access_key and secret_key, or a profile, that AWS takes"),
    ("server gave HTTP response to HTTPS", "it speaks HTTP without TLS: write http://, or the port with TLS"),
    ("malformed HTTP", "it does not speak HTTP: correct the port, or write https:// where it wants TLS"),
    ("connection reset", ENDED),
    ("connection broken", ENDED),
    ("broken pipe", ENDED),
    ("EOF", ENDED),
    ("short response", "it does not speak as a mail relay does: correct host (smarthost)"),
    ("JSON", "what answers there is another service: correct the address"),
    ("invalid character", "what answers there is another service: correct the address"),
    ("cannot be empty", "the secret is empty: put it into {secret}"),
    ("empty after templating", "the address is empty: correct its template"),
    ("template", "correct the template: monitoring-stack validate names its place"),
    ("payload", "correct the template: monitoring-stack validate names its place"),
    ("no such file", "monitoring-stack reload delivers the file"),
    ("permission denied", "monitoring-stack reload delivers the file"),
    ("protocol scheme", "the address in {secret} must begin with http:// or https://"),
    ("invalid URL", UNREADABLE),
    ("invalid port", UNREADABLE),
    ("invalid userinfo", UNREADABLE),
    ("in URL", UNREADABLE),
    ("could not parse chat_id", "the chat is a number: correct {secret}"),
)  # fmt: skip
REDIRECTED = (
    "its server sends on to another address, where a message does not arrive: put that one (Location in the answer of "
    "`curl -si ADDRESS`; often https:// in place of http://, or a / at its end) into {secret}"
)
NOT_TAKEN = "it does not understand the message: correct the options of the receiver (channel, chat, room)"
CODES = {
    **dict.fromkeys(("301", "302", "303", "307", "308"), REDIRECTED),
    "401": "it does not accept the secret: put a valid one into {secret}",
    "403": "it does not accept the secret: put a valid one into {secret}",
    "404": "there is no such address: was the webhook removed? put the new one into {secret}",
    "405": "the address is not that of a webhook: correct it",
    "407": "the proxy wants a login: correct http_config.proxy_url",
    "410": "the webhook was removed: make a new one, and put it into {secret}",
    "413": "the message is too long: shorten its template, or max_alerts",
    "429": "it takes no more messages for now: repeat and group_interval make them fewer",
}
LOGIN = "the relay refuses user or password: correct {secret}"
NOT_NOW = "the relay takes no mail for now, and it is tried again: where that stays, ask who runs it"
BY_WHOM = "the relay refuses the address: correct to and from"
MAIL_CODES = {
    "421": "the relay takes no connection for now: too many, or from an address that it does not let in",
    "450": "the relay waits, or knows no such mailbox: it is tried again; where that stays, correct to",
    "452": "the relay has no room, or takes fewer addresses at once: it is tried again; fewer in to",
    "454": "the relay has no TLS or login for now: it is tried again",
    "501": "the relay cannot read an address: correct from, to and hello",
    "530": "the relay wants TLS and a login: require_tls = true, username and password_file",
    **dict.fromkeys(("534", "535", "538"), LOGIN),
    **dict.fromkeys(("550", "551", "553"), BY_WHOM),
    "552": "the message is too long, or the mailbox full: shorten its template, or empty it",
    "554": "the relay refuses the message or this machine by a rule of its own: correct from, or ask who runs it",
}
REFUSED = "the relay refuses the mail: correct to, from and hello, or ask who runs it"
SERVERS = "its server has a fault of its own: try again, and look at its status page"
SLOW = "it does not answer in time: is a firewall in between?"
SLOW_RELAY = (
    "it does not greet in time: a port that begins with TLS needs force_implicit_tls = true (465 has it by itself); "
    "else is a firewall in between?"
)
UNKNOWN = "correct the receiver, or what answers there"


def code_of(reason: str) -> str:
    """The code of the answer that a reason tells of; empty where there was none."""
    found = MAIL.search(reason) or CODE.search(reason)
    return next(filter(None, found.groups()), "") if found else ""


def remedy(reason: str, secret: str, kind: str = "") -> str:
    """What to do about it; ``secret`` is the file of the receiver, empty where there is none. ``kind``: integration."""
    return next(_hints(reason, kind)).format(secret=secret or "its settings")


def _hints(reason: str, kind: str) -> Iterator[str]:
    """Remedies, the most special first."""
    code = code_of(reason)
    yield from (hint for sign, hint in FIRST if sign in reason)
    if code and MAIL.search(reason):
        yield MAIL_CODES.get(code) or (NOT_NOW if code.startswith("4") else REFUSED)
    if known := CODES.get(code):
        yield known
    if code.startswith("5") and "status" in reason:
        yield SERVERS
    if code.startswith("4"):
        yield NOT_TAKEN
    yield from (hint for sign, hint in SIGNS if sign in reason)
    if any(sign in reason for sign in TIME):
        yield SLOW_RELAY if kind == "email" else SLOW
    yield UNKNOWN
