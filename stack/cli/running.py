"""The stack that runs, for commands that ask it or change something in it, and the one refusal where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stack.common.errors import StartFailed

if TYPE_CHECKING:
    from stack.checks.context import CheckContext
    from stack.cli.session import Session
    from stack.deploy.describe import Description


def running(session: Session, *components: str) -> tuple[Description, CheckContext]:
    """The stack as it runs, and its products; ``StartFailed`` where none of ``components`` runs (or none at all)."""
    from stack.deploy.asking import context_of

    observed = session.engine.observe(session.name)
    up = {c.component for c in observed.containers if c.running}
    if not (up & set(components) if components else up):
        what = f"{' or '.join(components)} of stack" if components else "stack"
        raise StartFailed(f"{what} {session.name} does not run", hint="monitoring-stack start")
    description = session.as_it_runs(observed)
    return description, context_of(session.engine, description)
