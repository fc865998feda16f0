"""export swarm: writes the stack file and its files, or prints what a Swarm keeps for nobody any more."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from stack.cli.export_common import (
    changed_secrets,
    described_for_export,
    hosts_stay,
    keep_secrets,
    settings_for_export,
    tell_written,
    write_export,
)
from stack.cli.printer import Printer
from stack.common.errors import UsageError
from stack.exports.files import KEPT
from stack.exports.swarm import Wish, swarm
from stack.exports.swarm_notes import FIXED, STACK_FILE, deploy_command, first_commands, unfit
from stack.model.spec import StackSpec

VERSION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,10}[A-Za-z0-9])?")
LAST_PORT = 65535
NEW_VALUE = (
    "the value of {} is another than at the last export: --secrets-version takes it along under another name"
)


def export_swarm(options: argparse.Namespace, printer: Printer) -> int:
    """Writes what differs and says what is to be done and known."""
    if bool(options.output) == options.prune:
        raise UsageError(
            "export swarm writes into a folder or looks for what is left over", hint="-o DIR, or --prune"
        )
    if options.prune:
        from stack.cli.swarm_orphans import prune

        return prune(options, printer)
    if not VERSION.fullmatch(options.secrets_version):
        raise UsageError(
            f"--secrets-version {options.secrets_version}: no end of a name", hint="1-12 of a-z, 0-9, . and -"
        )
    description = described_for_export(options, printer, FIXED)
    spec = description.spec
    ports = {unit.name: description.settings.port(unit.name) for unit in description.settings.table.published}
    wish = Wish(published(spec, ports, options.publish), options.encrypted, options.secrets_version)
    left = (*unfit(settings_for_export(options)), *hosts_stay(description.build.tree))
    made = swarm(spec, wish, left)
    notes = (*made.notes, *(NEW_VALUE.format(name) for name in changed_secrets(description)))
    folder = Path(options.output)
    written = write_export(folder, made.files, dry_run=options.dry_run)
    if not options.dry_run:
        keep_secrets(description)
    kept = str(description.settings.state / KEPT)
    commands = (
        *first_commands(spec.name, made.labels, made.secrets, kept),
        deploy_command(spec.name, str(folder / STACK_FILE)),
    )
    tell_written(printer, folder, written, dry_run=options.dry_run)
    for note in notes:
        printer.line("note", note, "degraded")
    for command in commands:
        printer.line("run", command)
    told = {"written": [str(folder / path) for path in written], "notes": notes, "commands": commands}
    printer.document({"ok": True, **told})
    return 0


def published(spec: StackSpec, ports: dict[str, int], wanted: list[str]) -> tuple[tuple[str, int], ...]:
    """Port by component, of words like grafana and grafana=80; ``UsageError`` for what cannot be meant."""
    found: dict[str, int] = {}
    for word in wanted:
        component, given, port = word.partition("=")
        if component not in spec.components:
            hint = f"one of {', '.join(spec.components)}"
            raise UsageError(
                f"--publish {word}: {component or 'nothing'} is not part of the stack", hint=hint
            )
        number = int(port) if port.isascii() and port.isdigit() else 0
        number = number if given else ports.get(component, spec.service(component).port)
        if not 0 < number <= LAST_PORT:
            raise UsageError(f"--publish {word}: {port or 'nothing'} is no port", hint=f"1-{LAST_PORT}")
        if component in found:
            raise UsageError(f"--publish {word}: {component} is published twice", hint="keep one of the two")
        if number in found.values():
            raise UsageError(f"--publish {word}: port {number} is taken already", hint="choose another port")
        found[component] = number
    return tuple(found.items())
