"""A service's files as immutable ConfigMaps named by their content, and the volumes that put them at their paths. Pure.

A change makes another name, and with it a roll-out of that service alone. Each folder below CONFIG_ROOT is a volume of
its own: what is mounted is the folder itself, so Grafana, which knows a dashboard by its path, finds it where it was.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from stack.exports.files import Placed
from stack.exports.kubernetes.cluster import Json
from stack.exports.yaml_out import keeps
from stack.model.spec import CONFIG_ROOT, SECRETS

AT_MOST = 200_000
"""Bytes of one ConfigMap: below what ``kubectl apply`` keeps in an annotation, and far below what etcd takes."""
LARGEST = 1_000_000
"""Bytes of one file, which then has a ConfigMap for itself: an object may have 1 MiB."""
KEY = re.compile(r"(?!\.\.)[-._a-zA-Z0-9]{1,200}")
UNFIT = re.compile(r"[^-._a-zA-Z0-9]+")
APART = "__"
OWN = "own."
READABLE = 0o440
"""By root and the pod's group, which the service has."""


class FileMap(Struct, frozen=True):
    """One ConfigMap: its name, and key, path inside the volume, and content of each file."""

    name: str
    files: tuple[tuple[str, str, bytes], ...]

    @property
    def data(self) -> Json:
        """``data`` and ``binaryData``."""
        texts: Json = {}
        others: Json = {}
        for key, _, content in self.files:
            text = _text(content)
            if text is None:
                others[key] = base64.b64encode(content).decode()
            else:
                texts[key] = text
        return {**({"data": texts} if texts else {}), **({"binaryData": others} if others else {})}

    @property
    def source(self) -> Json:
        """Its part of a projected volume."""
        items = [{"key": key, "path": path} for key, path, _ in self.files]
        return {"configMap": {"name": self.name, "items": items}}


class Folder(Struct, frozen=True):
    """One folder below CONFIG_ROOT; ``secret`` names the Secret that ``private`` files come from."""

    name: str
    maps: tuple[FileMap, ...]
    secret: str = ""
    private: tuple[tuple[str, str], ...] = ()

    @property
    def volume(self) -> Json:
        """The volume of a pod."""
        sources = [one.source for one in self.maps]
        if self.private:
            items = [{"key": key, "path": path} for key, path in self.private]
            sources.append({"secret": {"name": self.secret, "items": items}})
        return {"name": self.name, "projected": {"defaultMode": READABLE, "sources": sources}}

    def path(self, inside: str) -> str:
        """Where the container finds one of its files."""
        return f"{CONFIG_ROOT}/{self.name}/{inside}"

    @property
    def mount(self) -> Json:
        """Where its container has it."""
        return {"name": self.name, "mountPath": f"{CONFIG_ROOT}/{self.name}", "readOnly": True}


def folders(host: str, files: Iterable[Placed], private: Iterable[Placed]) -> tuple[Folder, ...]:
    """The folders of the service that is called ``host``."""
    plain, hidden = _by_folder(files), _by_folder(private)
    return tuple(
        Folder(
            name,
            tuple(_maps(f"{host}-{name}", plain.get(name, []))),
            secret_name(host),
            tuple((secret_key(name, path), path) for path, _ in hidden.get(name, [])),
        )
        for name in sorted({*plain, *hidden})
    )


def secret_name(host: str) -> str:
    """What the Secret of a service is called."""
    return f"{host}-secrets"


def secret_key(folder: str, path: str) -> str:
    """The key of a secret: the name of its file. Those of the user's own begin with ``own.``."""
    return key_of(path) if folder == SECRETS else key_of(f"{OWN}{path.removeprefix(f'{SECRETS}/')}")


def key_of(path: str) -> str:
    """The key of a file: its path, where that can be a key, which no other file's can be then."""
    key = path.replace("/", APART)
    if APART not in path and KEY.fullmatch(key):
        return key
    name = UNFIT.sub("_", path.rpartition("/")[2])[-100:]
    return f"{hashlib.sha256(path.encode()).hexdigest()[:10]}-{name}"


def _by_folder(files: Iterable[Placed]) -> dict[str, list[tuple[str, bytes]]]:
    found: dict[str, list[tuple[str, bytes]]] = {}
    for one in files:
        folder, _, rest = one.path.removeprefix(f"{CONFIG_ROOT}/").partition("/")
        found.setdefault(folder, []).append((rest, one.content))
    return found


def _maps(stem: str, files: list[tuple[str, bytes]]) -> Iterator[FileMap]:
    for number, part in enumerate(_parts(sorted(files))):
        entries = tuple((key_of(path), path, content) for path, content in part)
        yield FileMap(f"{stem}-{number}-{_digest(entries)}", entries)


def _parts(files: list[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    part: list[tuple[str, bytes]] = []
    size = 0
    for path, content in files:
        if part and size + len(content) > AT_MOST:
            yield part
            part, size = [], 0
        part.append((path, content))
        size += len(content)
    if part:
        yield part


def _digest(entries: tuple[tuple[str, str, bytes], ...]) -> str:
    seen = hashlib.sha256()
    for key, _, content in entries:
        seen.update(f"{key}\0{len(content)}\0".encode() + content)
    return seen.hexdigest()[:10]


def _text(content: bytes) -> str | None:
    """The text that YAML can keep as it is; None: it is given as bytes."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return text if keeps(text) else None
