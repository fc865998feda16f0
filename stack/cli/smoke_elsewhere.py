"""smoke --url: the same checks against products at addresses that the user names, whoever runs them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from stack.checks.context import Execute, ReadLog
from stack.checks.model import STAGES, Finding
from stack.checks.prober import LocalProber
from stack.cli.conclusion import conclude
from stack.cli.export_common import described_for_export, kept_secrets
from stack.cli.findings import WIDTH, Findings
from stack.cli.printer import Printer
from stack.clients.http import Http
from stack.common.errors import SettingsError, UsageError
from stack.common.moments import wall_clock
from stack.components import BY_NAME
from stack.deploy.elsewhere import CONTAINERS, Log, elsewhere, log_there, suited

if TYPE_CHECKING:
    from stack.deploy.describe import Description

NO_DOORS: Mapping[str, Http] = MappingProxyType({})
LOGIN = "one line, USER:PASSWORD"


class Inside(Struct, frozen=True):
    """How a command is run in a component's container, and its log is read; None: it cannot be. ``log``: in words."""

    run_in: Execute | None = None
    read_log: ReadLog | None = None
    log: Log = log_there


OUTSIDE = Inside()


def smoke_at_urls(options: argparse.Namespace, printer: Printer) -> int:
    """Runs the checks; 6 where one failed."""
    addresses = dict(_address(word) for word in options.url)
    if len(addresses) < len(options.url):
        raise UsageError("--url names a component twice", hint="keep one of the two")
    if options.deep:
        raise UsageError(
            "smoke --deep restarts a container, which --url has none of", hint="leave one of them out"
        )
    doors = dict(_door(word, addresses) for word in options.login)
    description = described_for_export(options, printer)
    _needs_password(description, addresses)
    return prove(description, addresses, printer, quick=options.quick, doors=doors)


def prove(
    description: Description,
    addresses: Mapping[str, str],
    printer: Printer,
    *,
    quick: bool = False,
    doors: Mapping[str, Http] = NO_DOORS,
    inside: Inside = OUTSIDE,
    known: tuple[Finding, ...] = (),
) -> int:
    """Asks the products at these addresses, by component, and says what was asked and what was not; 6 where one failed.

    ``doors``: how a product is spoken to that has a login of its own before it.
    ``inside``: how its containers are reached. ``known``: what was found of them before.
    """
    began = time.monotonic()
    there = elsewhere(description, addresses, wall_clock(), inside=inside.run_in is not None)
    prober = LocalProber(there.checks, run_in=inside.run_in, read_log=inside.read_log, doors=doors)
    stages = STAGES[:2] if quick else STAGES
    heard = Findings(printer)

    def put(finding: Finding) -> Finding:
        return suited(finding, description.spec, inside.log)

    report = prober.run(
        there.expected, lambda f: heard(put(f)), tell=printer.event, stages=stages, known=known
    )
    report = replace(report, findings=tuple(map(put, report.findings)))
    skipped = tuple(one for one in there.skipped if not (known and one.check == CONTAINERS))
    for one in skipped:
        printer.line("skipped", f"{one.check:<{WIDTH}} {one.reason}", "dim")
    return conclude(report, printer, time.monotonic() - began, skipped)


def _needs_password(description: Description, addresses: Mapping[str, str]) -> None:
    """``SettingsError`` where a login is asked whose password is not known here: a wrong one would lock it."""
    known = kept_secrets(description.settings, make=False)
    for name in addresses:
        login = BY_NAME[name].login if name in BY_NAME else None
        spec = (
            next((s for s in BY_NAME[name].secrets if login and s.name == login.secret), None)
            if login
            else None
        )
        if spec and spec.name not in known and not description.settings.file(spec.setting):
            raise SettingsError(
                f"{spec.setting}: the password of {BY_NAME[name].title} there is not known here",
                hint="name a file that holds it: STACK_GRAFANA_PASSWORD_FILE=FILE",
            )


def _address(word: str) -> tuple[str, str]:
    component, _, url = word.partition("=")
    place = urlsplit(url)
    try:
        usable = place.scheme in ("http", "https") and bool(place.hostname) and place.port != 0
    except ValueError:  # a port that is none
        usable = False
    if not component or not usable or place.query or place.fragment:
        raise UsageError(
            f"--url {word}: no address of a component", hint="like prometheus=http://10.0.0.5:9090"
        )
    if place.username or place.password:
        hint = f"--login {component}=FILE, with {LOGIN}"
        raise UsageError(f"--url {component}: a login does not belong on the command line", hint=hint)
    return component, url.rstrip("/")


def _door(word: str, addresses: Mapping[str, str]) -> tuple[str, Http]:
    component, _, name = word.partition("=")
    if component not in addresses:
        raise UsageError(
            f"--login {word}: no --url names {component or 'a component'}", hint="name its address too"
        )
    if component in BY_NAME and BY_NAME[component].login:
        hint = "grafana.password_file (STACK_GRAFANA_PASSWORD_FILE) names the file with its password"
        raise UsageError(f"--login {component}: {component} has a login of its own", hint=hint)
    try:
        text = Path(name).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise UsageError(f"--login {component}: {name or 'no file'}: {reason}", hint=LOGIN) from error
    user, colon, password = text.partition(":")
    if not colon or not user or "\n" in text:
        raise UsageError(f"--login {component}: {name} holds no login", hint=LOGIN)
    return component, Http(addresses[component], auth=(user, password))
