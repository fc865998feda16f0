"""Finding the engine: an address, the environment or a context; and who does not answer."""

from __future__ import annotations

import json
import socket
from hashlib import sha256
from pathlib import Path

import pytest

from stack.common.errors import EngineUnavailable
from stack.engine.docker import connect, is_remote


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment that names no engine, and a home of its own."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / ".docker"))
    return tmp_path


@pytest.mark.parametrize(
    ("address", "remote"),
    [
        ("unix:///var/run/docker.sock", False),
        ("npipe:////./pipe/docker_engine", False),
        ("tcp://127.0.0.1:2375", True),
        ("https://engine:2376", True),
        ("ssh://me@engine", True),
    ],
)
def test_remote_is_a_matter_of_the_scheme(address: str, remote: bool) -> None:
    assert is_remote(address) is remote


def test_a_missing_socket_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"no Docker engine answers at unix://.*none\.sock"):
        connect(f"unix://{tmp_path}/none.sock")


def test_a_closed_port_is_named() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(EngineUnavailable, match=address):
            connect(address)


def test_silence_ends(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s.sock"))
        silent.listen()
        with pytest.raises(EngineUnavailable, match=r"s\.sock"):
            connect(f"unix://{tmp_path}/s.sock", seconds=1)


@pytest.mark.parametrize("address", ["bogus://x", "tcp://"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(EngineUnavailable):
        connect(address)


def test_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/env.sock")
    with pytest.raises(EngineUnavailable, match=r"env\.sock"):
        connect()


def test_an_argument_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/env.sock")
    with pytest.raises(EngineUnavailable, match=r"argument\.sock"):
        connect(f"unix://{tmp_path}/argument.sock")


def test_missing_certificates_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable):
        connect("tcp://127.0.0.1:1")


def test_the_current_context_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / ".docker" / "contexts" / "meta" / sha256(b"other").hexdigest()
    folder.mkdir(parents=True)
    meta = {"Name": "other", "Metadata": {}, "Endpoints": {"docker": {"Host": f"unix://{tmp_path}/ctx.sock"}}}
    (folder / "meta.json").write_text(json.dumps(meta))
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"currentContext": "other"}))
    with pytest.raises(EngineUnavailable, match=r"ctx\.sock"):
        connect()
