"""Why a probe fails, and what to do: from what blackbox_exporter logs of it. Pure.

The sentences are those of its versions 0.24 to 0.29 and of Go's HTTP, TLS and DNS; one that is not known here is passed
on as it is.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from msgspec import Struct, field

from stack.checks.sentence import Sentence
from stack.checks.target_faults import Fault
from stack.model.outer import is_itself

METRICS = "Metrics that would have been returned:"
FIELD = re.compile(r'(\w+)=("(?:\\.|[^"\\])*"|\S*)')
ESCAPED = re.compile(r"\\(.)")
SAMPLE = re.compile(r"^(probe_\w+) (\S+)$", re.MULTILINE)
MOST_REDIRECTS = 10
Fields = dict[str, str]


class Answer(Struct, frozen=True):
    """What one probe with its log gave. ``figures``: its metrics without labels."""

    log: tuple[Fields, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def success(self) -> bool:
        """Whether all was as the module wants it."""
        return self.figures.get("probe_success") == 1


def answer(page: str) -> Answer:
    """What ``/probe?debug=true`` says."""
    log, _, rest = page.partition(METRICS)
    lines = tuple(found for line in log.splitlines() if "msg" in (found := _fields(line)))
    return Answer(lines, {name: float(value) for name, value in SAMPLE.findall(rest)})


def _fields(line: str) -> Fields:
    return {name: _unquoted(value) for name, value in FIELD.findall(line)}


def _unquoted(value: str) -> str:
    return ESCAPED.sub(r"\1", value[1:-1]) if value[:1] == '"' else value


class Case(Struct, frozen=True):
    """A probe that failed: its target, how long it may take, and what is known of it. ``rest``: fields of its log."""

    target: str
    seconds: float
    rest: Fields
    log: tuple[Fields, ...]

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.target).netloc.rpartition("@")[2] if "://" in self.target else self.target

    @property
    def loopback(self) -> bool:
        """Whether it is inside the container of blackbox_exporter."""
        url = self.target if "://" in self.target else f"//{self.target}"
        return is_itself(urlsplit(url).hostname or "")

    @property
    def encrypted(self) -> bool:
        """Whether it is asked by TLS."""
        return self.target.startswith("https://")

    @property
    def circle(self) -> bool:
        """Whether it was redirected until nobody followed any more."""
        return len(self.redirects) >= MOST_REDIRECTS

    @property
    def redirects(self) -> list[str]:
        """Where it was redirected to."""
        return [line["location"] for line in self.log if "location" in line]

    @property
    def to(self) -> str:
        """The last of these."""
        return self.redirects[-1] if self.redirects else "another address"

    @property
    def wanted(self) -> str:
        """The status codes that the module takes."""
        return self.rest.get("valid_status_codes", "").strip("[]").replace(" ", ", ") or "2xx"

    @property
    def code(self) -> str:
        """The status code that came."""
        return self.rest.get("status_code", "")

    @property
    def redirected(self) -> bool:
        """Whether it ended with a redirect that nobody follows."""
        return self.code[:1] == "3"

    @property
    def locked(self) -> bool:
        """Whether it wants credentials."""
        return self.code in ("401", "403")

    @property
    def pattern(self) -> str:
        """What the body was searched for."""
        return self.rest.get("regexp", "")

    @property
    def rcode(self) -> str:
        """What the name server said."""
        return self.rest.get("string_rcode") or self.rest.get("rcode", "")


def fault(found: Answer, target: str, seconds: float) -> Fault:
    """Cause and remedy of a probe of ``target`` that failed; it may take so many ``seconds``."""
    errors = [line for line in found.log if line["msg"] != "Probe failed"]
    rest = {name: value for line in errors for name, value in line.items()}
    case = Case(target, seconds, rest, found.log)
    said = "\n".join(" ".join(filter(None, (line["msg"], line.get("err", "")))) for line in errors)
    for sentence in SENTENCES:
        match = re.search(sentence.pattern, said)
        if match and (not sentence.when or getattr(case, sentence.when)):
            return Fault(sentence.cause.format(c=case, m=match), sentence.remedy.format(c=case, m=match))
    last = said.splitlines()[-1] if said else "blackbox_exporter says no reason"
    return Fault(f"{target}: {last}", "monitoring-stack logs blackbox shows more")


LOOK = "does it run, is the port right, and does it listen on all addresses, not on 127.0.0.1 alone?"
SKIP = "--insecure-skip-verify"
SENTENCES = (
    Sentence(
        "connection refused",
        "nobody listens on {c.host}, which is inside blackbox_exporter's own container",
        "name the engine's machine host.docker.internal, a container by its name",
        when="loopback",
    ),
    Sentence("connection refused", "nobody listens on {c.host}", LOOK),
    Sentence(
        r"lookup (\S+?)(?: on \S+)?: no such host",
        "the name {m[1]} is unknown where blackbox_exporter runs",
        "correct it, or connect the container of that name to the stack's network",
    ),
    Sentence(
        r"lookup (\S+?)(?: on \S+)?: ",
        "no name server answers for {m[1]} where blackbox_exporter runs",
        "mend the name servers of the engine, or name an address",
    ),
    Sentence(
        r"\[[0-9a-fA-F:.]+\]\S* (?:connect: )?(?:cannot assign requested address|network is unreachable)",
        "{c.host} has an IPv6 address alone, and there is no way for IPv6 from the stack's network",
        "give it an IPv4 address, or give the engine's networks IPv6",
    ),
    Sentence(
        "no route to host|network is unreachable|host is down|cannot assign requested address",
        "there is no way to {c.host} ({m[0]})",
        "is the address right, and may the engine's containers reach it (firewall, network)?",
    ),
    Sentence(
        "x509: certificate signed by unknown authority",
        "the certificate of {c.host} is of an authority that is not known",
        f"--ca-file FILE with that authority's certificate, or {SKIP}",
    ),
    Sentence(
        r"x509: certificate has expired or is not yet valid: ([^\n]*)",
        "the certificate of {c.host} has expired or is not valid yet ({m[1]})",
        "renew it",
    ),
    Sentence(
        r"x509: ([^\n]*)",
        "the certificate of {c.host} does not fit ({m[1]})",
        f"use the name in the certificate, or {SKIP}",
    ),
    Sentence(
        "first record does not look like a TLS handshake|server gave HTTP response to HTTPS client",
        "{c.host} speaks no TLS",
        "use http:// or tcp://, or the port of its TLS",
    ),
    Sentence(
        r"tls: ([^\n]*)",
        "no TLS with {c.host}: {m[1]}",
        "a module in own/blackbox/modules/ can say what it demands (docs/probes.md)",
    ),
    Sentence(
        "status code",
        "{c.target} redirects in a circle, to {c.to}",
        "name the final address; a page with a login often does this",
        when="circle",
    ),
    Sentence(
        "status code",
        "{c.target} answers HTTP {c.code} (wanted {c.wanted}): it redirects to {c.to}",
        "name the final address, or --expect-code {c.code}",
        when="redirected",
    ),
    Sentence(
        "status code",
        "{c.target} answers HTTP {c.code} (wanted {c.wanted}): it wants credentials",
        "--token-file FILE or --basic-auth-file FILE, or --expect-code {c.code}",
        when="locked",
    ),
    Sentence(
        "status code",
        "{c.target} answers HTTP {c.code} (wanted {c.wanted})",
        "mend it, or correct the address; --expect-code {c.code} where that is right",
    ),
    Sentence(
        "Body did not match regular expression",
        "{c.target} does not contain {c.pattern}",
        "correct --contains; it is searched in the page as it is sent, tags included",
    ),
    Sentence(
        "Body matched regular expression",
        "{c.target} contains {c.pattern}",
        "the module says that it must not",
    ),
    Sentence(
        "[Rr]code",
        "the name server {c.host} answers {c.rcode}",
        "correct --query-name; REFUSED and SERVFAIL mean that it does not serve that name, or not you",
    ),
    Sentence(
        "operation not permitted|permission denied",
        "the engine does not let containers ping ({m[0]})",
        "its net.ipv4.ping_group_range must include 65534; tcp:// needs no such right",
    ),
    Sentence(
        "deadline exceeded|[Tt]imeout|timed out",
        "{c.host} did not answer within {c.seconds:g} s",
        "is it the right address and port, and does no firewall drop what is asked? --every 30s allows 10 s",
    ),
    Sentence(
        "EOF|connection reset by peer",
        "{c.host} ends the connection without an answer",
        "is it the right port, and does it speak TLS at all (http://, tcp://)?",
        when="encrypted",
    ),
    Sentence(
        "EOF|connection reset by peer|malformed HTTP",
        "{c.host} ends the connection without an answer",
        "is it the right port, and does it want TLS (https://, tls://)?",
    ),
)
