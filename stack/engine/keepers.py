"""A stack's state and lock on the Docker engine: containers of an empty image of our own that are never started."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from stack.common.errors import ImageError, StartFailed
from stack.engine import archive, convert, labels, state
from stack.engine._calls import CONFLICT, NOT_FOUND, Inspect, forgiving, ours, status_of
from stack.engine._jobs import JobCalls
from stack.engine.interface import Holder, ImageConfig
from stack.engine.lock import Held
from stack.model.spec import NAMESPACE, ConfigFile

EMPTY_IMAGE = f"{NAMESPACE}/empty:1"
_EMPTY_TAR = b"\0" * 10240
SIGN_SECONDS = 5


class Keeper:
    """Containers that are never started: made by name, with the empty image made where it is missing."""

    def __init__(self, calls: JobCalls, import_image: Callable[[io.BytesIO, str, ImageConfig], str]) -> None:
        self._calls = calls
        self._import = import_image

    def create(self, name: str, body: dict[str, Any]) -> Inspect | None:
        """The engine's answer; None where the name is taken."""
        try:
            return self._create(name, body)
        except ImageError:
            self._import(io.BytesIO(_EMPTY_TAR), EMPTY_IMAGE, ImageConfig())
            return self._create(name, body)

    def _create(self, name: str, body: dict[str, Any]) -> Inspect | None:
        api = self._calls._api
        with self._calls._asking(f"create {name}"), forgiving(CONFLICT):
            try:
                return dict(api.create_container_from_config(self._calls._abilities.fit(body), name))
            except requests.HTTPError as error:
                if (
                    status_of(error) == NOT_FOUND
                    and self._calls._found(api.inspect_image, EMPTY_IMAGE) is None
                ):
                    raise ImageError(f"image {EMPTY_IMAGE} is not on this engine") from error
                raise
        return None


class DockerState:
    """The state documents of all stacks, each in two slots of a volume of its own."""

    def __init__(self, calls: JobCalls, keeper: Keeper) -> None:
        self._calls = calls
        self._keeper = keeper

    def read(self, stack: str) -> bytes | None:
        """See ``Engine.read_state``."""
        name = convert.keeper_name(stack, labels.STATE)
        if self._calls._container(name) is None:
            if self._calls._volume(name) is None:
                return None
            self._hold(stack, name)
        return state.newest(self._slots(name))

    def write(self, stack: str, content: bytes) -> None:
        """See ``Engine.write_state``."""
        name = convert.keeper_name(stack, labels.STATE)
        if self._calls._container(name) is None:
            self._hold(stack, name)
        slot, data = state.following(self._slots(name), content)
        tar = archive.pack((ConfigFile(slot, data, mode=0o600),), mtime=time.time())
        self._calls._put(name, convert.VOLUME_ROOT, tar, f"write the state of {stack}")

    def remove(self, stack: str) -> None:
        """See ``Engine.remove_state``."""
        name = convert.keeper_name(stack, labels.STATE)
        self._calls.remove(name)
        self._calls.remove_volume(name)

    def _hold(self, stack: str, name: str) -> None:
        """The container over the volume; both are made where they are missing. Somebody else may be quicker."""
        self._calls._volume(name)  # refuses a foreign one
        if self._keeper.create(name, convert.state_body(stack, EMPTY_IMAGE)) is None:
            self._calls.until_made(name)

    def _slots(self, name: str) -> dict[str, bytes]:
        with self._calls._asking(f"read {name}"):
            chunks, _ = self._calls._api.get_archive(name, convert.VOLUME_ROOT)
            found = archive.unpack_folder(io.BytesIO(b"".join(chunks)))
        return {slot: data for slot, data in found.items() if data is not None}


class DockerLock:
    """``stack.engine.lock.Place``: the sign of life is the engine's own time, kept in a field that means nothing here.

    Changing a container's restart policy takes the engine 2 ms; putting a file into it 45 ms (20.10).
    """

    def __init__(self, calls: JobCalls, keeper: Keeper, stack: str) -> None:
        self.stack = stack
        self._calls = calls
        self._keeper = keeper
        self._name = convert.keeper_name(stack, labels.LOCK)
        self._offset = 0.0

    def create(self, holder: Holder) -> str:
        """See ``Place``."""
        body = convert.lock_body(self.stack, EMPTY_IMAGE, json.dumps(asdict(holder)))
        made = self._keeper.create(self._name, body)
        return str(made["Id"]) if made else ""

    def look(self) -> Held | None:
        """See ``Place``; StartFailed where the name belongs to somebody else."""
        with self._calls._asking(f"inspect {self._name}"), forgiving(NOT_FOUND):
            answer = self._ask("GET", f"containers/{self._name}/json")
            found = answer.json()
            marks = found["Config"].get("Labels")
            ours("container", self._name, marks)
            sign = int(found["HostConfig"]["RestartPolicy"]["MaximumRetryCount"])
            last = max(sign, datetime.fromisoformat(found["Created"][:19]).replace(tzinfo=UTC).timestamp())
            return Held(found["Id"], _holder(self._name, marks), str(sign), self._engine_time() - last)
        return None

    def sign(self, lock: str) -> bool:
        """See ``Place``."""
        if not self._offset:
            self.look()
        policy = {"Name": "on-failure", "MaximumRetryCount": int(self._engine_time())}
        with self._calls._asking("renew the lock"), forgiving(NOT_FOUND):
            self._ask("POST", f"containers/{lock}/update", {"RestartPolicy": policy})
            return True
        return False

    def remove(self, lock: str) -> None:
        """See ``Place``."""
        self._calls._discard(lock)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        answer: requests.Response = self._calls._api.request(
            method, self._calls._url(path), json=body, timeout=SIGN_SECONDS
        )
        self._calls._api._raise_for_status(answer)
        self._offset = parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.monotonic()
        return answer

    def _engine_time(self) -> float:
        """Seconds since the epoch by the engine's clock, as its last answer told it."""
        return time.monotonic() + self._offset


def _holder(name: str, marks: dict[str, str]) -> Holder:
    try:
        return Holder(**json.loads(marks[labels.HOLDER]))
    except (KeyError, ValueError, TypeError) as error:
        raise StartFailed(
            f"container {name} is no lock that this version knows", hint=f"docker rm {name}"
        ) from error
