"""What the orchestrator may ask of an engine about a volume as a whole: its content out, other content in.

Part of ``stack.engine.interface``.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import BinaryIO, Protocol

from stack.model.volumes import Damage, VolumeKind


class WholeVolumes(Protocol):
    """Works with an engine elsewhere too: nothing of this machine is mounted."""

    def gather(self, stack: str, image: str, volume: str, kind: VolumeKind) -> Generator[bytes]:
        """All that a volume holds as a tar, whole as of one moment although its owner runs; links are left out.

        ``image`` must have ``python3``. StartFailed where it breaks off or cannot be read.
        """

    def stage(self, stack: str, image: str, volume: str, tar: BinaryIO) -> None:
        """Unpacks a tar into a volume; what lies below ``STAGED`` is for ``adopt``."""

    def adopt(self, stack: str, image: str, volume: str) -> None:
        """What was staged takes the place of all that the volume holds. Can be repeated until it is done."""

    def unstage(self, stack: str, image: str, volume: str) -> None:
        """What was staged goes, as does what an interrupted ``gather`` left; fine if there is none."""

    def keep(self, stack: str, image: str, volume: str, kind: VolumeKind) -> None:
        """All that a volume holds is kept within it, while its owner is stopped, until ``unstage`` or ``give_back``.

        ``kind`` is ``dump`` where the owner will not open it again, so that it needs no room.
        """

    def from_dump(self, stack: str, image: str, volume: str) -> None:
        """Of a volume whose content is kept only ``DUMP`` is left, for another owner to begin with."""

    def give_back(self, stack: str, image: str, volume: str) -> None:
        """What was kept takes the place of all that the volume holds. Can be repeated until it is done."""

    def examine(
        self, stack: str, image: str, volume: str, kind: VolumeKind, now: float, *, deep: bool
    ) -> tuple[Damage, ...]:
        """What is damaged in a volume, as far as its form tells; ``now`` in Unix seconds.

        Without ``deep`` no large file is read as a whole.
        """

    def set_aside(self, stack: str, image: str, volume: str, folder: str, paths: tuple[str, ...]) -> None:
        """Moves paths of a volume into a folder of it; fine where that was done before."""
