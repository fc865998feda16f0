"""logs, credentials, validate: looks, and changes nothing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from stack.cli.left_out import left_out_document, line_of
from stack.cli.main import usage
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import StackError
from stack.components import BY_NAME, COMPONENTS
from stack.components.addresses import address
from stack.deploy.left_out import refuse_faults
from stack.validation.files import validate as validate_files

if TYPE_CHECKING:
    from stack.deploy.describe import Description


def logs(options: argparse.Namespace, printer: Printer) -> int:
    """The last lines of one component, or of all with their names before them."""
    session = Session.open(options, printer)
    observed = session.engine.observe(session.name)
    found = [c for c in observed.containers if options.component in (None, c.component)]
    if not found:
        what = options.component or "any component"
        raise usage(
            f"no container of {what}; there are {', '.join(c.component for c in observed.containers) or 'none'}"
        )
    if options.follow and len(found) > 1:
        raise usage("--follow needs the name of one component")
    for container in found:
        prefix = f"{container.component:<14} " if len(found) > 1 else ""
        lines = session.engine.follow if options.follow else session.engine.logs
        for line in lines(container.id, options.tail):
            printer.raw(prefix + line)
    return 0


def credentials(options: argparse.Namespace, printer: Printer) -> int:
    """Addresses, users and passwords of this stack; the one command that shows a secret."""
    session = Session.open(options, printer)
    settings = session.placed(session.engine.observe(session.name))
    told = {}
    for component in COMPONENTS:
        login = component.login
        if login is None or component.name not in settings.components:
            continue
        if (password := session.secrets.get(login.secret)) is None:
            raise StackError(f"{component.title} has no password yet", hint="start makes it")
        place = address(settings, component.name).url
        told[component.name] = {"address": place, "user": login.user, "password": password.reveal()}
        printer.text(f"{component.title:<9} {place}\nuser      {login.user}\npassword  {password.reveal()}")
    printer.document(told)
    return 0


def validate(options: argparse.Namespace, printer: Printer) -> int:
    """All configuration files through their own tools, whatever was found good before."""
    session = Session.open(options, printer)
    description = session.described(provide=False)
    refuse_faults(description.left_out)
    good = validate_files(description.spec, session.engine, BY_NAME, lambda identity: False, description.idle)
    idle = [len(files) for _, files in description.idle if files]
    count = sum(len(s.files) for s in description.spec.services) + sum(idle)
    printer.line("valid", f"{count} files of {len(good) + len(idle)} components")
    for one in description.left_out:
        printer.line("left out" if one.weight == "quiet" else "not used", line_of(one))
    remarks = _remarks(description, printer)
    left = left_out_document(description.left_out)
    printer.document({"ok": True, "files": count, "left_out": left, "warnings": remarks})
    return 0


def _remarks(description: Description, printer: Printer) -> list[str]:
    """What a product takes and is wrong all the same; told, and never a failure."""
    from stack.checks.expect import expected
    from stack.checks.receiver_remarks import told as told_of_receivers
    from stack.checks.rule_remarks import bounded, told
    from stack.validation.variables import told as told_of_variables

    promised = expected(description.spec, {})
    found = [*told_of_receivers(promised), *told_of_variables(description.spec), *told(promised)]
    for line in bounded(found, ": --json has them all"):
        printer.warning(f"warning   {line}")
    return found
