"""What a killed command has left half done to data is ended by the next command that changes the stack."""

from __future__ import annotations

from collections.abc import Iterator

from stack.config.settings import Settings
from stack.deploy.state import StateStore
from stack.engine.interface import Engine


def settle(engine: Engine, state: StateStore, settings: Settings) -> Iterator[tuple[str, str]]:
    """Ends all of it; each command that was killed, and what became of its work."""
    if state.now.restoring is not None:
        from stack.deploy import restoring

        yield "restore", restoring.settle(engine, state, settings)
    if state.now.upgrading is not None:
        from stack.deploy import upgrading

        yield "upgrade", upgrading.settle(engine, state, settings)
