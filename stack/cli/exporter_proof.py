"""Whether a watched server answers its exporter, and if not why: what the exporter's own log says, in one line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from stack.cli.session import Session
from stack.common.errors import SmokeFailed, StackError
from stack.common.moments import moment
from stack.common.wait import CLOCK, NotYet, TimedOut, until
from stack.components.exporters.kind import Kind
from stack.components.exporters.server import Server, servers
from stack.deploy.describe import Description
from stack.model.spec import container_name

PROMETHEUS = "http://127.0.0.1:9090/api/v1/"
SECONDS = 25.0
"""New targets show within five seconds, and are scraped each five."""
SILENT = 6.0
"""Seconds for which a server may be silent: one that just starts is asked once more."""
LOG_LINES = 20
LATELY = "5m"
KNOCK = 'nc -w 3 "$0" "$1" </dev/null'
FAULTY = re.compile(r"(?i)level=(?:err|warn)|\berr(?:or)?[=: ]")
SAID = re.compile(r'\b(?:err|error|msg)="((?:[^"\\]|\\.)*)"')


class Sentence(Struct, frozen=True):
    """What an exporter says, what that means, and the remedy; in both ``s`` is the server, ``m`` the match.

    ``u`` is whom it logs in as, ``p`` the question whether that is right.
    """

    pattern: str
    cause: str
    remedy: str


LISTENS = "does it run, is the port right, and does it listen on all addresses, not on 127.0.0.1 alone?"
SENTENCES = (
    Sentence("[Cc]onnection refused", "nobody listens on {s.at}", LISTENS),
    Sentence(
        "bad address|no such host|server misbehaving|[Tt]emporary failure in name|lookup .*i/o timeout",
        "the name {s.host} is unknown where the exporter runs",
        "give its address, or its container with --container NAME",
    ),
    Sentence(
        "password authentication failed|Access denied|Error 1045|WRONGPASS|invalid (?:username-)?password|NOAUTH",
        "the server refuses the login{u}",
        "{p}",
    ),
    Sentence(
        r"no pg_hba\.conf entry|Host '.*' is not allowed",
        "the server lets nobody in from the exporter's address",
        "allow that network there (pg_hba.conf, or the host of the user)",
    ),
    Sentence(
        "SSL is not enabled|does not support SSL", "the server speaks no TLS", "--option sslmode=disable"
    ),
    Sentence(
        r'database \\*"(.*?)\\*" does not exist',
        "the server has no database {m[1]}",
        "--option database=NAME",
    ),
    Sentence(
        r"(?:expected 200 response, got|HTTP status|status(?: code)?:?) ([45]\d\d)",
        "{s.at} answers {m[1]} to {s.options[path]}",
        "is that the path of its page (--option path=PATH), and may the exporter read it?",
    ),
    Sentence(
        "failed to parse response body|failed to scan|CSV|wrong number of fields",
        "{s.at} shows another page at {s.options[path]}",
        "--option path=PATH with the path of that page",
    ),
    Sentence(
        "unexpected stats line format|memcached.* err=EOF",
        "what answers at {s.at} is no memcached, or wants a login",
        "is that its port? One with SASL cannot be watched",
    ),
    Sentence("unknown network redis", "somebody answers there, and refuses the login{u}", "{p}"),
    Sentence("deadline exceeded|i/o timeout|[Tt]imed? ?out", "{s.at} does not answer in time", LISTENS),
)


class Answer(Struct, frozen=True):
    """What Prometheus knows of a server: ``up`` of the exporter, and of the server; None: not known.

    ``said``: why not, where the exporter tells that by a metric.
    """

    exporter: float | None
    server: float | None
    said: str = ""

    @property
    def good(self) -> bool:
        """Whether both are up."""
        return self.exporter == 1 and self.server == 1


def asked(session: Session, path: str) -> Any:
    """Data of Prometheus' API, asked in its own container; ``NotYet`` where it does not answer."""
    name = container_name(session.name, "prometheus")
    argv = ("wget", "-q", "-T", "10", "-O", "-", f"{PROMETHEUS}{path}")
    try:
        ran = session.engine.execute(name, argv, seconds=20)
    except StackError as error:
        raise NotYet(error.message) from error
    if ran.code != 0:
        raise NotYet(f"Prometheus does not answer: {ran.output.strip()}")
    return json.loads(ran.output)["data"]


def answer(session: Session, kind: Kind, name: str, since: float = 0.0) -> Answer:
    """What is known by scrapes since a Unix time: one of that name may have been watched a moment ago."""
    metrics = "|".join(filter(None, ("up", kind.up, kind.says)))
    which = f'{{__name__=~"{metrics}",job="{kind.name}",instance="{name}"}}[{LATELY}]'
    found = asked(session, f"query?{urlencode({'query': which})}")["result"]
    fresh = sorted(
        (one for one in found if one["values"][-1][0] >= since), key=lambda one: one["values"][-1][0]
    )
    series = {one["metric"]["__name__"]: one for one in fresh}  # of several, whose labels differ, the newest
    values = {metric: float(one["values"][-1][1]) for metric, one in series.items()}
    said = series.get(kind.says, {"metric": {}})["metric"].get("err", "")
    return Answer(values.get("up"), values.get(kind.up or "up"), said)


