"""A receiver is tried by an alert of its own: delivered, refused, retried or held back, and what is said of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from stack.checks.context import CheckContext
from stack.checks.delivery_faults import CODES, MAIL_CODES, UNKNOWN, code_of, remedy
from stack.checks.model import Broken
from stack.checks.receiver_trial import Outcome, Tried, document, receiver_of, trial
from stack.clients.alertmanager import HeldAlert
from stack.common.wait import Clock

FILE = """
route:
  receiver: app
  routes:
    - {"receiver": "oncall", "matchers": ["stack_test=\\"true\\"", "stack_receiver=\\"oncall\\""]}
receivers:
  - name: stack-test
  - name: app
    webhook_configs: [{url: http://app:8000/alerts}]
  - name: oncall
    slack_configs: [{api_url_file: /etc/stack/current/secrets/slack}, {api_url_file: x, send_resolved: false}]
    email_configs: [{to: a, send_resolved: true}]
    discord_configs: []
  - name: nobody
"""
ONCALL = Tried("oncall", {"slack": 1}, frozenset({"slack"}), "own/secrets/slack")
GIVEN_UP = "oncall/slack[0]: notify retry canceled due to unrecoverable error after 1 attempts"
SAID = 'proof_id=\\"{proof}\\" err="{given_up}: {}"'


class Alertmanager:
    """Counts as ``reaction`` says once an alert is there; the time passes with each look."""

    def __init__(self, reaction: Callable[[int], str], held: Mapping[str, Any] | None = None) -> None:
        self.reaction, self.held = reaction, held or {}
        self.posted: list[tuple[dict[str, str], bool]] = []
        self.now, self.looks = 0.0, 0
        self.http = self
        self.clock = Clock(now=lambda: self.now, sleeper=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def get(self, path: str) -> Any:
        self.looks += 1 if self.posted else 0
        return SimpleNamespace(text=self.reaction(len(self.posted)) if self.posted else counts())

    def post_alert(self, labels: dict[str, str], texts: dict[str, str], starts: float, ends: float) -> None:
        self.posted.append((labels, ends < time.time()))

    def alerts(self, name: str) -> tuple[HeldAlert, ...]:
        return (HeldAlert("f", self.posted[0][0], 0.0, **self.held),)

    def log(self, said: str) -> Callable[[int], list[str]]:
        return lambda lines: [SAID.format(said, given_up=GIVEN_UP, proof=self.posted[0][0]["proof_id"])]


def counts(begun: int = 0, given_up: int = 0, requests: int = 0, refused: int = 0) -> str:
    labels = '{integration="slack",receiver_name="oncall"}'
    return (
        f"alertmanager_notifications_total{labels} {begun}\n"
        f"alertmanager_notifications_failed_total{labels} {given_up}\n"
        f"alertmanager_notification_requests_total{labels} {requests}\n"
        f"alertmanager_notification_requests_failed_total{labels} {refused}\n"
    )


def tried(asked: Alertmanager, said: str = "", *, ends: bool = False) -> tuple[Outcome, ...]:
    context = cast(CheckContext, SimpleNamespace(alertmanager=asked))
    return trial(context, ONCALL, asked.log(said), severity="critical", ends=ends, clock=asked.clock)


def test_an_alert_that_is_taken_is_delivered_and_ended() -> None:
    asked = Alertmanager(lambda posted: counts(begun=1, requests=1))
    (outcome,) = tried(asked)
    assert (outcome.integration, outcome.status, outcome.delivered) == ("slack", "firing", True)
    labels = asked.posted[0][0]
    assert (
        labels["stack_receiver"] == "oncall"
        and labels["stack_test"] == "true"
        and labels["severity"] == "critical"
    )
    assert [over for _, over in asked.posted] == [False, True]


def test_its_end_is_waited_for_when_asked() -> None:
    asked = Alertmanager(lambda posted: counts(begun=posted, requests=posted))
    assert [(one.status, one.delivered) for one in tried(asked, ends=True)] == [
        ("firing", True),
        ("resolved", True),
    ]


def test_a_refusal_tells_answer_code_and_remedy() -> None:
    asked = Alertmanager(lambda posted: counts(begun=1, given_up=1, requests=1, refused=1))
    (outcome,) = tried(asked, "unexpected status code 403: invalid_token", ends=True)
    assert not outcome.delivered and outcome.code == "403" and "invalid_token" in outcome.answer
    assert outcome.remedy == "it does not accept the secret: put a valid one into own/secrets/slack"
    assert [over for _, over in asked.posted] == [False, True]
    assert document(outcome)["delivered"] is False


def test_a_request_is_no_delivery_while_its_refusal_is_not_yet_counted() -> None:
    asked = Alertmanager(lambda posted: counts(begun=1, requests=1, refused=0 if asked.looks == 1 else 1))
    (outcome,) = tried(asked, "does not advertise the STARTTLS extension")
    assert not outcome.delivered and outcome.remedy.startswith("the relay offers")


def test_a_refusal_that_is_repeated_may_still_end_well() -> None:
    asked = Alertmanager(lambda posted: counts(begun=1, requests=2 if asked.looks > 3 else 1, refused=1))
    assert tried(asked)[0].delivered


def test_a_refusal_that_stays_is_told_while_it_is_repeated() -> None:
    asked = Alertmanager(lambda posted: counts(begun=1, requests=2, refused=2))
    (outcome,) = tried(asked, "dial tcp: lookup x: no such host")
    assert not outcome.delivered and outcome.remedy.startswith("no DNS server") and 3 < outcome.seconds < 5


def test_no_answer_at_all_is_told_after_its_time() -> None:
    asked = Alertmanager(lambda posted: counts(begun=1))
    (outcome,) = tried(asked)
    assert not outcome.delivered and outcome.remedy


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"silenced": ("5d1e",)}, "held back by silence 5d1e"),
        ({"inhibited": ("a", "b")}, "held back by an inhibition"),
        ({"muted": ("night",)}, "held back by time interval night"),
    ],
)
def test_an_alert_that_is_held_back_names_what_holds_it(held: dict[str, Any], said: str) -> None:
    asked = Alertmanager(lambda posted: counts(), held)
    with pytest.raises(Broken, match=said):
        tried(asked)
    assert asked.posted[-1][1]


def test_a_receiver_is_read_from_the_file() -> None:
    assert receiver_of(FILE, "oncall") == Tried(
        "oncall", {"slack": 2, "email": 1}, frozenset({"email"}), "own/secrets/slack"
    )
    unsaid = FILE.replace("to: a, send_resolved: true", "to: a")
    assert receiver_of(unsaid, "oncall").tells_ends == frozenset(), "mail tells of no end by itself"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nope", "there is no receiver nope"),
        ("stack-test", "there is no receiver stack-test"),
        ("nobody", "receiver nobody tells nobody"),
        ("app", "receiver app tells the application alone"),
    ],
)
def test_what_cannot_be_tried_is_named(name: str, said: str) -> None:
    with pytest.raises(Broken, match=said) as caught:
        receiver_of(FILE, name)
    assert caught.value.hint


FAULTS = [
    ('Post "<redacted>": dial tcp: lookup x.invalid on 127.0.0.11:53: no such host', "", "no DNS server"),
    ('Post "<redacted>": dial tcp 172.17.0.1:8998: connect: connection refused', "", "nobody listens there"),
    ("unexpected status code 503: x", "503", "its server has a fault"),
    ("unexpected status code 404: no_team", "404", "there is no such address"),
    ("telegram: Unauthorized (401)", "401", "it does not accept the secret"),
    ("'require_tls' is true (default) but \"a:25\" does not advertise the STARTTLS extension", "", "the relay offers"),
    ("send STARTTLS command: tls: failed to verify certificate: x509: unknown authority", "", "the TLS of the relay"),
    ("*smtp.plainAuth auth: 535 5.7.8 Authentication credentials invalid", "535", "the relay refuses user or password"),
    ('Post "<redacted>": tls: failed to verify certificate: x509: certificate signed by', "", "its certificate is not"),
    ("unexpected status code 301: moved", "301", "its server sends on to another address"),
    ("unexpected status code 308: http://x", "308", "its server sends on to another address"),
    ("send RCPT command: 550 No such user", "550", "the relay refuses the address"),
    ("create SMTP client: 421 too many connections", "421", "the relay takes no connection for now"),
    ("send RCPT command: 450 4.2.0 greylisted", "450", "the relay waits, or knows no such mailbox"),
    ("send MAIL command: 451 4.3.0 try later", "451", "the relay takes no mail for now"),
    ("send RCPT command: 452 4.5.3 too many recipients", "452", "the relay has no room"),
    ("send MAIL command: 530 5.7.0 must issue a STARTTLS command first", "530", "the relay wants TLS and a login"),
    ("delivery failure: 552 5.3.4 message too big", "552", "the message is too long"),
    ("delivery failure: 554 rejected as spam", "554", "the relay refuses the message or this machine"),
    ("send MAIL command: 503 bad sequence", "503", "the relay refuses the mail"),
    ("establish TLS connection to server: EOF", "", "it ends the connection without an answer"),
    ("create SMTP client: EOF", "", "it ends the connection without an answer"),
    ('Post "<redacted>": EOF', "", "it ends the connection without an answer"),
    ('Post "<redacted>": read tcp 1.2.3.4:1->1.2.3.4:2: read: connection reset by peer', "", "it ends the connection"),
    ('Post "<redacted>": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x15"', "",
        "it does not speak HTTP"),
    ('Post "<redacted>": remote error: tls: handshake failure', "", "TLS fails there"),
    ("establish TLS connection to server: tls: first record does not look like a TLS handshake", "",
        "it begins without TLS"),
    ("unexpected status code 400: Client sent an HTTP request to an HTTPS server.", "400", "it speaks HTTP with TLS"),
    ("parse 'to' addresses: mail: missing '@' or angle-addr", "", "to is NAME@HOST"),
    ("must be exactly one 'from' address (got: 2)", "", "from is one NAME@HOST"),
    ("find auth mechanism: missing password for PLAIN auth mechanism", "", "a login has a password"),
    ("telegram: Forbidden: bot was kicked from the group chat (403)", "403", "the bot is not let in there"),
    ("unexpected status code 422: x", "422", "it does not understand the message"),
    ("could not unmarshal JSON response: invalid character '<'", "", "what answers there is another service"),
    ('parse "<redacted>": invalid URL escape "%zz"', "", "the address in own/secrets/x cannot be read"),
    ("lookup a on 127.0.0.11:53: read udp 1.2.3.4:5: i/o timeout", "", "DNS does not answer"),
    ('Post "<redacted>": proxyconnect tcp: dial tcp 1.2.3.4:3128: connect: connection refused', "", "the proxy is not"),
    ("anything else", "", "correct the receiver"),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "code", "hint"), FAULTS)
def test_each_reason_has_its_code_and_its_remedy(reason: str, code: str, hint: str) -> None:
    assert code_of(reason) == code
    assert remedy(reason, "own/secrets/x").startswith(hint)


def test_a_relay_that_does_not_greet_may_begin_with_tls() -> None:
    said = "establish connection to server: context deadline exceeded"
    assert "force_implicit_tls = true" in remedy(said, "", "email")
    assert remedy(said, "", "webhook").startswith("it does not answer in time: is a firewall")


def test_every_code_has_a_remedy_with_and_without_a_secret() -> None:
    for code, said in (
        *((c, f"status code {c}: x") for c in CODES),
        *((c, f"command: {c} x") for c in MAIL_CODES),
    ):
        for secret in ("own/secrets/x", ""):
            found = remedy(said, secret)
            assert "{" not in found and found != UNKNOWN and code_of(said) == code
