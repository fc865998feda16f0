"""Which engine is meant: as the docker command decides, and never another one in its place.

An address given or in DOCKER_HOST comes first, then the context in DOCKER_CONTEXT, then the current context of the
docker command, then the socket of this machine. What is named and cannot be read is an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from stack.common.errors import EngineUnavailable

VARIABLES = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "XDG_RUNTIME_DIR",
)
"""What decides, of the environment."""
SYSTEM_SOCKET = "/var/run/docker.sock"
DEFAULT_CONTEXT = "default"
FOLDER = "the folder of ca.pem, cert.pem and key.pem"
NAMED_FOLDER = f"DOCKER_CERT_PATH names {FOLDER}; without DOCKER_TLS_VERIFY none is used"
GIVEN_FOLDER = (
    "the folder of an engine's certificates holds ca.pem, and cert.pem with key.pem where it asks for them"
)


class Tls(Struct, frozen=True):
    """Paths of the certificates for an engine; ``cert`` and ``key`` are empty where it asks for none."""

    ca: str
    cert: str
    key: str
    verify: bool


class Address(Struct, frozen=True):
    """An engine: its URL, its certificates, and the context that named it, if one did."""

    url: str
    tls: Tls | None = None
    context: str = ""

    def __str__(self) -> str:
        return f"{self.url} (context {self.context})" if self.context else self.url

    @property
    def socket(self) -> str:
        """Path of a socket of this machine; empty for any other kind of address."""
        parts = urlsplit(self.url)
        return parts.netloc + parts.path if parts.scheme == "unix" else ""


def is_remote(url: str) -> bool:
    """Whether the engine's loopback address is not this machine's."""
    return urlsplit(url).scheme in ("tcp", "ssh", "http", "https")


def find(given: str, environ: Mapping[str, str], certificates: str = "") -> Address:
    """The engine that ``given`` or the environment names; EngineUnavailable where it names none that is there.

    ``certificates``: the folder of those for ``given``, which must be verified.
    """
    folder = Path(environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    if certificates:
        return Address(given, certificates_in(Path(certificates), verify=True, hint=GIVEN_FOLDER))
    if url := given or environ.get("DOCKER_HOST", ""):
        return _plain(url, environ, folder)
    if name := environ.get("DOCKER_CONTEXT", ""):
        source = "DOCKER_CONTEXT"
    else:
        name, source = _current(folder / "config.json"), str(folder / "config.json")
    if name not in ("", DEFAULT_CONTEXT):
        return _context(name, source, folder / "contexts")
    return _plain(f"unix://{_local(environ)}", environ, folder)


def _plain(url: str, environ: Mapping[str, str], folder: Path) -> Address:
    if meant := _meant(url):
        raise EngineUnavailable(f"{url} is no address of an engine", hint=f"DOCKER_HOST={meant}")
    full = url if "://" in url else f"tcp://{url}"
    return Address(full, _tls_of_environment(environ, folder) if is_remote(full) else None)


def _meant(url: str) -> str:
    """The address that a malformed one stands for; empty for one that can be asked."""
    if url.startswith("/"):
        return f"unix://{url}"
    if url.startswith("unix:"):
        path = url.removeprefix("unix:")
        return "" if path.startswith("///") else f"unix:///{path.lstrip('/')}"
    full = url if "://" in url else f"tcp://{url}"
    try:
        parts = urlsplit(full)
        portless = parts.port is None
    except ValueError:
        return "tcp://HOST:PORT"
    if parts.scheme == "tcp" and portless:
        return f"tcp://{parts.netloc or 'HOST'}:2375 (2376 with DOCKER_TLS_VERIFY)"
    return (
        ""
        if is_remote(full) or parts.scheme == "npipe"
        else "unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST"
    )


def _local(environ: Mapping[str, str]) -> str:
    """The system's socket, or that of the user's rootless engine where there is no other."""
    rootless = Path(environ.get("XDG_RUNTIME_DIR", "")) / "docker.sock"
    alone = environ.get("XDG_RUNTIME_DIR") and rootless.exists() and not Path(SYSTEM_SOCKET).exists()
    return str(rootless) if alone else SYSTEM_SOCKET


def _current(config: Path) -> str:
    """The docker command's current context; empty where it has none."""
    name = (_json(config) or {}).get("currentContext", "")
    if not isinstance(name, str):
        raise EngineUnavailable(f"{config}: currentContext is no text", hint="docker context use NAME")
    return name


def _context(name: str, source: str, contexts: Path) -> Address:
    identity = sha256(name.encode()).hexdigest()
    meta = contexts / "meta" / identity / "meta.json"
    try:
        told = _json(meta)
        endpoint = told["Endpoints"]["docker"] if told is not None else {}
        url, verify = str(endpoint.get("Host", "")), not endpoint.get("SkipTLSVerify", False)
    except (KeyError, TypeError, AttributeError, EngineUnavailable) as error:
        raise _unusable(name, meta, str(error)) from error
    if told is None:
        raise EngineUnavailable(
            f"context {name} ({source}) does not exist", hint="choose one that docker context ls shows"
        )
    if not url:
        raise _unusable(name, meta, "no Host")
    return Address(url, _tls_of_context(contexts / "tls" / identity / "docker", verify), name)


def _unusable(name: str, meta: Path, reason: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"context {name} names no Docker engine ({meta}: {reason})",
        hint=f"docker context rm {name}, or choose another with docker context use",
    )


def _json(path: Path) -> dict[str, Any] | None:
    """None where there is no such file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise EngineUnavailable(
            f"{path} cannot be read: {reason}", hint="mend it, or name the engine with DOCKER_HOST"
        ) from error
    if not isinstance(found, dict):
        raise EngineUnavailable(f"{path} is no JSON object", hint="mend it, or set DOCKER_HOST")
    return found


def _tls_of_environment(environ: Mapping[str, str], folder: Path) -> Tls | None:
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    if not verify and not environ.get("DOCKER_TLS"):
        return None
    return certificates_in(Path(environ.get("DOCKER_CERT_PATH") or folder), verify=verify, hint=NAMED_FOLDER)


def certificates_in(place: Path, *, verify: bool, hint: str) -> Tls:
    """The certificates of a folder; EngineUnavailable with the hint where one of them is missing."""
    found = _certificates(place, verify)
    wanted = (verify and not found.ca and "ca.pem") or (bool(found.cert) != bool(found.key) and _other(found))
    if wanted:
        raise EngineUnavailable(
            f"the certificate {place / str(wanted)} is missing",
            hint=hint,
        )
    return found


def _other(found: Tls) -> str:
    return "key.pem" if found.cert else "cert.pem"


def _tls_of_context(folder: Path, verify: bool) -> Tls | None:
    found = _certificates(folder, verify)
    return found if found.ca or found.cert else None


def _certificates(folder: Path, verify: bool) -> Tls:
    ca, cert, key = (
        str(p) if p.is_file() else "" for p in (folder / f"{n}.pem" for n in ("ca", "cert", "key"))
    )
    return Tls(ca, cert, key, verify)
