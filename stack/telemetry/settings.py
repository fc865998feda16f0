"""Where the metrics server listens and who may read, and the one thing that is taken from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

DEFAULT_PORT = 9464
_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


class MonitorError(Exception):
    """The message says what, where and how to put it right; it never carries a secret."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where to listen and who may read. Port 0 takes a free one. What is a file is its path or empty: no secret."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    tls_cert: str = ""
    tls_key: str = ""
    token_file: str = ""
    basic_auth_file: str = ""
    allow_open: bool = False

    def url_at(self, port: int) -> str:
        """The server's own address, for the port that it really got."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{port}"

    def absolute(self) -> ServerOptions:
        """The same for a process that works in another folder."""
        files = (self.tls_cert, self.tls_key, self.token_file, self.basic_auth_file)
        cert, key, token, user = (str(Path(file).absolute()) if file else "" for file in files)
        return ServerOptions(self.host, self.port, cert, key, token, user, self.allow_open)

    def check(self) -> None:
        """Raises MonitorError when the options contradict each other or would open the metrics to the network."""
        if bool(self.tls_cert) != bool(self.tls_key):
            raise MonitorError("TLS needs both a certificate and a key: give the other one as well")
        if not 0 <= self.port <= 65535:
            raise MonitorError(f"port: must be 0-65535, got {self.port}")
        guarded = self.tls_cert and (self.token_file or self.basic_auth_file)
        if not (guarded or self.allow_open or is_loopback(self.host)):
            raise MonitorError(
                f"host {self.host}: other machines could read the metrics; add TLS and authentication, or --allow-open"
            )


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def multiprocess_folder() -> Path | None:
    """The folder of prometheus_client's multi-process mode, as its own variable says; None without one."""
    folder = os.environ.get(_MULTIPROCESS)
    return Path(folder) if folder else None


def environment_with(folder: Path) -> dict[str, str]:
    """This process's environment for one that is to record into ``folder``."""
    return {**os.environ, _MULTIPROCESS: str(folder.absolute())}
