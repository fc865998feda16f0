"""What a refusal of the engine means: the one place that reads its words, since it gives a code only for some.

Pure: status and text in, an error of ``stack.common.errors`` out. Status decides where it can; else a plain
substring does. Nothing else in the project may look into the text of an engine's error.
"""

from __future__ import annotations

from stack.common.errors import (
    EngineUnavailable,
    ImageError,
    PortTaken,
    PullRefused,
    RegistryUnreachable,
    StartFailed,
)
from stack.engine.transport import Unreachable

_PORT = ("port is already allocated", "address already in use", "ports are not available")
_ULIMIT = ("setting rlimit", "setrlimit")
_NO_SPACE = ("no space left on device",)
_NOT_FOUND = ("manifest unknown", "manifest for", "not found", "does not exist")
_DENIED = ("denied", "unauthorized", "authentication required", "no basic auth credentials", "forbidden")
_LIMITED = ("toomanyrequests", "too many requests", "rate limit")
_UNREACHABLE = (
    "no such host",
    "connection refused",
    "connection reset",
    "i/o timeout",
    "client.timeout",
    "deadline exceeded",
    "handshake timeout",
    "network is unreachable",
    "no route to host",
    "server misbehaving",
    "temporary failure in name resolution",
    "proxyconnect",
    "x509:",
    "tls: failed to verify",
    "service unavailable",
    "bad gateway",
    "unexpected eof",
)
_NO_FOLDER = ("bind source path does not exist",)
MAKE_FOLDER = "make that folder on the engine's machine, or correct the setting that names it"
FREE_SPACE = "free space where the engine keeps its data (docker system df)"


def _says(text: str, fragments: tuple[str, ...]) -> bool:
    lowered = text.lower()
    return any(fragment in lowered for fragment in fragments)


def one_line(text: str) -> str:
    """The engine's words without line breaks, at most 300 characters."""
    return " ".join(text.split())[:300]


def port_taken(text: str) -> bool:
    """Whether a start failed because of a published port."""
    return _says(text, _PORT)


def ulimit_refused(text: str) -> bool:
    """Whether a start failed because the engine may not raise a process's own limits."""
    return _says(text, _ULIMIT)


def no_space(text: str) -> bool:
    """Whether the engine's disk is full."""
    return _says(text, _NO_SPACE)


def refused(what: str, text: str) -> StartFailed:
    """A step that the engine refused for a reason of its own."""
    hint = FREE_SPACE if no_space(text) else MAKE_FOLDER if _says(text, _NO_FOLDER) else ""
    return StartFailed(f"{what}: {one_line(text)}", hint=hint)


def port_error(component: str, where: str, holder: str) -> PortTaken:
    """A published port that belongs to somebody else; ``holder`` is who has it, as far as the engine knows."""
    variable = f"STACK_{component.upper()}_PORT"
    by = f" by {holder}" if holder else ""
    return PortTaken(
        f"{component}: port {where} is taken{by}",
        hint=f"choose another with {variable}=PORT or --port-base, or free it (ss -ltnp)",
    )


def image_missing(image: str) -> ImageError:
    """A container was asked for, but its image is gone."""
    return ImageError(f"image {image} is not on this engine", hint="run start again, or images pull|build")


def pull_error(ref: str, status: int, text: str) -> ImageError:
    """Why a pull failed; only a registry that does not answer is ``RegistryUnreachable``."""
    said = one_line(text)
    if no_space(text):
        return PullRefused(f"{ref}: the engine's disk is full", hint=FREE_SPACE)
    if _says(text, _LIMITED) or status == 429:
        return PullRefused(f"{ref}: the registry's rate limit is reached", hint="wait, or docker login")
    if _says(text, _UNREACHABLE):
        return RegistryUnreachable(f"{ref}: the registry does not answer: {said}")
    if _says(text, _DENIED) or status in (401, 403):
        return PullRefused(f"{ref}: the registry refused: {said}", hint="check the name, or docker login")
    if status == 404 or _says(text, _NOT_FOUND):
        return PullRefused(f"{ref}: the registry has no such image", hint="check the name and the tag")
    return PullRefused(f"{ref}: {said}", hint="docker pull shows more")


def silent_registry(ref: str, last: str, seconds: float) -> RegistryUnreachable:
    """Nothing more came after the report ``last``; without one the time for the first word was up."""
    if last:
        return RegistryUnreachable(f"{ref}: the pull broke off after {one_line(last)!r}")
    return RegistryUnreachable(f"{ref}: the registry did not answer within {seconds:g} s")


def unavailable(address: str, error: BaseException, otherwise: str = "") -> EngineUnavailable:
    """No engine at ``address``; the hint follows the innermost cause, and is ``otherwise`` where that tells none."""
    known = isinstance(error, Unreachable) and error.remedy
    cause = error if known else _innermost(error)
    return EngineUnavailable(
        f"no Docker engine answers at {address}: {one_line(str(cause)) or type(cause).__name__}",
        hint=known or otherwise or _remedy(address, cause),
    )


def _remedy(address: str, cause: BaseException) -> str:
    if isinstance(cause, PermissionError):
        return "add yourself to the group docker and log in again, or run as root"
    if address.startswith(("unix:", "npipe:", "http+unix:")):
        return (
            "start it (sudo systemctl start docker), or name another with DOCKER_HOST or docker context use"
        )
    return "check DOCKER_HOST and docker context show, and that the engine listens there"


def _innermost(error: BaseException) -> BaseException:
    """The operating system's own error where there is one, else the deepest cause."""
    found = error
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        found = error
        if isinstance(error, OSError) and isinstance(error.errno, int):  # errors of requests put a text there
            return error
        inner = error.__cause__ or error.__context__
        inner = inner or next((a for a in error.args if isinstance(a, BaseException)), None)
        if inner is None or isinstance(inner, NameError):  # how the SDK notices that a package is missing
            return found
        error = inner
    return found
