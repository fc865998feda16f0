"""One machine: an engine with a network, processes, mounts and folders of its own, while a block runs. Needs root."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import docker

from tests.machines.inside import Plan

ROOT = Path(__file__).resolve().parents[2]
NAMESPACES = ("unshare", "--net", "--pid", "--mount", "--fork", "--kill-child")
PATIENCE = 60.0


@dataclass(frozen=True)
class Machine:
    """How an engine is run. ``suite``: the Debian suite that it comes from; empty for the one installed here.

    ``socket``: below the machine's /run. ``user``, ``environment``, ``devices``: see ``Plan``.
    """

    argv: tuple[str, ...]
    suite: str = ""
    socket: str = "docker.sock"
    user: int = 0
    environment: tuple[tuple[str, str], ...] = ()
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """A machine that runs; commands may be run in its network."""

    folder: Path
    process: int
    address: str
    client: Any = field(repr=False)

    @property
    def socket(self) -> str:
        """The path of the engine's socket."""
        return self.address.removeprefix("unix://")

    @property
    def there(self) -> tuple[str, ...]:
        """What runs a command in the machine's network; files are this machine's."""
        return ("nsenter", f"--net=/proc/{self.process}/ns/net", f"--wdns={ROOT}", "--")

    def crash(self) -> None:
        """The engine dies and is started again; it answers when this returns."""
        before = self._started()
        os.kill(self.process, signal.SIGUSR1)
        until(lambda: self._started() not in ("", before), "the engine was not started again")
        until(self.answers, "the engine that was started again does not answer")

    def _started(self) -> str:
        children = Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()
        return children[0] if children else ""

    def answers(self) -> bool:
        with suppress(Exception):
            return bool(self.client.ping())
        return False

    def left(self) -> list[str]:
        """Names of all containers, volumes and networks there that are no part of an empty engine."""
        networks = [n.name for n in self.client.networks.list()]
        return [
            *(c.name for c in self.client.containers.list(all=True)),
            *(v.name for v in self.client.volumes.list()),
            *(name for name in networks if name not in ("bridge", "host", "none", "podman")),
        ]


def until(true: Callable[[], bool], failure: str, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, failure
        time.sleep(0.1)


@contextmanager
def running(machine: Machine, tree: Path | None) -> Iterator[Place]:
    """The machine, answering, while the block runs; nothing of it stays."""
    folder = Path(tempfile.mkdtemp(prefix="machine-", dir=ROOT / ".stack"))
    folder.chmod(0o755)
    told = Plan(
        str(folder),
        str(tree) if tree else "",
        machine.argv,
        machine.user,
        machine.environment,
        machine.devices,
    )
    log = folder / "log"
    command = [*NAMESPACES, sys.executable, "-m", "tests.machines.inside", json.dumps(asdict(told))]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield _awaited(folder, machine, process)
    except BaseException:
        sys.stderr.write(f"\n{log.read_text(errors='replace')[-3000:]}\n")
        raise
    finally:
        process.kill()  # with it goes the first process, and with that every other one
        process.wait()
        _removed(folder)


def _awaited(folder: Path, machine: Machine, process: subprocess.Popen[bytes]) -> Place:
    socket = folder / "run" / machine.socket

    def there() -> bool:
        assert process.poll() is None, f"the machine ended with {process.returncode}"
        return socket.exists()

    until(there, "the engine made no socket")
    address = f"unix://{socket}"
    client = docker.DockerClient(base_url=address, version="1.41", timeout=60)
    first = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
    place = Place(folder, int(first), address, client)
    until(place.answers, "the engine does not answer")
    return place


def _removed(folder: Path) -> None:
    """Mounts end with the last process, a moment later."""
    until(lambda: not _rest(folder), f"{folder} cannot be removed")


def _rest(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return folder.exists()