def started(session: Session, service: str) -> float:
    """When the container of an exporter was started, by the clock that Prometheus has too; 0 where it is not known."""
    found = session.engine.observe(session.name).container(service)
    return moment(found.started_at) if found else 0.0


def now(session: Session) -> float:
    """The time by Prometheus' own clock; 0 where it does not answer."""
    try:
        return float(asked(session, "query?query=time()")["result"][0])
    except NotYet:
        return 0.0


@dataclass
class Proof:
    """Of one server that was added; ``secret`` is the file of its password, as it was given."""

    session: Session
    kind: Kind
    name: str
    secret: str = ""
    silent_since: float = 0.0
    started: float = 0.0

    def __call__(self, description: Description) -> None:
        """Returns once it answers; ``SmokeFailed`` says why it does not."""
        server = server_of(description, self.kind, self.name)
        if server.on:
            from stack.cli.exporter_far import brought

            self.started = now(self.session)
            brought(self.session, description, server.on)
        else:
            self.started = started(self.session, self.kind.form.service(server))
        try:
            until(lambda: self._ask(server), seconds=SECONDS, every=0.3, retry=(NotYet,))
        except TimedOut as late:
            raise self._failure(server, "", late.last) from late

    def _ask(self, server: Server) -> None:
        found = answer(self.session, self.kind, self.name, self.started)
        if found.good:
            return
        if found.exporter == 0:
            raise NotYet(f"{self.kind.name} does not answer Prometheus")
        if found.exporter is None or found.server is None:
            raise NotYet(f"{self.kind.name} was not scraped within {SECONDS:g} s")
        self.silent_since = self.silent_since or CLOCK.now()
        if CLOCK.now() - self.silent_since > SILENT:
            raise self._failure(server, found.said, f"does not answer {self.kind.name}")
        raise NotYet(f"does not answer {self.kind.name}")

    def _failure(self, server: Server, said: str, last: str) -> SmokeFailed:
        lines = log_of(self.session, self.kind, server)
        heard = (*lines, said, knocked(self.session, self.kind, server))
        cause, remedy = why(server, heard, self.secret)
        at = f" at {server.at}" if server.port else ""
        return SmokeFailed(
            f"{self.kind.title} {server.name}{at}: {cause or last}",
            hint=remedy or f"{self.kind.name} says no more",
            logs=lines[-3:],
        )


def server_of(description: Description, kind: Kind, name: str) -> Server:
    """The server as it is described; KeyError where it is not."""
    return {server.name: server for server in servers(description.build, kind.form)}[name]


def log_of(session: Session, kind: Kind, server: Server) -> tuple[str, ...]:
    """The last lines of its exporter that tell of a fault, without the password, which some write down."""
    service = kind.form.service(server)
    try:
        lines = _lines(session, server, service)
    except StackError:
        return ()
    secret = server.secret.reveal()
    faulty = (line for line in lines if FAULTY.search(line))
    return tuple(line.replace(secret, "***") if secret else line for line in faulty)


def _lines(session: Session, server: Server, service: str) -> tuple[str, ...]:
    if not server.on:
        return session.engine.logs(container_name(session.name, service), LOG_LINES)
    from stack.cli.exporter_far import log_there

    return log_there(session, server, service, LOG_LINES)


def knocked(session: Session, kind: Kind, server: Server) -> str:
    """What a plain connection from the exporter's container ends with, where the exporter does not tell; else empty."""
    if not kind.says or server.on:
        return ""
    container = container_name(session.name, kind.form.service(server))
    try:
        ran = session.engine.execute(
            container, ("sh", "-c", KNOCK, server.host, str(server.port)), seconds=10
        )
    except StackError:
        return ""
    return "" if ran.code == 0 else ran.output.strip()


def why(server: Server, lines: tuple[str, ...], secret: str = "") -> tuple[str, str]:
    """Cause and remedy by the last line that is known; else what the last one says, and no remedy."""
    file = secret or server.secret_file
    right = f"is that in {file} its password, and may that user log in from elsewhere?"
    told = {
        "s": server,
        "u": f" of {server.user}" if server.user else "",
        "p": right if file else "--secret-file FILE with its password",
    }
    said = [line for line in lines if line]
    for line in reversed(said):
        for sentence in SENTENCES:
            if found := re.search(sentence.pattern, line):
                return sentence.cause.format(m=found, **told), sentence.remedy.format(m=found, **told)
    return (_words(said[-1]), "") if said else ("", "")


def _words(line: str) -> str:
    """The words of a line of a log."""
    found = SAID.findall(line)
    return found[-1].replace('\\"', '"') if found else line
