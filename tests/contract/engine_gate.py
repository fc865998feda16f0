"""The local engine's socket behind a TCP port of loopback: an engine that counts as remote."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SOCKET = os.environ.get("DOCKER_HOST", "").removeprefix("unix://") or "/var/run/docker.sock"


@contextmanager
def engine_over_tcp(tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Its address while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, tls), daemon=True).start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def certificates(folder: Path) -> ssl.SSLContext:
    """ca.pem, cert.pem and key.pem in a folder, and what a server needs that asks its clients for such a one."""
    names = ("key.pem", "cert.pem", "ca.pem")
    key, cert, authority = (folder / name for name in names)
    made = f"-keyout {key} -out {cert} -days 2 -subj /CN=engine -addext subjectAltName=IP:127.0.0.1"
    kind = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
    subprocess.run(["openssl", *kind.split(), *made.split()], check=True, capture_output=True)
    shutil.copy(cert, authority)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority))
    context.load_cert_chain(cert, key)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _accept(listener: socket.socket, tls: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            if tls is not None:
                try:
                    client = tls.wrap_socket(client, server_side=True)
                except OSError:
                    continue
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(SOCKET)
            for source, sink in ((client, engine), (engine, client)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
