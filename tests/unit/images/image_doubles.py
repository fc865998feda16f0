"""A small engine that holds images in memory, for tests of what happens to them. It keeps the Protocol's promises."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from stack.common.errors import RegistryUnreachable
from stack.engine.interface import EngineInfo, ImageConfig, ImageInfo, Job, Ran


def image(ref: str, image_id: str = "", **labels: str) -> ImageInfo:
    """An image with one name; underscores in label names stand for dashes, after the namespace."""
    told = {f"monitoring-stack.{name.replace('_', '-')}": value for name, value in labels.items()}
    return ImageInfo(image_id or f"id of {ref}", (ref,), told, 1000, "2026-01-01T00:00:00Z")


@dataclass
class Shelf:
    """Images by reference. ``registry`` answers a pull: raises, or calls back and returns."""

    held: dict[str, ImageInfo] = field(default_factory=dict)
    registry: Callable[[str, Callable[[str], None]], None] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    contexts: dict[str, dict[str, bytes]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def info(self) -> EngineInfo:
        return EngineInfo("28", "1.51", "unix:///x", False, "Debian", "x86_64", 2, 1 << 30)

    def image(self, ref: str) -> ImageInfo | None:
        by_id = next((i for i in self.held.values() if i.id == ref), None)
        return self.held.get(ref) or by_id

    def pull(self, ref: str, progress: Callable[[str], None]) -> None:
        self._note(f"pull {ref}")
        if self.registry is None:
            raise RegistryUnreachable(f"nobody answers for {ref}")
        self.registry(ref, progress)
        self.held[ref] = image(ref)

    def import_image(self, tar: BinaryIO, tag: str, config: ImageConfig) -> str:
        self._note(f"import {tag}")
        made = "sha256:" + hashlib.sha256(tar.read()).hexdigest()
        self.held[tag] = ImageInfo(made, (tag,), dict(config.labels), 1, "")
        return made

    def build_image(
        self, context: BinaryIO, tag: str, labels: dict[str, str], progress: Callable[[str], None]
    ) -> str:
        self._note(f"build {tag}")
        content = context.read()
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            opened = {m.name: tar.extractfile(m) for m in tar}
            self.contexts[tag] = {name: file.read() for name, file in opened.items() if file}
        made = "sha256:" + hashlib.sha256(content + repr(sorted(labels.items())).encode()).hexdigest()
        self.held[tag] = ImageInfo(made, (tag,), labels, 1, "")
        return made

    def run(self, stack: str, job: Job) -> Ran:
        self._note(f"run {job.argv[0]}")
        output = self.versions.get(job.argv[0], "tool, version 1.2.3 (branch: x)")
        return Ran(1, output) if "failed" in output else Ran(0, output)

    def tag(self, image: str, ref: str) -> None:
        found = self.image(image)
        if found:
            self.held[ref] = found

    def untag(self, ref: str) -> None:
        self._note(f"untag {ref}")
        self.held.pop(ref, None)

    def save(self, refs: tuple[str, ...]) -> Iterator[bytes]:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for ref in refs:
                tar.addfile(tarfile.TarInfo(ref))
        yield buffer.getvalue()

    def load(self, tar: BinaryIO) -> tuple[str, ...]:
        with tarfile.open(fileobj=tar) as opened:
            refs = tuple(opened.getnames())
        self.held.update({ref: image(ref) for ref in refs})
        return refs

    def _note(self, call: str) -> None:
        with self.lock:
            self.calls.append(call)
