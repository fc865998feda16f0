"""What a pin is: the official image that a component runs, the line of releases that it follows, its local replacement.

Each component's manifest has its own; the base of our own programs' images is here. A registry is never asked here.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from stack.model.spec import NAMESPACE, NOBODY

DEFAULT_REGISTRY = "docker.io"
LABEL_VERSION = f"{NAMESPACE}.version"
LABEL_BUILT_FROM = f"{NAMESPACE}.built-from"
LABEL_PIN = f"{NAMESPACE}.pin"
LABEL_RECIPE = f"{NAMESPACE}.recipe"

LOOKED_UP = date(2026, 11, 26)
"""When all pins were looked up last."""


class Line(Struct, frozen=True):
    """A supported line of releases that a pin follows.

    ``series`` is what all its versions begin with; ``support`` says until when it is kept. The pin was its newest
    release on ``looked_up`` and is looked up again by ``renew_by``: a test fails after that day.
    """

    series: str
    support: str
    looked_up: date
    renew_by: date


class Pin(Struct, frozen=True):
    """One image: the official reference, our name for a local build, how to ask its version, the line it follows."""

    component: str
    official: str
    version_argv: tuple[str, ...] = ()
    user: int = NOBODY
    line: Line | None = None

    @property
    def version(self) -> str:
        """The pinned version, from the reference's tag."""
        return tag_of(self.official).removeprefix("v").partition("-")[0]

    @property
    def local(self) -> str:
        """The name under which a local build is kept."""
        return f"{NAMESPACE}/{self.component}:local"


BASE = Pin(
    "python",
    "python:3.14-slim-trixie",
    ("python3", "--version"),
    line=Line("3.14", "until October 2030; the tag moves with the line", LOOKED_UP, date(2027, 10, 31)),
)
"""What the images of our own programs are built on."""


def registry_of(ref: str) -> str:
    """The registry that a reference names: the first part if it looks like a host, else the default one."""
    first, slash, _ = ref.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return first if is_host else DEFAULT_REGISTRY


def tag_of(ref: str) -> str:
    """The tag of a reference; ``latest`` where it has none, as the engine takes it."""
    last = ref.partition("@")[0].rpartition("/")[2]
    return last.partition(":")[2] or "latest"


def pinned(ref: str, digest: str) -> str:
    """The reference that can only mean this content: ``repository:tag@sha256:...``."""
    return f"{ref.partition('@')[0]}@{digest}"
