"""gateway trust: the root certificate of the gateway's own authority, for browsers and systems that are to trust it."""

from __future__ import annotations

import argparse
import hashlib
import ssl
from pathlib import Path
from typing import Any

from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import StackError, UsageError
from stack.common.files import write_atomically
from stack.components.gateway_config import ROOT
from stack.components.gateway_settings import NAME
from stack.model.spec import container_name

PUBLIC_MODE = 0o644


def trust(options: argparse.Namespace, printer: Printer) -> int:
    """Shows whom to trust, by fingerprint, and writes it where it is asked to."""
    session = Session.open(options, printer)
    settings = session.settings
    if settings["gateway.certificate_file"] or settings["gateway.acme_email"]:
        raise UsageError(
            "the gateway has a certificate of another authority",
            hint="trust that one; there is no root of its own",
        )
    pem = _root(session)
    if options.output == "-":
        printer.raw(pem.rstrip())
        return 0
    told = _told(pem)
    for name in ("subject", "valid until", "SHA-256"):
        printer.text(f"{name:<12} {told[name]}")
    if options.output:
        write_atomically(Path(options.output).expanduser().resolve(), pem.encode(), PUBLIC_MODE)
        printer.line("written", options.output)
    else:
        printer.text("-o FILE writes it; docs/gateway.md says how browsers and systems take it")
    document = {"subject": told["subject"], "not_after": told["valid until"], "sha256": told["SHA-256"]}
    printer.document({**document, "certificate": pem, "file": options.output or None})
    return 0


def _root(session: Session) -> str:
    observed = session.engine.observe(session.name)
    if observed.container(NAME) is None:
        raise StackError(
            f"stack {session.name} has no gateway yet", hint='[gateway] mode = "on" in stack.toml, then start'
        )
    found = session.engine.read_file(container_name(session.name, NAME), ROOT)
    if not found:
        raise StackError(
            "the gateway has made no certificate of its own yet",
            hint="monitoring-stack logs gateway shows why",
        )
    return found.decode()


def _told(pem: str) -> dict[str, str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pem)
    (found,) = context.get_ca_certs()
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return {
        "subject": _name(found.get("subject")),
        "valid until": str(found.get("notAfter")),
        "SHA-256": ":".join(digest[at : at + 2] for at in range(0, len(digest), 2)),
    }


def _name(subject: Any) -> str:
    return ", ".join(str(value) for part in subject or () for _, value in part)
