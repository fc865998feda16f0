"""The images of the in-memory engine: held, pulled from a pretended registry, imported, built, saved.

For tests of this project; nothing here may reach a network or a disk.
"""

from __future__ import annotations

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import BinaryIO

from msgspec.structs import replace

from stack.common.errors import ImageError, RegistryUnreachable
from stack.engine import failures
from stack.engine.convert_images import split_ref
from stack.engine.interface import ImageConfig, ImageInfo

Progress = Callable[[str], None]
CREATED = "2026-01-01T00:00:00Z"


class MemoryImages(ABC):
    """``registry`` lists what can be pulled; every other reference is out of reach.

    ``store``: what the ids of loaded images end with, as engines with other stores name them otherwise.
    """

    def __init__(self) -> None:
        self.mutex = threading.RLock()
        self.images: dict[str, ImageInfo] = {}
        self.registry: set[str] = set()
        self.store = ""
        self.failing: dict[str, list[Exception]] = {}
        self.calls: list[tuple[str, str]] = []

    def fail(self, verb: str, error: Exception, times: int = 1) -> None:
        """The next ``times`` calls of the method ``verb`` raise ``error``."""
        self.failing.setdefault(verb, []).extend([error] * times)

    def _called(self, verb: str, target: str) -> None:
        self.calls.append((verb, target))
        if waiting := self.failing.get(verb):
            raise waiting.pop(0)

    def hold(self, ref: str, seed: str = "", labels: dict[str, str] | None = None) -> str:
        """An image is there under ``ref``; another ``seed`` makes another id of it. Returns the id."""
        image = f"sha256:{hashlib.sha256(f'{ref}{seed}'.encode()).hexdigest()}"
        return self._keep(ImageInfo(image, (), dict(labels or {}), 1000, CREATED), ref)

    def _keep(self, image: ImageInfo, ref: str) -> str:
        with self.mutex:
            self.untag(ref)
            known = self.images.get(image.id, image)
            self.images[image.id] = replace(known, tags=(*known.tags, _full(ref)))
            return image.id

    def image(self, ref: str) -> ImageInfo | None:
        """See ``Engine``."""
        with self.mutex:
            named = (i for i in self.images.values() if ref == i.id or _full(ref) in i.tags)
            return next(named, None)

    def pull(self, ref: str, progress: Progress, patience: float = 30.0) -> None:
        """See ``Engine``."""
        del patience
        self._called("pull", ref)
        if ref not in self.registry:
            raise RegistryUnreachable(f"{ref}: the registry does not answer")
        progress(f"{ref} Pull complete")
        self.hold(ref)

    def import_image(self, tar: BinaryIO, tag: str, config: ImageConfig) -> str:
        """See ``Engine``."""
        self._called("import_image", tag)
        content = tar.read()
        identity = hashlib.sha256(content + repr(config).encode()).hexdigest()
        return self._keep(
            ImageInfo(f"sha256:{identity}", (), dict(config.labels), len(content), CREATED), tag
        )

    def build_image(self, context: BinaryIO, tag: str, labels: dict[str, str], progress: Progress) -> str:
        """See ``Engine``."""
        self._called("build_image", tag)
        progress("Step 1/1")
        return self.import_image(context, tag, ImageConfig(labels=tuple(labels.items())))

    def tag(self, image: str, ref: str) -> None:
        """See ``Engine``."""
        self._called("tag", ref)
        found = self.image(image)
        if found is None:
            raise failures.image_missing(image)
        self._keep(found, ref)

    def untag(self, ref: str) -> None:
        """See ``Engine``."""
        with self.mutex:
            found = self.image(ref)
            if found is None:
                return
            tags = tuple(tag for tag in found.tags if tag != _full(ref))
            self.images[found.id] = replace(found, tags=tags)
            if not tags and not self._in_use(found.id):
                del self.images[found.id]

    @abstractmethod
    def _in_use(self, image: str) -> bool:
        """Whether a container has this image."""

    def save(self, refs: tuple[str, ...]) -> Iterator[bytes]:
        """See ``Engine``."""
        told = []
        for ref in refs:
            found = self.image(ref)
            if found is None:
                raise failures.image_missing(ref)
            told.append({"id": found.id, "ref": ref, "labels": found.labels, "layers": found.layers})
        return iter([json.dumps(told).encode()])

    def load(self, tar: BinaryIO) -> tuple[str, ...]:
        """See ``Engine``."""
        self._called("load", "")
        try:
            told = json.loads(tar.read())
            for one in told:
                identity = f"{one['id']}{self.store}"
                layers = tuple(one["layers"])
                self._keep(ImageInfo(identity, (), one["labels"], 1000, CREATED, (), layers), one["ref"])
        except (ValueError, KeyError, TypeError) as error:
            raise ImageError("no image was loaded: it holds none") from error
        return tuple(one["ref"] for one in told)


def _full(ref: str) -> str:
    name, tag = split_ref(ref)
    return f"{name}@{tag}" if "@" in ref else f"{name}:{tag}"
