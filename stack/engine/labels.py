"""Identity on the engine: which labels say that an object is ours, of which stack, and what it is.

Pure. What lacks the stack label belongs to somebody else; nothing here may guess ownership from a name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal

from stack.model.observed import HELPER
from stack.model.spec import NAMESPACE

STACK = f"{NAMESPACE}.stack"
COMPONENT = f"{NAMESPACE}.component"
DIGEST = f"{NAMESPACE}.digest"
NEEDS = f"{NAMESPACE}.needs"
ROLE = f"{NAMESPACE}.role"
"""``HELPER`` for short-lived containers; one that is still there was left by an interrupted run."""

SERVICE = "service"
STATE = "state"
"""Role of the volume that keeps a stack's state document, and of the container that holds it."""
LOCK = "lock"
"""Role of the container whose existence is a stack's lock."""
HOLDER = f"{NAMESPACE}.holder"


def of_network(stack: str) -> dict[str, str]:
    """Labels of the stack's network."""
    return _of_part(stack, "network", "network", stack)


def of_volume(stack: str, name: str) -> dict[str, str]:
    """Labels of a volume, with the component that its name was made from."""
    component = name.removeprefix(f"{stack}-").rpartition("-")[0].replace("-", "_")
    return _of_part(stack, component, "volume", name)


def of_service(stack: str, component: str, digest: str, needs: Iterable[str]) -> dict[str, str]:
    """Labels of a component's container."""
    return {
        STACK: stack,
        COMPONENT: component,
        DIGEST: digest,
        NEEDS: ",".join(needs),
        ROLE: SERVICE,
    }


def of_helper(stack: str, image: str) -> dict[str, str]:
    """Labels of a short-lived container."""
    return _of_part(stack, HELPER, HELPER, image)


def of_state(stack: str) -> dict[str, str]:
    """Labels of the volume and the container of a stack's state."""
    return _of_part(stack, STATE, STATE, stack)


def of_lock(stack: str, holder: str) -> dict[str, str]:
    """Labels of a stack's lock; ``holder`` is who has it, as JSON."""
    return {**_of_part(stack, LOCK, LOCK, stack), HOLDER: holder}


def _of_part(stack: str, component: str, role: str, told: str) -> dict[str, str]:
    """What is no service: its digest says of what it was made, and it needs nothing."""
    digest = hashlib.sha256(f"{role}\0{told}".encode()).hexdigest()[:16]
    return {STACK: stack, COMPONENT: component, DIGEST: digest, NEEDS: "", ROLE: role}


def stack_of(labels: Mapping[str, str] | None) -> str:
    """The stack that an object belongs to; empty where it is not ours."""
    return (labels or {}).get(STACK, "")


def joined_as(container: str) -> str:
    """The name of a container on a network of others; it also says that the container is there because of us."""
    return f"{container}.{NAMESPACE}"


def is_joined(aliases: Iterable[str]) -> bool:
    """Whether a container's names on a network say that it joined by a plan of ours."""
    return any(alias.endswith(f".{NAMESPACE}") for alias in aliases)


def is_service(labels: Mapping[str, str] | None) -> bool:
    """Whether a container is a component of a stack."""
    return (labels or {}).get(ROLE) == SERVICE


def is_keeper(labels: Mapping[str, str] | None) -> bool:
    """Whether an object keeps a stack's state or lock: no part of what the stack runs."""
    return (labels or {}).get(ROLE) in (STATE, LOCK)


def is_lock(labels: Mapping[str, str] | None) -> bool:
    """Whether a container is a stack's lock."""
    return (labels or {}).get(ROLE) == LOCK


def needs_of(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Components that a container was started after."""
    return tuple(name for name in labels.get(NEEDS, "").split(",") if name)


def selector(stack: str = "") -> dict[str, list[str]]:
    """The engine's filter for one stack's objects, or for those of all stacks."""
    return {"label": [f"{STACK}={stack}" if stack else STACK]}


Kind = Literal["container", "network", "volume"]


def foreign(kind: Kind, name: str) -> tuple[str, str]:
    """Message and hint for an object that bears our name without our label."""
    return (
        f"{kind} {name} exists and is not ours (label {STACK} is missing)",
        f"rename or remove it, or choose another stack name with --name (docker {kind} inspect {name})",
    )
