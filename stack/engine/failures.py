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
MAKE_FOLDER = "make that folder on the engine's machine, or correct the setting that names it"
FREE_SPACE = "free space where the engine keeps its data (docker system df)"
_REMEDIES = (
    (_NO_SPACE, FREE_SPACE),
    (("bind source path does not exist",), MAKE_FOLDER),
    (
        (
            "pools have been fully subnetted",
            "non-overlapping ipv4 address pool",
            "pool overlaps with other one",
        ),
        "the engine has no addresses left for a network: docker network prune, end a VPN that holds them, or set "
        "default-address-pools in its daemon.json",
    ),
    (
        ("no chain/target/match by that name", "chain 'docker"),
        "something has removed the engine's firewall rules: sudo systemctl restart docker",
    ),
    (
        (
            "can't initialize iptables table",
            "could not fetch rule set",
            "pair interfaces: operation not supported",
        ),
        "the kernel lacks what networks of containers need; after an update of it, restart the machine",
    ),
    (
        ("apparmor",),
        "AppArmor refuses containers: sudo apt-get install apparmor, restart the engine (aa-status, dmesg)",
    ),
    (
        ("cgroup mountpoint does not exist", "cannot find cgroup mount destination"),
        "the engine's machine has no control groups mounted: mount | grep cgroup; restart the machine",
    ),
    (
        ("mounts denied", "not shared from the host"),
        "share that folder: Docker Desktop, Settings, Resources, File sharing",
    ),
    (
        ("error while creating mount source path",),
        "the engine cannot see that folder: one from snap or in a virtual machine sees home folders only",
    ),
    (("exec format error",), "the image is for another processor: name one for this machine"),
    (("too many open files",), "the engine may open more files: LimitNOFILE of its service"),
    (
        ("cannot allocate memory", "resource temporarily unavailable"),
        "the engine's machine is out of memory or processes: free -m, ps aux",
    ),
)
"""What an engine says where its machine is at fault, in lower case, and the way out; the first that is said counts.

From the source of moby and libnetwork (20.10 to 29), and from reports in its issues (16816, 41993).
"""


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
    hint = next((remedy for fragments, remedy in _REMEDIES if _says(text, fragments)), "")
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
