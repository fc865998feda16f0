"""Networks and volumes of the Docker engine, and files into a volume. Only what carries our label."""

from __future__ import annotations

import time

import requests

from stack.common.errors import StartFailed
from stack.engine import archive, convert, labels
from stack.engine._calls import CONFLICT, NOT_FOUND, Inspect, forgiving, ours, status_of
from stack.engine._containers import ContainerCalls
from stack.model.spec import ConfigFile


class VolumeCalls(ContainerCalls):
    """Where containers meet and where they keep things."""

    def create_network(self, name: str) -> None:
        """See ``Engine``."""
        with self._asking(f"create network {name}"):
            if self._own_networks(name):
                return
            with forgiving(CONFLICT):
                self._api.create_network(
                    name, driver="bridge", check_duplicate=True, labels=labels.of_network(name)
                )
            # Two who ask at once may each get one (20.10), and then no container can start: the first stays.
            self._remove_networks(self._own_networks(name)[1:])

    def remove_network(self, name: str) -> None:
        """See ``Engine``."""
        with self._asking(f"remove network {name}"):
            self._remove_networks(self._own_networks(name))

    def _remove_networks(self, networks: list[Inspect]) -> None:
        for network in networks:
            with forgiving(NOT_FOUND):
                self._api.remove_network(network["Id"])

    def _own_networks(self, name: str) -> list[Inspect]:
        """Networks of exactly this name, the oldest first. StartFailed where there are some and none is ours."""
        found = [n for n in self._api.networks(names=[name]) if n["Name"] == name]
        mine = [n for n in found if labels.stack_of(n.get("Labels"))]
        if found and not mine:
            ours("network", name, found[0].get("Labels"))
        return sorted(mine, key=lambda n: (n["Created"], n["Id"]))

    def create_volume(self, name: str, stack: str) -> None:
        """See ``Engine``."""
        if self._volume(name) is None:
            with self._asking(f"create volume {name}"):
                made = self._api.create_volume(name, labels=labels.of_volume(stack, name))
                ours("volume", name, made.get("Labels"))

    def remove_volume(self, name: str) -> None:
        """See ``Engine``; StartFailed while a container uses it."""
        if self._volume(name) is not None:
            with self._asking(f"remove volume {name}"), forgiving(NOT_FOUND):
                self._api.remove_volume(name)

    def _volume(self, name: str) -> Inspect | None:
        found = self._found(self._api.inspect_volume, name)
        if found is not None:
            ours("volume", name, found.get("Labels"))
        return found

    def _needed_volume(self, name: str) -> None:
        if self._volume(name) is None:
            raise StartFailed(f"volume {name} is gone", hint="run start again")

    def write_volume(
        self,
        volume: str,
        stack: str,
        image: str,
        files: tuple[ConfigFile, ...],
        links: tuple[tuple[str, str], ...],
    ) -> None:
        """See ``Engine``. Works on a remote engine too: nothing of this machine is mounted."""
        self._needed_volume(volume)
        data = archive.pack(files, links, time.time())
        helper = self._create(convert.helper_name(stack), convert.helper_body(stack, image, volume))
        try:
            self._put(helper, convert.VOLUME_ROOT, data, f"write {volume}")
        finally:
            self._discard(helper)

    def _put(self, container: str, folder: str, data: bytes, what: str) -> None:
        with self._asking(what):
            try:
                self._api.put_archive(container, folder, data)
            except requests.HTTPError as error:
                if status_of(error) == NOT_FOUND:
                    raise StartFailed(f"{what}: its helper is gone", hint="run the command again") from error
                raise
