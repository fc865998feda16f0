"""Volumes of the Docker engine, and files into them. Only what carries our label."""

from __future__ import annotations

import time
from collections.abc import Callable

from stack.common.errors import StartFailed
from stack.engine import archive, convert, labels
from stack.engine.client import NOT_FOUND, Client, Inspect, forgiving, ours, quoted
from stack.engine.containers import Containers
from stack.model.spec import ConfigFile


class Volumes:
    """Where containers keep things."""

    def __init__(self, client: Client, containers: Containers) -> None:
        self._client = client
        self._containers = containers

    def create(self, name: str, stack: str) -> None:
        """See ``Engine.create_volume``."""
        self.make(name, labels.of_volume(stack, name))

    def make(self, name: str, marks: dict[str, str]) -> None:
        """A volume with these labels, where there is none of the name; StartFailed where that is somebody else's."""
        if self.found(name) is None:
            wanted = {"Name": name, "Labels": marks}
            with self._client.asking(f"create volume {name}"):
                made = self._client.json("POST", "volumes/create", body=wanted)
                ours("volume", name, made.get("Labels"))

    def remove(self, name: str) -> None:
        """See ``Engine.remove_volume``; StartFailed while a container uses it."""
        if self.found(name) is not None:
            with self._client.asking(f"remove volume {name}"), forgiving(NOT_FOUND):
                self._client.read("DELETE", f"volumes/{quoted(name)}")

    def found(self, name: str) -> Inspect | None:
        """A volume of ours; None where there is none; StartFailed where it belongs to somebody else."""
        found = self._client.found("volume", name)
        if found is not None:
            ours("volume", name, found.get("Labels"))
        return found

    def needed(self, name: str) -> None:
        """StartFailed where there is no such volume of ours."""
        if self.found(name) is None:
            raise StartFailed(f"volume {name} is gone", hint="run start again")

    def write(
        self,
        volume: str,
        stack: str,
        image: str,
        files: tuple[ConfigFile, ...],
        links: tuple[tuple[str, str], ...],
        *,
        before: Callable[[str], None],
    ) -> None:
        """See ``Engine.write_volume``. Works on a remote engine too: nothing of this machine is mounted.

        ``before`` is given the helper, which has the volume, before anything is written.
        """
        self.needed(volume)
        data = archive.pack(files, links, time.time())
        body = convert.helper_body(stack, image, volume)
        helper = self._containers.create(convert.helper_name(stack), body)
        try:
            before(helper)
            self._containers.put(helper, convert.VOLUME_ROOT, data, f"write {volume}")
        finally:
            self._containers.discard(helper)
