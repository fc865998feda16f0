"""Finding the engine: an address, the environment or a context; and who does not answer."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from stack.common.errors import EngineUnavailable
from stack.engine.address import Tls, find, is_remote
from stack.engine.docker import connect


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


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/run/user/1000/podman/podman.sock", "unix:///run/user/1000/podman/podman.sock"),
        ("unix://var/run/docker.sock", "unix:///var/run/docker.sock"),
        ("unix:/var/run/docker.sock", "unix:///var/run/docker.sock"),
        ("localhost", "tcp://localhost:2375 (2376 with DOCKER_TLS_VERIFY)"),
        ("tcp://10.0.0.1", "tcp://10.0.0.1:2375 (2376 with DOCKER_TLS_VERIFY)"),
        ("tcp://host:port", "tcp://HOST:PORT"),
        ("fd://", "unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST"),
    ],
)
def test_what_is_no_address_is_told_with_the_one_that_is_meant(written: str, meant: str) -> None:
    with pytest.raises(EngineUnavailable) as told:
        find("", {"DOCKER_HOST": written})
    assert str(told.value) == f"{written} is no address of an engine: DOCKER_HOST={meant}"


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


def context(home: Path, name: str, meta: object) -> None:
    """A context of the docker command, as it lies on disk."""
    folder = home / ".docker" / "contexts" / "meta" / sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(meta if isinstance(meta, str) else json.dumps(meta))


def current(home: Path, text: str) -> None:
    """What the docker command's own configuration says."""
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker" / "config.json").write_text(text)


def endpoint(host: str) -> dict[str, object]:
    return {"Name": "other", "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}


def test_the_current_context_is_asked(tmp_path: Path) -> None:
    context(tmp_path, "other", endpoint(f"unix://{tmp_path}/ctx.sock"))
    current(tmp_path, json.dumps({"currentContext": "other"}))
    with pytest.raises(EngineUnavailable, match=r"ctx\.sock \(context other\)"):
        connect()


def test_the_context_of_the_environment_comes_before_the_current_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    context(tmp_path, "other", endpoint(f"unix://{tmp_path}/ctx.sock"))
    current(tmp_path, "no JSON, and nobody reads it")
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    with pytest.raises(EngineUnavailable, match=r"ctx\.sock"):
        connect()


def test_an_address_in_the_environment_comes_before_every_context(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    current(tmp_path, json.dumps({"currentContext": "gone"}))
    monkeypatch.setenv("DOCKER_CONTEXT", "typo")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/env.sock")
    with pytest.raises(EngineUnavailable, match=r"env\.sock"):
        connect()


def test_a_context_that_is_not_there_is_named_and_no_other_engine_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "typo")
    with pytest.raises(EngineUnavailable, match=r"context typo \(DOCKER_CONTEXT\) does not exist") as caught:
        connect()
    assert "docker context ls" in caught.value.hint


def test_a_current_context_that_is_gone_is_named(tmp_path: Path) -> None:
    current(tmp_path, json.dumps({"currentContext": "gone"}))
    with pytest.raises(EngineUnavailable, match=r"context gone \(.*config\.json\) does not exist"):
        connect()


@pytest.mark.parametrize(
    "meta",
    [
        "{ half",
        [],
        {"Name": "other"},
        {"Name": "other", "Endpoints": {"docker": {}}},
        {"Name": "other", "Endpoints": {"docker": {"Host": ""}}},
        {"Name": "other", "Endpoints": {"kubernetes": {"Host": "https://k"}}},
    ],
)
def test_a_context_that_names_no_engine_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, meta: object
) -> None:
    context(tmp_path, "other", meta)
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    with pytest.raises(EngineUnavailable, match=r"context other .*meta\.json"):
        connect()


@pytest.mark.parametrize("text", ["{ half", "[]", '{"currentContext": 7}'])
def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    current(tmp_path, text)
    with pytest.raises(EngineUnavailable, match=r"config\.json"):
        connect()


@pytest.mark.parametrize("name", ["", "default"])
def test_the_default_context_is_the_local_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    current(tmp_path, json.dumps({"currentContext": "gone"}))
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert find("", {"DOCKER_CONTEXT": "default", "DOCKER_CONFIG": str(tmp_path / ".docker")}).url == (
        "unix:///var/run/docker.sock"
    )
    current(tmp_path, json.dumps({"currentContext": name}))
    assert find("", {"DOCKER_CONFIG": str(tmp_path / ".docker")}).url == "unix:///var/run/docker.sock"


def test_the_socket_of_a_rootless_engine_counts_where_there_is_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path), "DOCKER_CONFIG": str(tmp_path)}
    monkeypatch.setattr("stack.engine.address.SYSTEM_SOCKET", str(tmp_path / "system.sock"))
    assert find("", environ).url == f"unix://{tmp_path}/system.sock"
    with socket.socket(socket.AF_UNIX) as rootless, socket.socket(socket.AF_UNIX) as system:
        rootless.bind(str(tmp_path / "docker.sock"))
        assert find("", environ).url == f"unix://{tmp_path}/docker.sock"
        system.bind(str(tmp_path / "system.sock"))
        assert find("", environ).url == f"unix://{tmp_path}/system.sock"


def test_an_address_without_a_scheme_is_one_of_tcp() -> None:
    assert find("127.0.0.1:1", {}).url == "tcp://127.0.0.1:1"


def test_missing_certificates_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=rf"{tmp_path}/ca\.pem") as caught:
        connect("tcp://127.0.0.1:1")
    assert "DOCKER_CERT_PATH" in caught.value.hint


def test_certificates_that_are_none_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").write_text("no certificate")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"tcp://127\.0\.0\.1:1"):
        connect("tcp://127.0.0.1:1")


def test_certificates_of_the_environment_do_not_go_to_a_contexts_engine(tmp_path: Path) -> None:
    context(tmp_path, "other", endpoint("tcp://127.0.0.1:1"))
    environ = {
        "DOCKER_CONTEXT": "other",
        "DOCKER_CONFIG": str(tmp_path / ".docker"),
        "DOCKER_TLS_VERIFY": "1",
    }
    assert find("", environ).tls is None


def test_a_context_brings_its_certificates(tmp_path: Path) -> None:
    context(tmp_path, "other", endpoint("tcp://127.0.0.1:1"))
    folder = tmp_path / ".docker" / "contexts" / "tls" / sha256(b"other").hexdigest() / "docker"
    folder.mkdir(parents=True)
    for name in ("ca", "cert", "key"):
        (folder / f"{name}.pem").write_text("x")
    tls = find("", {"DOCKER_CONTEXT": "other", "DOCKER_CONFIG": str(tmp_path / ".docker")}).tls
    assert tls == Tls(str(folder / "ca.pem"), str(folder / "cert.pem"), str(folder / "key.pem"), verify=True)


def test_a_local_engine_needs_no_sdk() -> None:
    """Its import costs a command 50 to 100 ms of processor time."""
    script = "import sys, stack.engine.docker; print({'docker', 'requests', 'urllib3'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
