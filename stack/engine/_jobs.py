"""Short-lived containers of the Docker engine: made, given files, run to the end, always removed."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import PurePosixPath

import requests

from stack.common.errors import StartFailed
from stack.engine import archive, convert, failures
from stack.engine._volumes import VolumeCalls
from stack.engine.interface import Job, Ran
from stack.model.spec import ConfigFile

LAST_LINES = 20


class JobCalls(VolumeCalls):
    """Runs jobs."""

    def run(self, stack: str, job: Job) -> Ran:
        """See ``Engine``; StartFailed where it does not end in time."""
        what = f"run {job.argv[0]} in {job.image}"
        container = self._create(convert.helper_name(stack), convert.job_body(stack, job))
        try:
            if job.files:
                self._put(container, "/", archive.pack(_placed(job), mtime=time.time()), what)
            with self._asking(what):
                self._api.start(container)
            code = self._ended(container, job)
            return Ran(code, self._output(container, what))
        finally:
            self._discard(container)

    def remove_from_volume(self, volume: str, stack: str, image: str, paths: tuple[str, ...]) -> None:
        """See ``Engine``."""
        inside = tuple(map(archive.inside, paths))
        self._needed_volume(volume)
        container = self._create(
            convert.helper_name(stack), convert.removal_body(stack, image, volume, inside)
        )
        what = f"remove from volume {volume}"
        try:
            with self._asking(what):
                self._api.start(container)
            code = self._ended(container, Job(image, ("rm",)))
            if code:
                raise StartFailed(f"{what}: {failures.one_line(self._output(container, what))}")
        finally:
            self._discard(container)

    def _output(self, container: str, what: str) -> str:
        with self._asking(what):
            return str(self._api.logs(container).decode(errors="replace"))

    def _ended(self, container: str, job: Job) -> int:
        what = f"{job.argv[0]} in {job.image}"
        with self._asking(what):
            try:
                return int(self._api.wait(container, timeout=job.seconds)["StatusCode"])
            except (requests.ReadTimeout, requests.ConnectionError) as error:
                last = self._api.logs(container, tail=LAST_LINES).decode(errors="replace")
                raise StartFailed(
                    f"{what} did not end within {job.seconds:g} s", logs=tuple(last.splitlines())
                ) from error


def _placed(job: Job) -> tuple[ConfigFile, ...]:
    folder = PurePosixPath(job.folder.lstrip("/"))
    return tuple(replace(file, path=str(folder / file.path)) for file in job.files)
