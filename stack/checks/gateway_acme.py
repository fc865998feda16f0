"""Why the gateway has no certificate of an ACME server: what Caddy says of it in its log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from stack.checks.context import CheckContext
from stack.checks.model import Broken
from stack.clients.http import HttpFailure
from stack.common.wait import NotYet

LINES = 200
OBTAIN = "tls.obtain"
ANEW = ("serving initial configuration", "load complete", "obtaining certificate")
"""What begins another attempt; refusals before it count no more."""
HINT = (
    "the name must lead to this machine, and port 443 of it to the gateway; once it is mended: "
    "monitoring-stack restart, since Caddy itself tries again ever later"
)


def unissued(context: CheckContext, component: str, met: HttpFailure) -> Exception:
    """What is to be said of a certificate that cannot be had: that it was refused, and why; else that it is awaited."""
    if refused := last_refusal(context.log_of(component, LINES)):
        return Broken(f"no certificate: {refused}", HINT)
    return NotYet(f"no certificate of the ACME server yet: {met}")


def last_refusal(lines: Iterable[str]) -> str:
    """The refusal of the newest attempt that the log tells of, with its issuer; empty where there is none."""
    found = ""
    for line in _read(lines):
        if line.get("msg") in ANEW:
            found = ""
        elif line.get("logger") == OBTAIN and line.get("issuer"):
            found = f"{line['issuer']}: {line.get('error', '')}"
    return " ".join(found.split())


def _read(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict):
            yield told
