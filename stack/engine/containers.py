"""The life of containers on the Docker engine: create, start, stop, remove. Only containers with our label."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stack.common.errors import StartFailed
from stack.common.wait import NotYet, TimedOut, until
from stack.engine import convert, failures, labels
from stack.engine.client import (
    CONFLICT,
    NOT_FOUND,
    TAR,
    Client,
    Inspect,
    filters,
    forgiving,
    name_of,
    quoted,
)
from stack.engine.limits import Abilities
from stack.engine.transport import Refusal
from stack.model.spec import Limits, ServiceSpec, container_name

GONE_SECONDS = 10.0


class Containers:
    """One container at a time, by id or name."""

    def __init__(self, client: Client, abilities: Abilities) -> None:
        self._client = client
        self._abilities = abilities

    def create_service(self, stack: str, service: ServiceSpec, name: str = "") -> str:
        """See ``Engine.create``; ``ImageError`` where the image is gone."""
        name = name or container_name(stack, service.component)
        return self.create(name, convert.service_body(stack, service))

    def rename(self, container: str, name: str) -> None:
        """See ``Engine``."""
        found = self._client.present(container)
        with self._client.asking(f"rename {name_of(found)} to {name}"):
            try:
                self._client.read("POST", f"containers/{found['Id']}/rename", query={"name": name})
            except Refusal as error:
                if error.status == CONFLICT:
                    self._client.container(name)  # refuses a foreign one
                raise

    def limit(self, container: str, limits: Limits) -> None:
        """See ``Engine``."""
        found = self._client.present(container)
        with self._client.asking(f"limit {name_of(found)}"):
            body = self._abilities.possible(convert.update_body(limits))
            self._client.read("POST", f"containers/{found['Id']}/update", body=body)

    def create(self, name: str, body: dict[str, Any]) -> str:
        """Makes a container and returns its id; StartFailed where somebody else was quicker."""
        with self._client.asking(f"create {name}"):
            try:
                return self.make(name, body)
            except Refusal as error:
                if error.status != CONFLICT:
                    raise
                # Refuses a foreign one; one that is just being made cannot be seen yet.
                self._client.container(name)
                raise StartFailed(
                    f"container {name} was made by somebody else just now",
                    hint="another start is at work: wait for it, then run start again",
                ) from error

    def make(self, name: str, body: dict[str, Any]) -> str:
        """As ``create``, but a refusal stays one; ``ImageError`` where the image is gone."""
        try:
            made = self._client.json(
                "POST", "containers/create", query={"name": name}, body=self._abilities.fit(body)
            )
        except Refusal as error:
            if error.status == NOT_FOUND and not self._client.found("image", body["Image"]):
                raise failures.image_missing(body["Image"]) from error
            raise
        return str(made["Id"])

    def start(self, container: str) -> None:
        """See ``Engine``."""
        found = self._client.present(container)
        with self._client.asking(f"{name_of(found)} does not start"), self._naming_port(found):
            try:
                self.run(found["Id"])
            except Refusal as error:
                if not (found["HostConfig"].get("Ulimits") and failures.ulimit_refused(error.text)):
                    raise
                self._abilities.refuses_ulimits()
                self.discard(found["Id"])
                self.run(self.create(name_of(found), convert.again(found)))

    def run(self, container: str) -> None:
        """Starts a container that is surely ours; a refusal stays one."""
        self._client.read("POST", f"containers/{container}/start")

    def restart(self, container: str) -> None:
        """See ``Engine``."""
        found = self._client.present(container)
        with self._client.asking(f"{name_of(found)} does not restart"), self._naming_port(found):
            self._end(found, "restart")

    def stop(self, container: str) -> None:
        """See ``Engine``."""
        found = self._client.container(container)
        if found is not None:
            with self._client.asking(f"stop {name_of(found)}"), forgiving(NOT_FOUND):
                self._end(found, "stop")

    def _end(self, found: Inspect, call: str) -> None:
        """Without a time of ours, so that the one that the container declares counts."""
        declared = found["Config"].get("StopTimeout")
        patience = convert.STOP_SECONDS if declared is None else declared
        self._client.read("POST", f"containers/{found['Id']}/{call}", seconds=self._client.seconds + patience)

    def remove(self, container: str) -> None:
        """See ``Engine``. Its anonymous volumes go too; named ones stay."""
        found = self._client.container(container)
        if found is not None:
            self.discard(found["Id"])

    def discard(self, container: str) -> None:
        """Removes a container that is surely ours."""
        with self._client.asking(f"remove container {container}"):
            try:
                self._client.read("DELETE", f"containers/{container}", query={"v": 1, "force": 1})
            except Refusal as error:
                if error.status not in (NOT_FOUND, CONFLICT):
                    raise
                self._until(container, False, "is still being removed")

    def until_made(self, container: str) -> None:
        """Somebody else is making it: its name is taken before anything can be asked of it."""
        self._until(container, True, "is still being made")

    def _until(self, container: str, there: bool, otherwise: str) -> None:
        def ask() -> None:
            if bool(self._client.found("container", container)) is not there:
                raise NotYet(f"container {container} {otherwise}")

        try:
            until(ask, seconds=GONE_SECONDS)
        except TimedOut as error:
            raise StartFailed(str(error), hint="run the command again") from error

    def put(self, container: str, folder: str, data: bytes, what: str) -> None:
        """Unpacks a tar inside a container."""
        with self._client.asking(what):
            try:
                self._client.read(
                    "PUT",
                    f"containers/{quoted(container)}/archive",
                    query={"path": folder},
                    data=data,
                    headers=TAR,
                )
            except Refusal as error:
                if error.status == NOT_FOUND:
                    raise StartFailed(f"{what}: its helper is gone", hint="run the command again") from error
                raise

    @contextmanager
    def _naming_port(self, found: Inspect) -> Iterator[None]:
        """A taken port is told with its number and its holder."""
        try:
            yield
        except Refusal as error:
            if not failures.port_taken(error.text):
                raise
            component = (found["Config"].get("Labels") or {}).get(labels.COMPONENT, "")
            where = convert.published({"HostConfig": found["HostConfig"]})
            raise failures.port_error(component, where, self._holder(found, where)) from error

    def _holder(self, found: Inspect, where: str) -> str:
        """Who has the port, as far as the engine knows."""
        port = where.rpartition(":")[2]
        listed = self._client.json("GET", "containers/json", query=filters(publish=[port])) if port else ()
        for other in listed:
            bound = {str(p.get("PublicPort", "")) for p in other["Ports"]}
            if port in bound and other["Id"] != found["Id"]:
                stack = labels.stack_of(other.get("Labels"))
                return f"container {other['Names'][0].lstrip('/')}" + (f" of stack {stack}" if stack else "")
        return ""
