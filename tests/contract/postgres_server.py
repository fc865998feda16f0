"""A real PostgreSQL server for tests: Debian's package, a folder of its own, a unix socket, no network.

The binaries are looked for on the PATH and where Debian puts them, and installed when they are missing and we are
root. It runs as an unprivileged user, since PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", "postgresql")
START_S = 30.0


def binary(name: str) -> str:
    """The path of a PostgreSQL program, installed if need be."""
    found = _look_for(name)
    if found is None:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(("apt-get", "update", "-q"), check=True, capture_output=True, env=environment)
        subprocess.run(INSTALL, check=True, capture_output=True, env=environment)
        found = _look_for(name)
    assert found is not None, f"{name}: not found and not installable: run {' '.join(INSTALL)} as root"
    return found


def _look_for(name: str) -> str | None:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, debian), os.environ.get("PATH", "")]))


class PostgresServer:
    """One server. `start` and `stop` may alternate; `remove` ends it and deletes its folder."""

    def __init__(self) -> None:
        self.user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(self.folder, self.user)
        self._run(binary("initdb"), "-D", str(self._data), "-U", "tester", "-A", "trust", "-E", "UTF8",
                  "--locale=C", "--no-sync")  # fmt: skip

    def start(self) -> None:
        """Start and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                (binary("postgres"), "-D", self._data, "-k", self.folder,
                 "-c", "listen_addresses=", "-c", "fsync=off"),
                stdout=log, stderr=log, **self._identity(),
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            except psycopg.Error:
                alive = self._process.poll() is None and time.monotonic() < deadline
                assert alive, (self.folder / "log").read_text()
                time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop at once, cutting every connection."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=START_S)
            self._process = None

    def remove(self) -> None:
        """Stop without a checkpoint and delete everything."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """The URL of a database of this server."""
        return f"postgresql://tester@/{database}?host={self.folder}"

    def emptied(self) -> str:
        """The URL of the one database that tests use, with nothing in it."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return self.url("postgres")

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, **self._identity())

    def _identity(self) -> dict[str, Any]:
        user = (
            {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}
            if os.geteuid() == 0
            else {}
        )
        return {"cwd": self.folder, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, **user}
