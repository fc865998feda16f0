"""Containers of the Docker engine: create, start, stop, ask. No decisions; only containers with our label."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from stack.common.errors import StackError, StartFailed
from stack.common.wait import NotYet, TimedOut, until
from stack.engine import archive, convert, failures, labels
from stack.engine._calls import CONFLICT, NOT_FOUND, Calls, Inspect, forgiving, status_of, text_of
from stack.engine.interface import Ran, Usage
from stack.model.spec import ServiceSpec, container_name

GONE_SECONDS = 10.0
LINKS = 8


class ContainerCalls(Calls):
    """One container at a time, by id or name."""

    def create(self, stack: str, service: ServiceSpec, name: str = "") -> str:
        """See ``Engine``; ``ImageError`` where the image is gone."""
        name = name or container_name(stack, service.component)
        return self._create(name, convert.service_body(stack, service))

    def rename(self, container: str, name: str) -> None:
        """See ``Engine``."""
        found = self._present(container)
        with self._asking(f"rename {_name(found)} to {name}"):
            self._api.rename(found["Id"], name)

    def _create(self, name: str, body: dict[str, Any]) -> str:
        with self._asking(f"create {name}"):
            try:
                return str(self._api.create_container_from_config(self._abilities.fit(body), name)["Id"])
            except requests.HTTPError as error:
                if status_of(error) == CONFLICT:
                    self._container(
                        name
                    )  # refuses a foreign one; one that is just being made cannot be seen yet
                    raise StartFailed(
                        f"container {name} was made by somebody else just now",
                        hint="another start is at work: wait for it, then run start again",
                    ) from error
                if status_of(error) == NOT_FOUND and not self._found(self._api.inspect_image, body["Image"]):
                    raise failures.image_missing(body["Image"]) from error
                raise

    def start(self, container: str) -> None:
        """See ``Engine``."""
        found = self._present(container)
        with self._asking(f"{_name(found)} does not start"), self._naming_port(found):
            try:
                self._api.start(found["Id"])
            except requests.HTTPError as error:
                if not (found["HostConfig"].get("Ulimits") and failures.ulimit_refused(text_of(error))):
                    raise
                self._abilities.refuses_ulimits()
                self._discard(found["Id"])
                self._api.start(self._create(_name(found), convert.again(found)))

    def restart(self, container: str) -> None:
        """See ``Engine``."""
        found = self._present(container)
        with self._asking(f"{_name(found)} does not restart"), self._naming_port(found):
            self._end(found, "restart")

    def stop(self, container: str) -> None:
        """See ``Engine``."""
        found = self._container(container)
        if found is not None:
            with self._asking(f"stop {_name(found)}"), forgiving(NOT_FOUND):
                self._end(found, "stop")

    def _end(self, found: Inspect, call: str) -> None:
        """Without a time of ours, so that the one that the container declares counts; the SDK always names one."""
        declared = found["Config"].get("StopTimeout")
        patience = convert.STOP_SECONDS if declared is None else declared
        self._api._raise_for_status(
            self._api.post(
                self._url(f"containers/{found['Id']}/{call}"), timeout=self._api.timeout + patience
            )
        )

    def remove(self, container: str) -> None:
        """See ``Engine``. Its anonymous volumes go too; named ones stay."""
        found = self._container(container)
        if found is not None:
            self._discard(found["Id"])

    def _discard(self, container: str) -> None:
        with self._asking(f"remove container {container}"):
            try:
                self._api.remove_container(container, v=True, force=True)
            except requests.HTTPError as error:
                if status_of(error) not in (NOT_FOUND, CONFLICT):
                    raise
                self._until_gone(container)

    def _until_gone(self, container: str) -> None:
        """Somebody else is removing it: the name is free only when that has ended."""
        self._until(container, False, "is still being removed")

    def until_made(self, container: str) -> None:
        """Somebody else is making it: the name is taken before anything can be asked of it."""
        self._until(container, True, "is still being made")

    def _until(self, container: str, there: bool, otherwise: str) -> None:
        def ask() -> None:
            if bool(self._found(self._api.inspect_container, container)) is not there:
                raise NotYet(f"container {container} {otherwise}")

        try:
            until(ask, seconds=GONE_SECONDS)
        except TimedOut as error:
            raise StartFailed(str(error), hint="run the command again") from error

    def signal(self, container: str, name: str) -> None:
        """See ``Engine``. Sent by a process inside where the image has ``kill``.

        The engine takes every signal it sends itself for a wish to stop: measured on 20.10, a container that
        got HUP that way is not restarted when it crashes later.
        """
        found = self._present(container)
        if not found["State"]["Running"]:
            raise StartFailed(f"{_name(found)} does not run, so it cannot take {name}", hint="run start")
        if self._signalled_inside(found["Id"], name):
            return
        with self._asking(f"signal {name} to {_name(found)}"):
            self._api.kill(found["Id"], signal=name)

    def _signalled_inside(self, container: str, name: str) -> bool:
        try:
            return self.execute(container, ("kill", f"-{name}", "1")).code == 0
        except StackError:  # newer engines refuse a missing program; older ones answer 126 or 127
            return False

    def execute(self, container: str, argv: tuple[str, ...]) -> Ran:
        """See ``Engine``. As the container's own user, without privileges (CIS 5.23, 5.24)."""
        found = self._present(container)
        with self._asking(f"run {argv[0]} in {_name(found)}"):
            process = self._api.exec_create(found["Id"], list(argv))["Id"]
            output = self._api.exec_start(process)
            return Ran(self._exit_code(process), output.decode(errors="replace"))

    def _exit_code(self, process: str) -> int:
        """The output may end a moment before the engine knows the code."""

        def code() -> int:
            found = self._api.exec_inspect(process)["ExitCode"]
            if found is None:
                raise NotYet("the process has no exit code yet")
            return int(found)

        try:
            return until(code, seconds=GONE_SECONDS, every=0.005)
        except TimedOut as error:
            raise StartFailed(str(error)) from error

    def read_file(self, container: str, path: str) -> bytes | None:
        """See ``Engine``. Follows links inside the container."""
        found = self._present(container)
        for _ in range(LINKS):
            content = self._member(found["Id"], path)
            if not isinstance(content, str):
                return content
            path = posixpath.join(posixpath.dirname(path), content)
        raise StartFailed(f"{path} in {_name(found)}: too many links")

    def _member(self, container: str, path: str) -> bytes | str | None:
        with self._asking(f"read {path}"):
            try:
                chunks, _ = self._api.get_archive(container, path)
                return archive.unpack_file(b"".join(chunks))
            except requests.HTTPError as error:
                if status_of(error) == NOT_FOUND:
                    return None
                raise

    def list_folder(self, container: str, path: str) -> tuple[str, ...]:
        """See ``Engine``. The engine tells a folder's names only together with its content."""
        found = self._present(container)
        with self._asking(f"list {path}"), forgiving(NOT_FOUND):
            chunks, _ = self._api.get_archive(found["Id"], path)
            return tuple(sorted(archive.unpack_folder(io.BytesIO(b"".join(chunks)))))
        return ()

    def logs(self, container: str, tail: int) -> tuple[str, ...]:
        """See ``Engine``; none where the container is gone."""
        found = self._container(container)
        if found is None:
            return ()
        with self._asking(f"logs of {_name(found)}"):
            return tuple(self._api.logs(found["Id"], tail=tail).decode(errors="replace").splitlines())

    def follow(self, container: str, tail: int) -> Iterator[str]:
        """See ``Engine``."""
        found = self._present(container)
        with self._asking(f"logs of {_name(found)}"):
            stream = self._api.logs(found["Id"], stream=True, follow=True, tail=tail)
            rest = b""
            try:
                for chunk in stream:
                    *lines, rest = (rest + chunk).split(b"\n")
                    yield from (line.decode(errors="replace") for line in lines)
            finally:
                stream.close()
            if rest:
                yield rest.decode(errors="replace")

    def usage(self, container: str) -> Usage:
        """See ``Engine``. Without the page cache, as ``docker stats`` counts."""
        found = self._present(container)
        with self._asking(f"usage of {_name(found)}"):
            stats = self._api.stats(found["Id"], stream=False, one_shot=True)
        return convert.usage(stats)

    def inspect(self, container: str) -> dict[str, object]:
        """See ``Engine``."""
        return dict(self._present(container))

    @contextmanager
    def _naming_port(self, found: Inspect) -> Iterator[None]:
        """A taken port is told with its number and its holder."""
        try:
            yield
        except requests.HTTPError as error:
            if not failures.port_taken(text_of(error)):
                raise
            component = (found["Config"].get("Labels") or {}).get(labels.COMPONENT, "")
            where = convert.published({"HostConfig": found["HostConfig"]})
            raise failures.port_error(component, where, self._holder(found, where)) from error

    def _holder(self, found: Inspect, where: str) -> str:
        """Who has the port, as far as the engine knows."""
        port = where.rpartition(":")[2]
        for other in self._api.containers(filters={"publish": port}) if port else ():
            bound = {str(p.get("PublicPort", "")) for p in other["Ports"]}
            if port in bound and other["Id"] != found["Id"]:
                stack = labels.stack_of(other.get("Labels"))
                return f"container {other['Names'][0].lstrip('/')}" + (f" of stack {stack}" if stack else "")
        return ""


def _name(found: Inspect) -> str:
    return str(found["Name"]).lstrip("/")
