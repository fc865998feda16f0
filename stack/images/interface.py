"""The part of a container engine that this package needs, as a Protocol, so that tests can give a small one.

``stack.engine.interface.Engine`` has all of it. No engine is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

from stack.engine.interface import EngineInfo, ImageConfig, ImageInfo, Job, Ran
from stack.model.events import Progress

PullProgress = Callable[[str], None]
"""Receives one line for each thing that the engine reports."""
Tell = Callable[[Progress], None]
"""Hears of long work: which image, and what is being done."""


class ImageEngine(Protocol):
    """What images ask of an engine. Every failure is a ``stack.common.errors.StackError``."""

    def info(self) -> EngineInfo:
        """Address and architecture of the engine."""

    def image(self, ref: str) -> ImageInfo | None:
        """The image behind a tag, digest or id; None where the engine has none."""

    def pull(self, ref: str, progress: PullProgress) -> None:
        """Fetch ``ref``. RegistryUnreachable where nobody answers, PullRefused for every other failure.

        ``progress`` must not be called before the registry has answered.
        """

    def import_image(self, tar: BinaryIO, tag: str, config: ImageConfig) -> str:
        """Make an image of one layer from a root file system and return its id."""

    def build_image(self, context: BinaryIO, tag: str, labels: dict[str, str], progress: PullProgress) -> str:
        """Build the context's ``Dockerfile`` with no network, tag it, return its id. Raises BuildFailed."""

    def run(self, stack: str, job: Job) -> Ran:
        """Run ``job.argv`` in place of the entry point, wait, remove the container."""

    def tag(self, image: str, ref: str) -> None:
        """Give ``image`` one more name, taken from any other image that had it."""

    def untag(self, ref: str) -> None:
        """Take the name away; the image goes with its last name unless something uses it."""

    def save(self, refs: tuple[str, ...]) -> Iterator[bytes]:
        """The images as one archive, in chunks: what they share is in it once."""

    def load(self, tar: BinaryIO) -> tuple[str, ...]:
        """Take the images of such an archive; the names loaded."""
