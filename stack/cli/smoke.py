"""smoke: all checks against a stack that runs, brought up by this bundle or by ``docker compose``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from stack.checks.model import STAGES, Report
from stack.cli.conclusion import conclude
from stack.cli.findings import Findings
from stack.cli.printer import Printer
from stack.common.errors import SmokeFailed

if TYPE_CHECKING:
    from stack.cli.session import Session
    from stack.deploy.describe import Description


def smoke(options: argparse.Namespace, printer: Printer) -> int:
    """Runs the checks; 6 where one failed."""
    if options.kubernetes:
        from stack.cli.smoke_kubernetes import smoke_on_kubernetes

        return smoke_on_kubernetes(options, printer)
    if options.url or options.login:
        from stack.cli.smoke_elsewhere import smoke_at_urls

        return smoke_at_urls(options, printer)
    return _smoke_here(options, printer)


def _smoke_here(options: argparse.Namespace, printer: Printer) -> int:
    from stack.cli.session import Session
    from stack.common.moments import wall_clock
    from stack.components import BY_NAME
    from stack.deploy.condition import START, age, at_rest, condition, proven_since
    from stack.deploy.ends import with_last_words
    from stack.deploy.verify import patience, prober_for
    from stack.deploy.volumes import examined
    from stack.validation.syntax import check_syntax

    session = Session.open(options, printer)
    observed = session.engine.observe(session.name)
    description = session.as_it_runs(observed, to_ask=True)
    remote = session.engine.info().remote
    if remote and not observed.networks:
        raise SmokeFailed(f"stack {session.name} is not on this engine", hint=START)
    if why := at_rest(session.name, observed, session.state.now.started):
        raise SmokeFailed(why, hint=START)
    check_syntax(BY_NAME, *((s.component, s.files) for s in description.spec.services), *description.idle)
    looked = examined(session.engine, description.spec, observed, thorough=True)
    observed = with_last_words(session.engine, looked)
    now = wall_clock()
    expected = description.expectations(remote=remote, now=now, age=age(observed, now))
    hurry = patience(expected, proven=proven_since(observed, session.state.now.proven))
    prober = prober_for(session.engine, description, hurry, ours=bool(observed.containers))
    heard = Findings(printer)
    report = prober.run(
        expected,
        heard,
        tell=printer.event,
        stages=STAGES[:2] if options.quick else STAGES,
        known=condition(description.spec, observed, now),
    )
    if not report.ok:
        report = _with_causes(session, description, report, heard, found=bool(observed.containers))
    if options.deep and report.ok:
        report = _deeper(session, description, report, heard)
    return conclude(report, printer, session.seconds)


def _with_causes(
    session: Session, description: Description, report: Report, heard: Findings, *, found: bool
) -> Report:
    """A report that is not well after a second look; ``found``: there are containers of ours to look at."""
    from stack.deploy.condition import START, nobody
    from stack.deploy.second_look import looked_again

    if found:
        return looked_again(session.engine, description.spec, report, heard)
    if why := nobody(session.name, report):
        raise SmokeFailed(why, hint=START)
    return report


def _deeper(session: Session, description: Description, report: Report, heard: Findings) -> Report:
    from stack.cli.deep_check import still_there

    finding = still_there(session, description)
    heard(finding)
    return Report((*report.findings, finding), report.seconds + finding.seconds)
