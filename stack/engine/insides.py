"""What happens inside containers of the Docker engine: processes, signals, files, logs, memory."""

from __future__ import annotations

import io
import json
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager

from stack.common.errors import StackError, StartFailed
from stack.common.moments import instant
from stack.common.wait import NotYet, TimedOut, until
from stack.engine import archive, convert
from stack.engine.client import NOT_FOUND, Client, Inspect, forgiving, lines, name_of
from stack.engine.frames import demultiplexed
from stack.engine.interface import Ran, Usage
from stack.engine.observation import file_stat
from stack.engine.transport import Unreachable
from stack.model.found import FileFound, FileStat

CODE_SECONDS = 10.0
EVENT_BEFORE, EVENT_AFTER = 2.0, 0.5
"""Seconds around the end of a process within which the engine tells that it was killed for memory."""
MILLISECOND = 0.001
LINKS = 8


class Insides:
    """One container at a time, by id or name."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def inspect(self, container: str) -> dict[str, object]:
        """See ``Engine``."""
        return dict(self._client.present(container))

    def processes(self, container: str) -> tuple[str, ...]:
        """See ``Engine``."""
        with self._client.asking(f"list the processes of {container}"):
            found = self._client.json("GET", f"containers/{container}/top")
        return tuple(str(row[-1]) for row in found.get("Processes") or ())

    def signal(self, container: str, name: str) -> None:
        """See ``Engine``. Sent by a process inside where the image has ``kill``.

        The engine takes every signal it sends itself for a wish to stop: measured on 20.10, a container that
        got HUP that way is not restarted when it crashes later.
        """
        found = self._client.present(container)
        if not found["State"]["Running"]:
            raise StartFailed(f"{name_of(found)} does not run, so it cannot take {name}", hint="run start")
        if self._signalled_inside(found, name):
            return
        with self._client.asking(f"signal {name} to {name_of(found)}"):
            self._client.read("POST", f"containers/{found['Id']}/kill", query={"signal": name})

    def _signalled_inside(self, found: Inspect, name: str) -> bool:
        try:
            return self._execute(found, ("kill", f"-{name}", "1")).code == 0
        except StackError:  # newer engines refuse a missing program; older ones answer 126 or 127
            return False

    def execute(self, container: str, argv: tuple[str, ...], *, seconds: float | None = None) -> Ran:
        """See ``Engine``. As the container's own user, without privileges (CIS 5.23, 5.24)."""
        return self._execute(self._client.present(container), argv, seconds)

    def _execute(self, found: Inspect, argv: tuple[str, ...], seconds: float | None = None) -> Ran:
        what = f"run {argv[0]} in {name_of(found)}"
        with self._client.asking(what):
            wanted = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(argv)}
            process = self._client.json("POST", f"containers/{found['Id']}/exec", body=wanted)["Id"]
            with self._bounded(what, seconds):
                output = self._output_of(process, seconds)
            return Ran(self._exit_code(process), output.decode(errors="replace"))

    def _output_of(self, process: str, seconds: float | None) -> bytes:
        path, body = f"exec/{process}/start", {"Detach": False}
        with self._client.open("POST", path, body=body, seconds=seconds) as reply:
            return b"".join(demultiplexed(reply.chunks))

    @contextmanager
    def _bounded(self, what: str, seconds: float | None) -> Iterator[None]:
        """Where a time was given, silence is the process', not the engine's."""
        try:
            yield
        except Unreachable as error:
            if seconds is None:
                raise
            raise StartFailed(f"{what}: no answer within {seconds:g} s") from error

    def _exit_code(self, process: str) -> int:
        """The output may end a moment before the engine knows the code."""

        def code() -> int:
            found = self._client.json("GET", f"exec/{process}/json")["ExitCode"]
            if found is None:
                raise NotYet("the process has no exit code yet")
            return int(found)

        try:
            return until(code, seconds=CODE_SECONDS, every=0.005)
        except TimedOut as error:
            raise StartFailed(str(error)) from error

    def read_file(self, container: str, path: str) -> bytes | None:
        """See ``Engine``. Follows links inside the container."""
        found = self._client.present(container)
        for _ in range(LINKS):
            content = self._member(found["Id"], path)
            if not isinstance(content, str):
                return content
            path = posixpath.join(posixpath.dirname(path), content)
        raise StartFailed(f"{path} in {name_of(found)}: too many links")

    def _member(self, container: str, path: str) -> bytes | str | None:
        with self._client.asking(f"read {path}"), forgiving(NOT_FOUND):
            return archive.unpack_file(self._archive(container, path))
        return None

    def folder(self, container: str, path: str) -> dict[str, bytes | None]:
        """What lies in a folder, by name: the engine tells names only together with the content."""
        return archive.unpack_folder(io.BytesIO(self._archive(container, path)))

    def stat(self, container: str, paths: tuple[str, ...]) -> tuple[FileStat | None, ...]:
        """See ``Engine``. 1.4 ms each on 20.10, where to read a file or folder takes 50."""
        with self._client.asking(f"look into {container}"):
            return tuple(self._stat(container, path) for path in paths)

    def _stat(self, container: str, path: str) -> FileStat | None:
        return file_stat(self._client.seen(container, path))

    def look(self, container: str, path: str) -> FileFound | None:
        """A file as it lies in a container, its links followed; None where there is none. A folder is not read."""
        for _ in range(LINKS):
            found = self._stat(container, path)
            if found is None:
                return None
            if found.kind not in ("file", "link"):
                return FileFound(found.kind, found.mode, 0)
            read = next(iter(self._tree(container, path).values()))
            if read.kind != "link":
                return read
            path = posixpath.join(posixpath.dirname(path), read.target)
        return None

    def read_folder(self, container: str, path: str) -> dict[str, FileFound]:
        """See ``Engine``."""
        found = self._client.present(container)
        with self._client.asking(f"read {path}"), forgiving(NOT_FOUND):
            return self._tree(found["Id"], f"{path}/.")
        return {}

    def _tree(self, container: str, path: str) -> dict[str, FileFound]:
        packed = io.BytesIO(self._archive(container, path))
        return archive.unpack_tree(packed, owners=self._client.tells_owners)

    def _archive(self, container: str, path: str) -> bytes:
        return self._client.read("GET", f"containers/{container}/archive", query={"path": path})

    def logs(self, container: str, tail: int, since: float = 0.0) -> tuple[str, ...]:
        """See ``Engine``; none where the container is gone."""
        found = self._client.container(container)
        if found is None:
            return ()
        with self._client.asking(f"logs of {name_of(found)}"):
            return tuple(self.output(found["Id"], tail, since).splitlines())

    def output(self, container: str, tail: int | None = None, since: float = 0.0) -> str:
        """All that a container wrote, or its last lines; a refusal stays one."""
        with self._client.open("GET", _logs(container), query=_wanted(tail, since)) as reply:
            return b"".join(demultiplexed(reply.chunks)).decode(errors="replace")

    def follow(self, container: str, tail: int) -> Iterator[str]:
        """See ``Engine``."""
        found = self._client.present(container)
        what, wanted = f"logs of {name_of(found)}", {**_wanted(tail), "follow": 1}
        with self._client.asking(what), self._client.open("GET", _logs(found["Id"]), query=wanted) as reply:
            reply.allow_silence(None)
            for line in lines(demultiplexed(reply.chunks)):
                yield line.decode(errors="replace")

    def killed_for_memory(self, container: str) -> bool:
        """See ``Engine``; False where the container is gone.

        By the mark in its state, or by the event: measured on 20.10, one in thirty of such containers lacks the mark,
        where the engine has heard of the end before the kill.
        """
        found = self._client.container(container)
        state = found["State"] if found else {}
        if state.get("OOMKilled") or not found:
            return bool(found)
        ended = instant(state["FinishedAt"])
        if not ended:
            return False
        chosen = json.dumps({"container": [found["Id"]], "event": ["oom"]})
        wanted = {
            "since": f"{ended - EVENT_BEFORE:.3f}",
            "until": f"{ended + EVENT_AFTER:.3f}",
            "filters": chosen,
        }
        with self._client.asking(f"events of {name_of(found)}"):
            return bool(self._client.read("GET", "events", query=wanted).strip())

    def usage(self, container: str) -> Usage:
        """See ``Engine``. Without the page cache, as ``docker stats`` counts."""
        found = self._client.present(container)
        with self._client.asking(f"usage of {name_of(found)}"):
            once = {"stream": "false", "one-shot": "true"}
            return convert.usage(self._client.json("GET", f"containers/{found['Id']}/stats", query=once))


def _logs(container: str) -> str:
    return f"containers/{container}/logs"


def _wanted(tail: int | None, since: float = 0.0) -> dict[str, object]:
    after = {"since": f"{since - MILLISECOND:.3f}"} if since else {}
    return {"stdout": 1, "stderr": 1, "tail": "all" if tail is None else tail, **after}
