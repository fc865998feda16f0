"""export kubernetes and export operator: write the manifests, say how they are applied and what is lost."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from stack.cli.export_common import (
    described_for_export,
    hosts_stay,
    keep_secrets,
    settings_for_export,
    tell_written,
    write_export,
)
from stack.cli.printer import Printer
from stack.common.errors import UsageError
from stack.deploy.describe import Description
from stack.exports.files import KEPT
from stack.exports.kubernetes.cluster import Cluster
from stack.exports.kubernetes.fitting import FIXED, unfit
from stack.exports.kubernetes.readme import Here
from stack.exports.kubernetes.whole import kubernetes
from stack.exports.operator.whole import operator
from stack.exports.operator.wish import Wish

FORMS = {
    "namespace": (re.compile(r"[a-z0-9](?:[a-z0-9-]{0,56}[a-z0-9])?"), "1-58 of a-z, 0-9 and -"),
    "storage_class": (
        re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)?"),
        "as `kubectl get storageclass` has it",
    ),
    "storage": (re.compile(r"[1-9][0-9]{0,5}(?:Mi|Gi|Ti|M|G|T)"), "like 10Gi"),
    "registry": (
        re.compile(
            r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?:/[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)*)?"
        ),
        "like registry.example.com/team",
    ),
    "release": (
        re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"),
        "1-63 of A-Z, a-z, 0-9, . _ and -",
    ),
    "runbook_base": (re.compile(r"(?:https?://[^\s/]+\S*)?"), "like https://runbooks.example.com"),
}
"""What options may be: by pattern, and in words."""


def export_kubernetes(options: argparse.Namespace, printer: Printer) -> int:
    """Writes what differs and says what is to be done and known."""
    _check(options)
    description = described_on_kubernetes(options, printer)
    cluster = Cluster(
        namespace=options.namespace,
        storage_class=options.storage_class,
        storage=options.storage,
        registry=options.registry,
    )
    here, left = _here(options, description), _unfit(options, description)
    made = kubernetes(description.build, description.spec, cluster, here, left)
    more = {"orphans": made.orphans}
    return _write(options, printer, description, (made.files, made.lost, made.steps), more)


def export_operator(options: argparse.Namespace, printer: Printer) -> int:
    """The same for what prometheus-operator takes."""
    _check(options)
    description = described_on_kubernetes(options, printer)
    wish = Wish(options.namespace, options.release, options.runbook_base)
    here, left = _here(options, description), _unfit(options, description)
    made = operator(description.build, description.spec, wish, here, left)
    return _write(options, printer, description, (made.files, made.lost, made.steps), {})


def described_on_kubernetes(options: argparse.Namespace, printer: Printer) -> Description:
    """The description, without what is about one machine."""
    return described_for_export(options, printer, FIXED)


def _unfit(options: argparse.Namespace, description: Description) -> tuple[str, ...]:
    """What the user's own settings ask for beside that."""
    asked = settings_for_export(options).for_files(description.build.tree)
    return (*unfit(asked), *hosts_stay(description.build.tree))


def _check(options: argparse.Namespace) -> None:
    if not options.output:
        raise UsageError("an export is written into a folder", hint="-o DIR")
    for name, (pattern, form) in FORMS.items():
        text = getattr(options, name, None)
        if text is not None and not pattern.fullmatch(text):
            raise UsageError(f"--{name.replace('_', '-')} {text!r} cannot be that", hint=form)


def _here(options: argparse.Namespace, description: Description) -> Here:
    return Here(quote(options.output.rstrip("/") or "/"), quote(str(description.settings.state / KEPT)))


def _write(
    options: argparse.Namespace,
    printer: Printer,
    description: Description,
    made: tuple[Mapping[str, bytes], tuple[str, ...], tuple[str, ...]],
    more: Mapping[str, object],
) -> int:
    files, lost, steps = made
    folder = Path(options.output)
    written = write_export(folder, files, dry_run=options.dry_run)
    if not options.dry_run:
        keep_secrets(description)
    tell_written(printer, folder, written, dry_run=options.dry_run)
    for sentence in lost:
        printer.line("note", sentence, "degraded")
    for step in steps:
        printer.line("run", step)
    told = {"written": [str(folder / path) for path in written], "notes": lost, "commands": steps}
    printer.document({"ok": True, **told, **more})
    return 0
