"""How a component is helped while it runs: told to reload over its own API, looked at once more, repaired.

Types only. A hook asks through what it is given and raises errors of ``stack.common.errors``.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field

from stack.checks.model import Expected, Finding
from stack.engine.interface import Engine
from stack.model.events import Event
from stack.model.spec import ServiceSpec, StackSpec


class Scene(Struct, frozen=True):
    """What a hook works with. ``image`` is the one for checks inside the network; ``repaired`` is kept by one run."""

    engine: Engine
    spec: StackSpec
    service: ServiceSpec
    expected: Expected
    image: str
    emit: Callable[[Event], None]
    repaired: list[str] = field(default_factory=list)


def cannot(scene: Scene, finding: Finding, before: tuple[str, ...]) -> bool:
    """No repair is known."""
    del scene, finding, before
    return False


class Hooks(Struct, frozen=True):
    """``reload`` is for a service whose files are read again by request; ``needs_for_reload`` must hold before.

    ``settle`` follows a successful step. ``repair`` sees a final finding and the log lines from before it; it returns
    whether it has mended the cause.
    """

    reload: Callable[[Scene], None] | None = None
    needs_for_reload: tuple[str, ...] = ()
    settle: Callable[[Scene], None] | None = None
    repair: Callable[[Scene, Finding, tuple[str, ...]], bool] = cannot
    log_lines: int = 0
    """How many log lines ``repair`` wants to compare."""
