"""scripts/engine against programs that only write down what was asked of them: no engine is touched."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = ("apt-get", "systemctl", "docker")
DAEMON = f"""#!{sys.executable}
import os, pathlib, socket, sys
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write("dockerd\\n")
server = socket.socket(socket.AF_UNIX)
server.bind(str(here.parent / "run/docker.sock"))
server.listen()
server.settimeout(30)
client, _ = server.accept()
client.recv(100)
client.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nOK")
"""


class Machine:
    """A copy of the script whose fixed paths lie in a folder, with a PATH of our own before the real one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs = folder, folder / "bin"
        for name in ("run", "scripts", "bin", "home"):
            (folder / name).mkdir()
        text = (ROOT / "scripts/engine").read_text().replace("/usr/sbin:/sbin", str(folder / "none"))
        for path in ("/var/run/docker.", "/run/systemd/"):
            text = text.replace(path, f"{folder}/run/{path.rpartition('/run/')[2]}")
        (folder / "scripts/engine").write_text(text)
        self.program("id", "#!/bin/sh\necho 0\n")
        self.program("sleep", "#!/bin/sh\n")
        for name in PROGRAMS:
            self.program(name, f"#!/bin/sh\necho {name} $1 >> {self.programs}/calls\nexit 1\n")
        (folder / "scripts/packages").write_text(
            f"#!/bin/sh\necho packages $1 >> {self.programs}/calls\nexit 1\n"
        )
        (folder / "scripts/packages").chmod(0o755)

    @property
    def socket(self) -> Path:
        return self.folder / "run/docker.sock"

    @property
    def pid_file(self) -> Path:
        return self.folder / "run/docker.pid"

    @property
    def calls(self) -> list[str]:
        """What was asked of the programs."""
        made = self.programs / "calls"
        return made.read_text().splitlines() if made.exists() else []

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def start(self, **environ: str) -> subprocess.CompletedProcess[str]:
        known = {name: os.environ[name] for name in ("LANG",) if name in os.environ}
        path = f"{self.programs}:/usr/bin:/bin"
        return subprocess.run(
            ["bash", str(self.folder / "scripts/engine"), "start"],
            env={**known, "PATH": path, "HOME": str(self.folder / "home"), **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@contextmanager
def engine(path: Path, *, bound: str = "") -> Iterator[None]:
    """Something that answers a ping; ``bound``: the name that the kernel shows, which need not lead to it."""
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        try:
            os.chdir(path.parent)
            server.bind(bound or str(path))
        finally:
            os.chdir(here)
        server.listen()
        threading.Thread(target=_answer, args=(server,), daemon=True).start()
        yield


def _answer(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            client.recv(100)
            client.sendall(b"HTTP/1.0 200 OK\r\n\r\nOK")
            client.close()


def untouched(machine: Machine, **environ: str) -> None:
    ran = machine.start(**environ)
    assert (ran.returncode, ran.stderr, machine.calls) == (0, "", [])


def test_an_engine_that_answers_is_left_alone(machine: Machine) -> None:
    with engine(machine.socket):
        untouched(machine)


def test_an_engine_of_another_network_namespace_is_left_alone(machine: Machine) -> None:
    with engine(machine.socket, bound="docker.sock"):
        untouched(machine)


def test_a_rootless_engine_is_left_alone(machine: Machine) -> None:
    runtime = machine.folder / "user"
    runtime.mkdir()
    with engine(runtime / "docker.sock"):
        untouched(machine, XDG_RUNTIME_DIR=str(runtime))


@pytest.mark.parametrize("named", [{"DOCKER_HOST": "tcp://127.0.0.1:1"}, {"DOCKER_CONTEXT": "typo"}])
def test_no_engine_is_made_where_one_is_named(machine: Machine, named: dict[str, str]) -> None:
    untouched(machine, **named)


@pytest.mark.parametrize("config", [{"currentContext": "far"}, {"auths": {}, "currentContext": "far"}])
def test_no_engine_is_made_where_the_docker_command_has_another(
    machine: Machine, config: dict[str, object]
) -> None:
    for folder in ("home/.docker", "other"):
        (machine.folder / folder).mkdir()
        (machine.folder / folder / "config.json").write_text(json.dumps(config, indent=8))
    untouched(machine)
    untouched(machine, HOME="/nowhere", DOCKER_CONFIG=str(machine.folder / "other"))


@pytest.mark.parametrize("environ", [{}, {"DOCKER_CONTEXT": "default"}])
def test_a_daemon_anywhere_in_the_path_is_started(machine: Machine, environ: dict[str, str]) -> None:
    machine.program("dockerd", DAEMON)
    ran = machine.start(**environ)
    assert (ran.returncode, ran.stderr, machine.calls) == (0, "", ["dockerd"])


def test_a_socket_that_nobody_serves_is_no_engine(machine: Machine) -> None:
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(machine.socket))
    machine.program(
        "dockerd", DAEMON.replace("server.bind", f"os.unlink({str(machine.socket)!r}); server.bind")
    )
    assert machine.start().returncode == 0
    assert machine.calls == ["dockerd"]


def test_the_pid_file_of_a_living_daemon_is_left_alone_and_no_second_one_is_started(machine: Machine) -> None:
    machine.program("dockerd", DAEMON)
    sleeper = machine.folder / "dockerd"
    shutil.copy(shutil.which("sleep", path="/usr/bin:/bin") or "", sleeper)
    other = subprocess.Popen([str(sleeper), "60"])
    try:
        machine.pid_file.write_text(f"{other.pid}\n")
        ran = machine.start()
        assert (ran.returncode, machine.calls) == (3, [])
        assert machine.pid_file.read_text() == f"{other.pid}\n"
    finally:
        other.kill()
        other.wait()


def test_a_pid_file_of_no_daemon_does_not_keep_one_from_starting(machine: Machine) -> None:
    machine.program("dockerd", DAEMON)
    machine.pid_file.write_text(f"{os.getpid()}\n")
    assert machine.start().returncode == 0
    assert (machine.calls, machine.pid_file.exists()) == (["dockerd"], False)


def test_nothing_is_installed_where_that_is_not_wanted(machine: Machine) -> None:
    ran = machine.start(INSTALL="no", PATH=f"{machine.programs}:{bare(machine)}")
    assert (ran.returncode, machine.calls) == (3, [])
    assert "no Docker engine is installed" in ran.stderr


def test_a_failed_installation_is_told(machine: Machine) -> None:
    ran = machine.start(PATH=f"{machine.programs}:{bare(machine)}")
    assert (ran.returncode, machine.calls) == (3, ["packages docker.io"])
    assert "could not install" in ran.stderr


def bare(machine: Machine) -> Path:
    """A folder with what the script needs of a system, without a daemon."""
    folder = machine.folder / "bare"
    folder.mkdir()
    for name in ("bash", "sh", "cat", "dirname", "seq", "mkdir", "rm", "tail", "setsid"):
        (folder / name).symlink_to(shutil.which(name) or "")
    return folder
