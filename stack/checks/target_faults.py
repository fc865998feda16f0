"""Why a target cannot be scraped, and which line to change: from Prometheus' sentence and the job. Pure.

The sentences are those of Prometheus 3 and of Go's HTTP and TLS; one that is not known here is passed on as it is.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from msgspec import Struct

from stack.checks.model import Job
from stack.checks.target_sentences import SENTENCES
from stack.clients.prometheus import Target
from stack.model.names import host_of
from stack.model.outer import MACHINE, is_itself

ASKED = re.compile(r'Get "(https?://[^"]+)": ')
"""How Go begins: the address that it asked last."""


class Fault(Struct, frozen=True):
    """What is wrong, and what to do about it."""

    cause: str
    remedy: str


class Case(Struct, frozen=True):
    """A target that is down: its job and the address that was asked."""

    job: Job
    url: str

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc or self.url

    @property
    def path(self) -> str:
        """What was asked for there."""
        return urlsplit(self.url).path or "/"

    @property
    def at(self) -> str:
        """Where the job is written down, or which job it is."""
        return self.job.place or f"job {self.job.name}"

    @property
    def who(self) -> str:
        """Whose metrics they are."""
        return self.job.component or self.host

    @property
    def service(self) -> str:
        """The container that is scraped, by its name in the stack: of one among several, by its host."""
        name, host = self.job.component, urlsplit(self.url).hostname or ""
        among = host_of(name) + "-"
        return f"{name}-{host.removeprefix(among)}" if host.startswith(among) else name

    @property
    def logs(self) -> str:
        """Where to read on."""
        if self.job.component:
            return f"monitoring-stack logs {self.service} shows why"
        return f"the log of what listens on {self.host} shows why ({self.at})"

    @property
    def shipped(self) -> bool:
        """Whether a component of the stack is scraped."""
        return bool(self.job.component)

    @property
    def loopback(self) -> bool:
        """Whether the address is inside Prometheus' own container, and Prometheus itself is not meant."""
        return is_itself(urlsplit(self.url).hostname or "") and self.job.component != "prometheus"

    @property
    def elsewhere(self) -> bool:
        """Whether the target lives on a network of others."""
        return bool(self.job.network)

    @property
    def host_gateway(self) -> bool:
        """Whether the address is the engine's own machine."""
        return urlsplit(self.url).hostname == MACHINE

    @property
    def over_http(self) -> bool:
        """Whether the job asks without TLS for what is not the stack's own."""
        return self.job.scheme == "http" and not self.job.component


def fault(job: Job, target: Target) -> Fault:
    """Cause and remedy of a target that is down; where it redirects, of the address that it names."""
    own = target.url or f"{job.scheme}://{target.instance}{job.path}"
    asked = ASKED.match(target.last_error)
    case = Case(job, asked[1] if asked else own)
    by = f" (to where {Case(job, own).host} redirects)" if case.host != Case(job, own).host else ""
    for sentence in SENTENCES:
        found = re.search(sentence.pattern, target.last_error, re.DOTALL)
        if found and (not sentence.when or getattr(case, sentence.when)):
            return Fault(sentence.cause.format(c=case, m=found) + by, sentence.remedy.format(c=case, m=found))
    said = target.last_error or f"{case.host} is {target.health}, and Prometheus says no reason"
    return Fault(said, case.logs)
