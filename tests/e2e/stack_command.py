"""The real command on a copy of the configuration, under a name and ports of its own, and what is left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import NotFound
from msgspec.structs import replace

from stack.common.wait import NotYet, until
from stack.engine.docker import connect
from stack.model.state import parse
from tests import leftovers
from tests.leftovers import LABEL

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "DEPLOY_MONITORING_STACK.sh"
KEEPERS = ("state", "lock")
WHOLE = "said to its end"
PORTS = ("grafana", "prometheus", "alertmanager", "app")


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its one document."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Stack:
    """One stack as a user has it; ``home`` holds a copy of the native configuration."""

    name: str
    base: int
    home: Path
    extra: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    """A command that runs the script, where it isn't run directly."""
    script: Path = SCRIPT

    @classmethod
    def make(cls, name: str, base: int, home: Path, **extra: str) -> Stack:
        """A new home with the files of the checkout, and nothing on the engine that an earlier run left."""
        leftovers.removed(name)
        for folder in ("prometheus", "alertmanager", "grafana"):
            shutil.copytree(ROOT / folder, home / folder)
        return cls(name, base, home, extra)

    @property
    def environment(self) -> dict[str, str]:
        """What the user's shell has."""
        return {
            **os.environ,
            "STACK_NAME": self.name,
            "STACK_PORT_BASE": str(self.base),
            "STACK_HOME": str(self.home),
            "STACK_CACHE": str(ROOT / ".stack" / "cache"),
            **self.extra,
        }

    def __call__(self, *words: str, **extra: str) -> Ran:
        """Runs the script to its end, from a folder that is not the checkout."""
        ran = subprocess.run(
            [*self.before, str(self.script), *words],
            env={**self.environment, **extra},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def ok(self, *words: str, **extra: str) -> Ran:
        """Runs it and demands success."""
        ran = self(*words, **extra)
        assert ran.code == 0, f"{' '.join(words)}: exit code {ran.code}\n{ran.out}\n{ran.err}"
        return ran

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Runs it beside the test, in a process group of its own, with the Ctrl-C that a test run may have ignored."""
        return subprocess.Popen(
            ["env", "--default-signal=INT", *self.before, str(self.script), *words],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def kill_after(self, seconds: float, *words: str) -> bool:
        """Starts it and kills the orchestrator with SIGKILL after a while; False where it had ended by then."""
        process = self.begin(*words)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return True
        return False

    def url(self, component: str) -> str:
        """Where a component is published."""
        return f"http://127.0.0.1:{self.base + PORTS.index(component)}"

    def query(self, expr: str, **params: Any) -> list[float]:
        """Values of an instant query."""
        answer = requests.get(
            f"{self.url('prometheus')}/api/v1/query", params={"query": expr, **params}, timeout=10
        )
        return [float(series["value"][1]) for series in answer.json()["data"]["result"]]

    def inspect(self) -> dict[str, dict[str, Any]]:
        """The engine's description of every component's container."""
        return {component: d for component, d in self._described() if component not in KEEPERS}

    def in_folders(self, folders: Mapping[str, str], script: str) -> set[str]:
        """What a shell says of each folder, by component, in the container that has it, running or not."""
        return {
            until(partial(self._said_in, component, f"cd {folder}; {script}"), seconds=20)
            for component, folder in folders.items()
        }

    def _said_in(self, component: str, script: str) -> str:
        """``NotYet`` where its end is missing: a busy engine (20.10) loses what a short program says."""
        container = docker.from_env().containers.get(f"{self.name}-{component}")
        output: Any = container.exec_run(["sh", "-c", f"{script}; echo {WHOLE}"]).output
        said: str = output.decode().strip()
        if not said.endswith(WHOLE):
            raise NotYet(f"{component} said {said!r} only")
        return said.removesuffix(WHOLE).strip()

    def keepers(self) -> dict[str, dict[str, Any]]:
        """The engine's description of the containers of state and lock, which never run."""
        return {component: d for component, d in self._described() if component in KEEPERS}

    def _described(self) -> Iterator[tuple[str, dict[str, Any]]]:
        api = docker.from_env().api
        for listed in api.containers(all=True, filters={"label": f"{LABEL}={self.name}"}):
            try:
                found = api.inspect_container(listed["Id"])
            except NotFound:  # A command at work has removed it.
                continue
            yield found["Config"]["Labels"]["monitoring-stack.component"], found

    def secrets(self) -> dict[str, str]:
        """The secrets in the stack's state."""
        content = connect().read_state(self.name)
        return dict(parse(content).secrets) if content else {}

    def lose(self, secret: str) -> None:
        """One secret is gone from the stack's state."""
        engine = connect()
        state = parse(engine.read_state(self.name) or b"")
        kept = {name: text for name, text in state.secrets.items() if name != secret}
        engine.write_state(self.name, replace(state, secrets=kept).dump())

    def starts(self) -> dict[str, tuple[str, str]]:
        """Identity and start time of every container: equal before and after means untouched."""
        return {name: (d["Id"], d["State"]["StartedAt"]) for name, d in self.inspect().items()}

    def left(self) -> list[str]:
        """Names of all objects that carry the label."""
        client = docker.from_env()
        chosen: dict[str, Any] = {"label": f"{LABEL}={self.name}"}
        found: list[Any] = [
            *client.containers.list(all=True, filters=chosen, ignore_removed=True),
            *client.volumes.list(filters=chosen),
            *client.networks.list(filters=chosen),
        ]
        return [str(one.name) for one in found]

    def away(self) -> None:
        """Removes all of it."""
        self.ok("destroy", "--volumes", "--yes")
        assert self.left() == []
