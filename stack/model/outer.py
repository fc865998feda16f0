"""What lies outside the stack and is reached by its containers: networks of others, the engine's machine."""

from __future__ import annotations

import re

from msgspec import Struct

PREDEFINED = ("bridge", "host", "none")
"""Networks that every engine has. Names do not resolve on them, so that none is joined."""
NETWORK_LABEL = "__network__"
"""The label of a target that lives on a network of others."""
MACHINE = "host.docker.internal"
"""The engine's own machine by a name, for services that run there outside any container."""
TEXTFILES = "/textfile"
"""Where node_exporter finds the files of metrics that others write on the engine's machine."""


ITSELF = re.compile(
    r"localhost|ip6-localhost|127(?:\.\d+){3}|0\.0\.0\.0|::1?|::ffff:(?:127(?:\.\d+){3}|0\.0\.0\.0)",
    re.IGNORECASE,
)


def is_itself(host: str) -> bool:
    """Whether a container that asks this host, a name or an address perhaps in brackets, asks itself."""
    return bool(ITSELF.fullmatch(host.strip("[]")))


class OuterNetwork(Struct, frozen=True):
    """A network of somebody else that a container joins; ``named_by`` is the place (file:line) that asks for it."""

    name: str
    named_by: str = ""
