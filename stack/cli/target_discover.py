"""target discover: what of the engine's containers Prometheus could scrape, how, and why not; --apply adds it.

It looks and asks for pages only; no container of others is ever touched.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from stack.cli.own_change import OwnFile, make_change
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.cli.target import Wanted, around_of, job_of, proven
from stack.cli.target_secrets import Given
from stack.common.errors import SmokeFailed, StackError
from stack.common.printable import printable
from stack.common.toml_text import load_toml
from stack.deploy.describe import Description
from stack.deploy.pages import pages
from stack.targets.containers import Place
from stack.targets.discovery import Found, judged, look
from stack.targets.files import free_path, owners
from stack.targets.jobs import FOLDER, NAME

EXPORTERS = "own/exporters/"
HEADER = ("CONTAINER", "WHAT", "HOW")
ORDER = ("metrics", "exporter", "scraped", "unreachable", "none", "unknown", "left out")


def discover(options: argparse.Namespace, printer: Printer) -> int:
    """Shows what could be added; with ``--apply`` adds what answers with metrics."""
    session = Session.open(options, printer)
    found = found_on(session)
    _show(printer, found)
    chosen = [one for one in found if one.verdict == "metrics"]
    added, refused = _add(session, chosen) if chosen and options.apply else ((), {})
    if chosen and not options.apply:
        printer.text(f"\n--apply adds {', '.join(one.container for one in chosen)}")
    if not options.dry_run:
        printer.document(
            {
                "ok": not refused,
                "found": [_document(one) for one in found],
                "added": list(added),
                "refused": refused,
            }
        )
    if refused:
        said = "; ".join(f"{name}: {why}" for name, why in refused.items())
        raise SmokeFailed(
            f"not added: {said}", hint="the others are added" if added else "nothing was changed"
        )
    return 0


def found_on(session: Session) -> list[Found]:
    """All containers that are no component of a stack of ours, each with its verdict."""
    around = around_of(session)
    description = session.as_it_runs(session.engine.observe(session.name))
    scraped = _scraped(description)
    looked = [look(one, around, scraped) for one in around.everyone if one.running and not one.stack]
    asked = [where for one in looked for where in one.ask]
    image = next((s.image for s in description.spec.services if s.component == "prometheus"), "")
    there = bool(image and session.engine.image(image))
    seen = pages(session.engine, session.name, image, asked) if asked and there else {}
    looked = [_watched(one, session.native.tree) for one in looked]
    verdicts = [_verdict(one, seen, looked_in=there) for one in looked]
    return sorted(verdicts, key=lambda one: (ORDER.index(one.verdict), one.container))


def _verdict(one: Found, seen: Mapping[Place, str], *, looked_in: bool) -> Found:
    """What its pages tell, as far as they were asked for."""
    asked = [(where, seen[where]) for where in one.ask if where in seen]
    if asked or not one.ask:
        return judged(one, asked) if one.ask else one
    words = "nobody could ask it: a container of the check did not start on its network"
    return replace(
        one, words=words if looked_in else "not asked: Prometheus' image is not here yet, start first"
    )


def _watched(one: Found, tree: Mapping[str, bytes]) -> Found:
    """A server that an exporter of a file below own/exporters/ watches already needs no other."""
    for path, content in sorted(tree.items()) if one.verdict == "exporter" else ():
        if path.startswith(EXPORTERS) and _host(content) == one.container:
            return replace(one, verdict="scraped", words=f"by the exporter of {path}", command="")
    return one


def _host(content: bytes) -> str:
    try:
        return str(load_toml(content.decode()).get("address", "")).partition(":")[0]
    except ValueError:
        return ""


def _scraped(description: Description) -> frozenset[str]:
    from stack.checks.expect import expected

    return frozenset(a for job in expected(description.spec, {}).jobs for a in job.addresses)


def _add(session: Session, chosen: list[Found]) -> tuple[tuple[str, ...], dict[str, str]]:
    """All at once, which takes as long as one; where some do not hold, the others once more."""
    refused: dict[str, str] = {}
    taken = {*owners(session.native.tree)}
    jobs = {one.container: one for one in chosen if NAME.fullmatch(one.container)}
    for name in taken & jobs.keys():
        refused[name] = f"there is a job of that name: target add ANOTHER --container {name}"
    while waiting := {n: one for n, one in jobs.items() if n not in refused}:
        more = _attempt(session, waiting)
        refused |= more
        if not more:
            return tuple(waiting), refused
    return (), refused


def _attempt(session: Session, waiting: dict[str, Found]) -> dict[str, str]:
    """Adds all of them, or none: then those that do not hold, each with its reason."""
    failed: dict[str, str] = {}
    try:
        make_change(session, _files(session, waiting), lambda later: _all(session, later, waiting, failed))
    except StackError:
        if not failed:
            raise
        session.lay_over({})
        return failed
    if not session.options.dry_run:
        for name in waiting:
            session.printer.line("added", f"{name} ({FOLDER}{name}.yml)")
    return {}


def _files(session: Session, waiting: dict[str, Found]) -> list[OwnFile]:
    options = argparse.Namespace(
        label=[], param=[], set=[], path="", scheme="", interval="", timeout="", insecure_skip_verify=False
    )
    files = []
    for name, one in waiting.items():
        if one.place is not None:
            text = job_of(options, Wanted(name, (one.place,)), Given()).text()
            files.append(OwnFile(free_path(session.native.tree, FOLDER, name, ".yml"), text.encode()))
    return files


def _all(session: Session, later: Description, waiting: Iterable[str], failed: dict[str, str]) -> None:
    for name in waiting:
        try:
            proven(session, later, name)
        except SmokeFailed as error:
            failed[name] = str(error)
    if failed:
        raise SmokeFailed("; ".join(failed.values()))


def _show(printer: Printer, found: list[Found]) -> None:
    if not found:
        printer.line("discover", "no container besides those of stacks of this bundle")
        return
    rows = []
    for one in found:
        how = f"monitoring-stack {one.command}" if one.command else ""
        words = f"{one.samples} samples" if one.verdict == "metrics" else one.words
        rows.append((one.container, one.verdict, "   ".join(filter(None, (how, words)))))
    printer.table(HEADER, (tuple(map(printable, row)) for row in rows))


def _document(one: Found) -> dict[str, Any]:
    told = dict(to_builtins(one))
    del told["ask"]
    return told
