"""Short-lived containers of the Docker engine: made, given files, run to the end, always removed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

from msgspec.structs import replace

from stack.common.errors import StartFailed
from stack.engine import archive, convert, failures
from stack.engine.client import Client
from stack.engine.containers import Containers
from stack.engine.insides import Insides
from stack.engine.interface import Job, Ran
from stack.engine.transport import Unreachable
from stack.engine.volumes import Volumes
from stack.model.found import FOLDER_MODE
from stack.model.spec import ConfigFile

LAST_LINES = 20
REMOVAL_SECONDS = 120.0


class Jobs:
    """Runs jobs, and uses them to remove files."""

    def __init__(self, client: Client, containers: Containers, insides: Insides, volumes: Volumes) -> None:
        self._client = client
        self._containers = containers
        self._insides = insides
        self._volumes = volumes

    def run(self, stack: str, job: Job) -> Ran:
        """See ``Engine``; StartFailed where it does not end in time."""
        what = f"{job.argv[0]} in {job.image}"
        with self._made(stack, convert.job_body(stack, job)) as container:
            if job.files:
                files = archive.pack(_placed(job), mtime=time.time())
                self._containers.put(container, "/", files, f"run {what}")
            with self._client.asking(f"look into {job.image}"):
                seen = tuple(self._insides.look(container, path) for path in job.look_at)
            return replace(self._ran(container, what, job.seconds), seen=seen)

    def write_volume(
        self,
        volume: str,
        stack: str,
        image: str,
        files: tuple[ConfigFile, ...],
        links: tuple[tuple[str, str], ...],
        *,
        only: str = "",
    ) -> None:
        """See ``Engine``."""

        def clear(helper: str) -> None:
            if only and (surplus := self._surplus(helper, only, files)):
                self.remove_from_volume(volume, stack, image, surplus)
            if only and self._closed(helper):
                self._open(volume, stack, image)

        self._volumes.write(volume, stack, image, files, links, before=clear)

    def _open(self, volume: str, stack: str, image: str) -> None:
        """Gives the folder of a volume the permissions of a new one, which an archive of what is in it does not."""
        body = convert.helper_body(stack, image, volume)
        body["HostConfig"]["ReadonlyRootfs"] = False  # the engine writes from its root on; it never starts
        with self._made(stack, body) as container:
            folder = archive.pack_folder(convert.VOLUME_ROOT.lstrip("/"), time.time())
            self._containers.put(container, "/", folder, f"open volume {volume}")

    def _closed(self, helper: str) -> bool:
        """Whether the folder of the helper's volume has other permissions than a new one."""
        (found,) = self._insides.stat(helper, (convert.VOLUME_ROOT,))
        return found is not None and found.mode != FOLDER_MODE

    def _surplus(self, helper: str, folder: str, files: tuple[ConfigFile, ...]) -> tuple[str, ...]:
        """What lies in a folder of the helper's volume and is none of the files."""
        place = f"{convert.VOLUME_ROOT}/{folder}"
        if self._insides.stat(helper, (place,)) == (None,):
            return ()
        return archive.surplus(folder, self._insides.read_folder(helper, place), files)

    def remove_from_volume(self, volume: str, stack: str, image: str, paths: tuple[str, ...]) -> None:
        """See ``Engine``."""
        inside = tuple(map(archive.inside, paths))
        self._volumes.needed(volume)
        with self._made(stack, convert.removal_body(stack, image, volume, inside)) as container:
            ran = self._ran(container, f"rm in {image}", REMOVAL_SECONDS)
        if ran.code:
            raise StartFailed(f"remove from volume {volume}: {failures.one_line(ran.output)}")

    @contextmanager
    def _made(self, stack: str, body: dict[str, Any]) -> Iterator[str]:
        container = self._containers.create(convert.helper_name(stack), body)
        try:
            yield container
        finally:
            self._containers.discard(container)

    def _ran(self, container: str, what: str, seconds: float) -> Ran:
        with self._client.asking(f"run {what}"):
            self._containers.run(container)
            code = self._ended(container, what, seconds)
            return Ran(code, self._insides.output(container))

    def _ended(self, container: str, what: str, seconds: float) -> int:
        try:
            waited = self._client.json("POST", f"containers/{container}/wait", seconds=seconds)
        except Unreachable as error:
            last = self._insides.output(container, LAST_LINES)
            raise StartFailed(
                f"{what} did not end within {seconds:g} s", logs=tuple(last.splitlines())
            ) from error
        return int(waited["StatusCode"])


def _placed(job: Job) -> tuple[ConfigFile, ...]:
    folder = PurePosixPath(job.folder.lstrip("/"))
    return tuple(replace(file, path=str(folder / file.path)) for file in job.files)
