"""A stack's state and lock on the Docker engine: containers of an empty image of our own that are never started."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from msgspec import to_builtins

from stack.common.errors import ImageError, StartFailed
from stack.engine import archive, convert, labels, state
from stack.engine.client import CONFLICT, NOT_FOUND, Client, forgiving, ours
from stack.engine.containers import Containers
from stack.engine.images import Images
from stack.engine.insides import Insides
from stack.engine.interface import Holder, ImageConfig
from stack.engine.lock import Held
from stack.engine.volumes import Volumes
from stack.model.spec import NAMESPACE, ConfigFile

EMPTY_IMAGE = f"{NAMESPACE}/empty:1"
_EMPTY_TAR = b"\0" * 10240
SIGN_SECONDS = 5


class Keepers:
    """Containers that are never started: made by name, with the empty image made where it is missing."""

    def __init__(self, client: Client, containers: Containers, images: Images) -> None:
        self._client = client
        self._containers = containers
        self._images = images

    def create(self, name: str, body: dict[str, Any]) -> str:
        """Its id; empty where the name is taken."""
        try:
            return self._create(name, body)
        except ImageError:
            self._images.import_image(io.BytesIO(_EMPTY_TAR), EMPTY_IMAGE, ImageConfig())
            return self._create(name, body)

    def _create(self, name: str, body: dict[str, Any]) -> str:
        with self._client.asking(f"create {name}"), forgiving(CONFLICT):
            return self._containers.make(name, body)
        return ""


class States:
    """The state documents of all stacks, each in two slots of a volume of its own."""

    def __init__(
        self, client: Client, containers: Containers, insides: Insides, volumes: Volumes, keepers: Keepers
    ) -> None:
        self._client = client
        self._containers = containers
        self._insides = insides
        self._volumes = volumes
        self._keepers = keepers

    def read(self, stack: str) -> bytes | None:
        """See ``Engine.read_state``."""
        name = convert.keeper_name(stack, labels.STATE)
        if self._client.container(name) is None:
            if self._volumes.found(name) is None:
                return None
            self._hold(stack, name)
        return state.newest(self._slots(name))

    def write(self, stack: str, content: bytes) -> None:
        """See ``Engine.write_state``."""
        name = convert.keeper_name(stack, labels.STATE)
        if self._client.container(name) is None:
            self._hold(stack, name)
        slot, data = state.following(self._slots(name), content)
        tar = archive.pack((ConfigFile(slot, data, mode=0o600),), mtime=time.time())
        self._containers.put(name, convert.VOLUME_ROOT, tar, f"write the state of {stack}")

    def remove(self, stack: str) -> None:
        """See ``Engine.remove_state``."""
        name = convert.keeper_name(stack, labels.STATE)
        self._containers.remove(name)
        self._volumes.remove(name)

    def _hold(self, stack: str, name: str) -> None:
        """The container over the volume; both are made where they are missing. Somebody else may be quicker."""
        # Podman gives a volume that a container's creation makes no labels.
        self._volumes.make(name, labels.of_state(stack))
        if not self._keepers.create(name, convert.state_body(stack, EMPTY_IMAGE)):
            self._containers.until_made(name)

    def _slots(self, name: str) -> dict[str, bytes]:
        with self._client.asking(f"read {name}"):
            found = self._insides.folder(name, convert.VOLUME_ROOT)
        return {slot: data for slot, data in found.items() if data is not None}


class LockPlace:
    """``stack.engine.lock.Place``: the sign of life is the engine's own time, kept in a field that means nothing here.

    Changing a container's restart policy takes the engine 2 ms; putting a file into it 45 ms (20.10).
    """

    def __init__(self, client: Client, containers: Containers, keepers: Keepers, stack: str) -> None:
        self.stack = stack
        self._client = client
        self._containers = containers
        self._keepers = keepers
        self._name = convert.keeper_name(stack, labels.LOCK)
        self._offset: float | None = None

    def create(self, holder: Holder) -> str:
        """See ``Place``."""
        body = convert.lock_body(self.stack, EMPTY_IMAGE, json.dumps(to_builtins(holder)))
        return self._keepers.create(self._name, body)

    def look(self) -> Held | None:
        """See ``Place``; StartFailed where the name belongs to somebody else."""
        with self._client.asking(f"inspect {self._name}"), forgiving(NOT_FOUND):
            found = self._ask("GET", f"containers/{self._name}/json")
            marks = found["Config"].get("Labels")
            ours("container", self._name, marks)
            sign = int(found["HostConfig"]["RestartPolicy"]["MaximumRetryCount"])
            made = datetime.fromisoformat(found["Created"][:19]).replace(tzinfo=UTC)
            age = self._engine_time() - max(sign, made.timestamp())
            return Held(found["Id"], _holder(self._name, marks), str(sign), age)
        return None

    def sign(self, lock: str) -> bool:
        """See ``Place``."""
        if self._offset is None:
            self.look()
        policy = {"Name": "on-failure", "MaximumRetryCount": int(self._engine_time())}
        with self._client.asking("renew the lock"), forgiving(NOT_FOUND):
            self._ask("POST", f"containers/{lock}/update", {"RestartPolicy": policy})
            return True
        return False

    def remove(self, lock: str) -> None:
        """See ``Place``."""
        self._containers.discard(lock)

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        with self._client.open(method, path, body=body, seconds=SIGN_SECONDS) as reply:
            said = parsedate_to_datetime(reply.headers["date"]).timestamp()
            self._offset = said - time.monotonic()
            return dict(json.loads(reply.read()))

    def _engine_time(self) -> float:
        """Seconds since the epoch by the engine's clock, as its last answer told it."""
        return time.monotonic() + (self._offset or 0.0)


def _holder(name: str, marks: Mapping[str, str]) -> Holder:
    try:
        return Holder(**json.loads(marks[labels.HOLDER]))
    except (KeyError, ValueError, TypeError) as error:
        raise StartFailed(
            f"container {name} is no lock that this version knows", hint=f"docker rm {name}"
        ) from error
