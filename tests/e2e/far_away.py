"""Another machine's view of the engine: a network namespace of its own, where only the engine's API is within reach.

Inside, a port of loopback leads to the engine's socket; the ports that containers publish on this machine's loopback
do not exist there. The namespace lives as long as the process in it. Needs root.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.contract.engine_gate import engine_over_tcp

ROOT = Path(__file__).resolve().parents[2]
SET_FLAGS, UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP


@dataclass(frozen=True)
class FarAway:
    """A place with no network but its own loopback, and the engine's address there."""

    process: int
    engine: str

    @property
    def there(self) -> tuple[str, ...]:
        """What runs a command in that place."""
        return ("nsenter", f"--net=/proc/{self.process}/ns/net", "--")

    def reaches(self, host: str, port: int) -> bool:
        """Whether a connection succeeds from there."""
        code = f"import socket; socket.create_connection(({host!r}, {port}), 5)"
        ran = subprocess.run([*self.there, sys.executable, "-c", code], capture_output=True, check=False)
        return ran.returncode == 0


@contextmanager
def far_away() -> Iterator[FarAway]:
    """The place while the block runs."""
    command = ["unshare", "--net", sys.executable, "-m", "tests.e2e.far_away"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdin and process.stdout
        yield FarAway(process.pid, process.stdout.readline().strip())
        process.stdin.close()


def serve() -> None:
    """In the namespace: wakes its loopback, offers the engine there, and ends with its standard input."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh", b"lo", UP))
    with engine_over_tcp() as address:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    serve()
