"""rules add, list, remove: rule files of the user's own, judged before, evaluated after, undone where they fail."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stack.cli.given_file import STANDARD_INPUT, given
from stack.cli.main import usage
from stack.cli.own_change import UNDONE, OwnFile, make_change
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import ConfigurationInvalid, StackError, UsageError
from stack.components.places import NATIVE, OWN
from stack.validation.rule_files import RuleFile, understood

if TYPE_CHECKING:
    from stack.deploy.describe import Description

FOLDER = f"{OWN}prometheus/rules/"
NAME = re.compile(r"[A-Za-z0-9_][\w.-]*(?:/[A-Za-z0-9_][\w.-]*)*", re.ASCII)
UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")


class Added(Struct, frozen=True):
    """One file on its way: where it comes from and goes to."""

    source: str
    path: str
    rules: RuleFile

    @property
    def words(self) -> str:
        """What it is, for a person."""
        wrapping = f", taken out of {self.rules.wrapping}" if self.rules.wrapping else ""
        counted = f"{_count(len(self.rules.rules), 'rule')} in {_count(len(self.rules.groups), 'group')}"
        return f"{self.path}: {counted}{wrapping}"

    def document(self) -> dict[str, Any]:
        """The same for JSON."""
        rules = self.rules
        return {
            "path": self.path,
            "groups": rules.groups,
            "rules": len(rules.rules),
            "wrapping": rules.wrapping,
        }


def add(options: argparse.Namespace, printer: Printer) -> int:
    """Takes rule files over; each of their rules must be evaluated without an error, else nothing was changed."""
    session = Session.open(options, printer)
    if options.called and len(options.file) > 1:
        raise usage("--as names one file; give them one by one")
    files = [_read(Path(file), options.called) for file in options.file]
    _free(session, files)
    warnings: list[str] = []
    try:
        running = make_change(
            session,
            [OwnFile(f.path, f.rules.content.encode()) for f in files],
            lambda description: warnings.extend(_proven(session, description, files)),
        )
    except StackError as error:
        _as_given(error, files)
        raise
    if options.dry_run:
        return 0
    if not running:
        warnings += _by_text(session.described(provide=False), files)
    _tell(session, files, warnings, running=running)
    return 0


def _tell(session: Session, files: list[Added], warnings: list[str], *, running: bool) -> None:
    printer = session.printer
    for file in files:
        printer.line("added", file.words)
    for line in warnings:
        printer.warning(f"warning   {line}")
    count = sum(len(file.rules.rules) for file in files)
    printer.line(
        "rules", f"{_count(count, 'rule')} evaluated" if running else "nothing runs: start applies them"
    )
    printer.document(
        {
            "ok": True,
            "files": [file.document() for file in files],
            "applied": running,
            "warnings": warnings,
            "seconds": round(session.seconds, 3),
        }
    )


def _read(file: Path, called: str | None) -> Added:
    if str(file) == STANDARD_INPUT and not called:
        raise usage("rules from standard input need a name: --as NAME")
    data, source = given(str(file))
    return Added(source, f"{FOLDER}{called or _name(file)}.yml", understood(data, source))


def _name(file: Path) -> str:
    """A name that every file system takes, of that of the file."""
    return UNFIT.sub("-", file.stem).strip("-.") or "rules"


def _free(session: Session, files: list[Added]) -> None:
    for number, file in enumerate(files):
        name = file.path.removeprefix(FOLDER).removesuffix(".yml")
        if not NAME.fullmatch(name):
            hint = "letters, digits, . - and _, with / for a folder"
            raise UsageError(f"{name!r} is no name for a file", hint=hint)
        if taken := _found(session, name):
            hint = f"--as NAME gives another name, rules remove {name} removes it"
            raise UsageError(f"{taken[0]} is there already", hint=hint)
        if same := next((one for one in files[:number] if one.path == file.path), None):
            raise UsageError(
                f"{same.source} and {file.source} would both be {file.path}",
                hint=f"add the second by itself, with --as {_of_folder(file)}",
            )


def _of_folder(file: Added) -> str:
    """A name that tells files of one name apart: that of its folder before it."""
    path = Path(file.source)
    return f"{UNFIT.sub('-', path.absolute().parent.name).strip('-.') or 'other'}-{_name(path)}"


def _found(session: Session, name: str) -> list[str]:
    """The files of that name, whatever their ending."""
    home = session.plain.home
    return [path for suffix in NATIVE if (home / (path := f"{FOLDER}{name}{suffix}")).exists()]


def _as_given(error: StackError, files: list[Added]) -> None:
    """An error about a file that was to be written, as one about the file that was given."""
    for file in files:
        if file.path not in error.message:
            continue
        error.message = file.rules.retold(error.message, file.path, file.source)
        error.hint = file.rules.retold(error.hint, file.path, file.source)
        if isinstance(error, ConfigurationInvalid):  # the tool has gone through all files
            error.hint = f"correct it; {UNDONE}"
            told = [
                file.rules.retold(line, file.path, file.source) for line in error.logs if file.path in line
            ]
            error.logs = tuple(
                line for line in told if re.search(r":\d+: ", line) and line not in error.message
            )


def _proven(session: Session, description: Description, files: list[Added]) -> list[str]:
    """Every rule is evaluated now, as Prometheus will; what is to be said about them all the same."""
    from msgspec.structs import replace

    from stack.common.moments import wall_clock
    from stack.deploy.condition import age
    from stack.deploy.verdict import failure
    from stack.deploy.verify import verification

    old = age(session.engine.observe(session.name), wall_clock())
    asked = verification(session.engine, description, session.printer.event, old)
    paths = {file.path for file in files}
    mine = tuple(rule for rule in asked.expected.rules if rule.origin in paths)
    report = asked.prober.run(replace(asked.expected, rules=mine), names=("prometheus.expressions",))
    if not report.ok:
        raise failure(report)
    silent = tuple(
        rule if rule.origin in paths else replace(rule, own=True, unchecked=(("", ""),))
        for rule in asked.expected.rules
    )
    found = asked.prober.run(replace(asked.expected, rules=silent), names=("prometheus.series",))
    return [*found.warnings, *_style(asked.expected, mine)]


def _style(expected: Any, rules: Any) -> list[str]:
    from stack.checks.rule_lint import World, remarks
    from stack.checks.rule_remarks import MATTERS_OF_STYLE
    from stack.checks.rule_windows import intervals_of

    world = World(expected.rules, intervals_of(expected.jobs, expected.rules))
    return [str(one) for one in remarks(rules, world) if one.check in MATTERS_OF_STYLE]


def _by_text(description: Description, files: list[Added]) -> list[str]:
    """The remarks of which Prometheus need not be asked."""
    from stack.checks.expect import expected
    from stack.checks.rule_remarks import of_own
    from stack.checks.rule_windows import intervals_of

    told = expected(description.spec, {})
    paths = {file.path for file in files}
    mine = [rule for rule in told.rules if rule.origin in paths]
    return list(of_own(told, mine, intervals_of(told.jobs, told.rules), frozenset()))


def remove(options: argparse.Namespace, printer: Printer) -> int:
    """Takes a rule file of the user's own away."""
    session = Session.open(options, printer)
    name = _bare(options.rules)
    paths = _found(session, name)
    if not paths:
        raise UsageError(f"there is no {FOLDER}{name}.yml", hint="rules list shows what there is")
    running = make_change(session, [OwnFile(path, None) for path in paths], lambda description: None)
    if options.dry_run:
        return 0
    for path in paths:
        printer.line("removed", path)
    seconds = round(session.seconds, 3)
    printer.document({"ok": True, "removed": paths, "applied": running, "seconds": seconds})
    return 0


def _bare(name: str) -> str:
    """The name alone, of a path or a name with its ending too."""
    name = name.removeprefix(FOLDER)
    return next((name.removesuffix(suffix) for suffix in NATIVE if name.endswith(suffix)), name)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
