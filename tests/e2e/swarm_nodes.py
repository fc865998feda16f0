"""A Swarm of two machines: two engines, each with a network of its own, joined by one cable; nothing else is in reach.

Without a default route no engine waits for a registry. Needs root.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.machines.machine import Machine, Place, running, until

MANAGER, WORKER = "10.231.7.1", "10.231.7.2"
CABLE = "swarm0"
ENGINE = Machine(("dockerd", "--log-level", "warn"))


@dataclass(frozen=True)
class Swarm:
    """Both machines; commands go to the manager."""

    manager: Place
    worker: Place

    @property
    def environment(self) -> dict[str, str]:
        """Of a shell whose ``docker`` speaks to the manager."""
        return {**os.environ, "DOCKER_HOST": self.manager.address}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One ``docker`` command, which must succeed."""
        ran = subprocess.run(
            words,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ran.returncode == 0, f"{words}: {ran.stdout}{ran.stderr}"
        return ran

    def docker(self, *words: str) -> str:
        """What it prints."""
        return self.run("docker", *words).stdout.strip()

    def nodes(self) -> dict[str, str]:
        """Node by role."""
        found = self.docker("node", "ls", "--format", "{{.ID}} {{.ManagerStatus}}").splitlines()
        return {"manager" if line.partition(" ")[2] else "worker": line.split()[0] for line in found}

    def replicas(self, stack: str) -> dict[str, str]:
        """By service, how many of how many run."""
        told = self.docker(
            "service", "ls", "--filter", f"name={stack}_", "--format", "{{.Name}} {{.Replicas}}"
        )
        return dict(line.split()[:2] for line in told.splitlines())

    def tasks(self, stack: str) -> dict[str, dict[str, str]]:
        """By service, the tasks that should run, each with its state."""
        shown = ("--filter", "desired-state=running", "--format", "{{.ID}} {{.CurrentState}}")
        return {
            service.removeprefix(f"{stack}_"): dict(
                line.split()[:2] for line in self.docker("service", "ps", service, *shown).splitlines()
            )
            for service in self.replicas(stack)
        }

    def containers(self, stack: str) -> dict[str, dict[str, Any]]:
        """What the engines say of each service's container; of one that runs twice that of the worker."""
        found = {}
        for place in (self.manager, self.worker):
            for one in place.client.containers.list(filters={"label": f"com.docker.stack.namespace={stack}"}):
                service = one.labels["com.docker.swarm.service.name"].removeprefix(f"{stack}_")
                found[service] = one.attrs
        return found

    def settled(self, stack: str, seconds: float = 120.0) -> None:
        """Returns once all that should run does, healthy: before that Swarm does not count it."""

        def done() -> bool:
            counts = [count.split("/") for count in self.replicas(stack).values()]
            tasks = self.tasks(stack).values()
            run = [bool(states) and set(states.values()) == {"Running"} for states in tasks]
            return bool(run) and all(run) and all(there == wanted for there, wanted in counts)

        try:
            until(done, f"not all of {stack} run", seconds)
        except AssertionError as error:
            error.add_note(self.docker("stack", "ps", "--no-trunc", stack))
            raise


@contextmanager
def swarm() -> Iterator[Swarm]:
    """Both, as one Swarm, while the block runs; nothing of it stays."""
    with ExitStack() as machines:
        manager, worker = (machines.enter_context(running(ENGINE, None)) for _ in range(2))
        _join(manager, worker)
        made = Swarm(manager, worker)
        made.docker("swarm", "init", "--advertise-addr", MANAGER)
        token = made.docker("swarm", "join-token", "-q", "worker")
        worker.client.swarm.join(remote_addrs=[f"{MANAGER}:2377"], join_token=token, advertise_addr=WORKER)
        yield made


def _join(manager: Place, worker: Place) -> None:
    ends = ((manager, MANAGER), (worker, WORKER))
    a, b = (str(place.process) for place, _ in ends)
    _ip("link", "add", CABLE, "netns", a, "type", "veth", "peer", "name", CABLE, "netns", b)
    for place, address in ends:
        inside = ("nsenter", f"--net=/proc/{place.process}/ns/net", "ip")
        for words in (("addr", "add", f"{address}/24", "dev", CABLE), ("link", "set", CABLE, "up")):
            subprocess.run([*inside, *words], check=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def load(source: Any, images: dict[str, tuple[Place, ...]], folder: Path) -> None:
    """Brings images, by reference, from an engine to the machines that run them."""

    def bring(ref: str) -> None:
        archive = folder / f"{abs(hash(ref))}.tar"
        with archive.open("wb") as file:
            for chunk in source.images.get(ref).save(named=ref):
                file.write(chunk)
        for place in images[ref]:
            with archive.open("rb") as file:
                place.client.images.load(file)
        archive.unlink()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(bring, images))
