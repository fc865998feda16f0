"""Whether a command concerns further hosts: asked by each, so that those without any import nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stack.components.own_paths import OWN_HOSTS

if TYPE_CHECKING:
    from stack.cli.session import Session


def concerns_hosts(session: Session) -> bool:
    """Whether a file of the user's own names one, or something was put on one."""
    return bool(session.state.now.hosts) or any(path.startswith(OWN_HOSTS) for path in session.native.tree)
