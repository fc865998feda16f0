"""What follows from the name of a service: its component, and what it is called inside the network. Pure."""

from __future__ import annotations


def kind_of(service: str) -> str:
    """The component of a service. One that runs several containers calls each ``COMPONENT-NAME``."""
    return service.partition("-")[0]


def kinds_of(services: frozenset[str]) -> frozenset[str]:
    """The components of these services."""
    return frozenset(kind_of(name) for name in services)


def host_of(service: str) -> str:
    """Its name inside the stack's network (RFC 1123: no underscore)."""
    return service.replace("_", "-")


def next_name(container: str) -> str:
    """Name of a container that is to take the place of another, until that one is gone."""
    return f"{container}-next"


def aside_name(container: str) -> str:
    """Name of a container that has stepped aside for one of another image, until that one is proven."""
    return f"{container}-before"
