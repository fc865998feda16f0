"""What the ``images`` command shows and moves: rows of all images, archives, and the lock of official digests.

Returns values; the command prints them. Resolution is left to ``resolver``.
"""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from stack.common.errors import ImageError
from stack.common.files import write_atomically
from stack.engine.interface import ImageInfo
from stack.images.interface import ImageEngine
from stack.images.lock import LOCK_NAME, checksum, read_layers, read_lock
from stack.images.pins import LABEL_BUILT_FROM, LABEL_VERSION, Pin, tag_of
from stack.images.programs import PROGRAMS
from stack.images.resolved import Resolved


class Row(Struct, frozen=True):
    """One line of ``images list``; ``size`` in bytes, ``differs`` where the version is not the pinned one."""

    component: str
    ref: str
    id: str
    version: str
    pin: str
    built_from: str
    size: int
    differs: bool
    why: str


def rows(engine: ImageEngine, images: Iterable[Resolved], pins: Mapping[str, Pin]) -> tuple[Row, ...]:
    """What each component would run now."""
    return tuple(
        _row(image, engine.image(image.ref) if image.available else None, pins.get(image.component))
        for image in images
    )


def _row(image: Resolved, info: ImageInfo | None, found: Pin | None) -> Row:
    pin = found.version if found else ""
    labels: Mapping[str, str] = info.labels if info else {}
    version = labels.get(LABEL_VERSION, "") or (tag_of(image.ref).removeprefix("v") if info else "")
    return Row(
        component=image.component,
        ref=image.ref,
        id=image.id,
        version=version,
        pin=pin,
        built_from=labels.get(LABEL_BUILT_FROM, ""),
        size=info.size if info else 0,
        differs=bool(pin and version) and not _same(version, pin),
        why=image.why,
    )


def _same(version: str, pin: str) -> bool:
    """A pin such as 3.14 means any 3.14.x."""
    return version.partition("-")[0] == pin or version.startswith((f"{pin}.", f"{pin}-"))


def save(engine: ImageEngine, images: Iterable[Resolved], archive: Path) -> tuple[str, ...]:
    """Write all images into one archive that ``load`` and ``docker load`` take; the references inside.

    One of our own programs goes with the name of the last one built, by which it is known on an engine whose base has
    another id; a locked image with its tag, since no archive carries a digest. The file appears when complete.
    """
    refs = tuple(dict.fromkeys(ref for image in images if image.available for ref in _names(engine, image)))
    if not refs:
        raise ImageError("there is no image to save", hint="monitoring-stack images build")
    unfinished = archive.with_name(f".{archive.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.writelines(engine.save(refs))
        unfinished.replace(archive)
    finally:
        unfinished.unlink(missing_ok=True)
    return refs


def _names(engine: ImageEngine, image: Resolved) -> tuple[str, ...]:
    name, _, digest = image.ref.partition("@")
    if digest and ":" in name.rpartition("/")[2]:
        engine.tag(image.id, name)
        return (name,)
    program = PROGRAMS.get(image.component)
    if program is None or not image.ref.startswith(f"{program.repository}:"):
        return (image.ref,)
    latest = engine.image(program.local)
    return (image.ref, program.local) if latest and latest.id == image.id else (image.ref,)


def load(engine: ImageEngine, archive: Path) -> tuple[str, ...]:
    """Load an archive that ``save``, an older version of it, or ``docker save`` wrote; the references loaded.

    Raises ImageError.
    """
    try:
        with tarfile.open(archive) as bundle:
            inner = [member for member in bundle if member.name.removesuffix(".tar").isdigit()]
            loaded = [_load_one(engine, bundle, member) for member in inner]
    except (OSError, tarfile.TarError) as error:
        raise ImageError(
            f"{archive} cannot be read: {error}", hint="is it the output of images save?"
        ) from error
    if loaded:
        return tuple(ref for refs in loaded for ref in refs)
    with archive.open("rb") as stream:
        return engine.load(stream)


def _load_one(engine: ImageEngine, bundle: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[str, ...]:
    with tempfile.TemporaryFile() as one:
        inside = bundle.extractfile(member)
        if inside is not None:
            shutil.copyfileobj(inside, one)
        one.seek(0)
        return engine.load(one)


def lock(engine: ImageEngine, folder: Path, pins: Mapping[str, Pin]) -> dict[str, str]:
    """Write the content digests of the official images that the engine holds; only these are pulled from then on.

    A component whose official image is not there keeps the digest that it had.
    """
    digests, layers = read_lock(folder, pins), read_layers(folder, pins)
    for component, pin in pins.items():
        info = engine.image(pin.official)
        found = [d.partition("@")[2] for d in info.digests] if info else []
        if info and found:
            digests[component], layers[component] = found[0], checksum(info.layers)
    if not digests:
        raise ImageError("no official image is there to lock", hint="monitoring-stack images pull")
    document: dict[str, Any] = {
        c: {"image": pins[c].official, "digest": d, "layers": layers.get(c, "")}
        for c, d in sorted(digests.items())
    }
    write_atomically(folder / LOCK_NAME, json.dumps(document, indent=2).encode() + b"\n")
    return digests
