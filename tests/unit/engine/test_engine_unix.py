"""HTTP over a socket: answers whole, in parts, late, broken off, and before the question was over."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stack.common.errors import EngineUnavailable, StartFailed
from stack.engine.client import Client
from stack.engine.docker import connect
from stack.engine.transport import Request, Unreachable
from stack.engine.unix import UnixTransport

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"


@contextmanager
def serving(path: Path, *answers: bytes | Callable[[socket.socket], None]) -> Iterator[UnixTransport]:
    """One answer a connection, in turn."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        thread = threading.Thread(target=_answer, args=(server, answers))
        thread.start()
        yield UnixTransport(str(path))
        thread.join()


def _answer(server: socket.socket, answers: tuple[bytes | Callable[[socket.socket], None], ...]) -> None:
    for answer in answers:
        client, _ = server.accept()
        with client:
            client.settimeout(10)
            if callable(answer):
                answer(client)
            else:
                client.recv(1 << 16)
                client.sendall(answer)


def answer_of(transport: UnixTransport, seconds: float = 5) -> bytes:
    with transport.send(Request("GET", "/", seconds)) as reply:
        return reply.read()


def test_an_answer_in_chunks(tmp_path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    with serving(tmp_path / "s", chunked) as transport:
        assert answer_of(transport) == b"onetwo"


def test_an_answer_that_ends_with_the_connection(tmp_path: Path) -> None:
    with serving(tmp_path / "s", b"HTTP/1.1 200 OK\r\n\r\nall of it") as transport:
        assert answer_of(transport) == b"all of it"


@pytest.mark.parametrize("answer", [b"", b"no HTTP at all\r\n\r\n"])
def test_no_answer(tmp_path: Path, answer: bytes) -> None:
    with serving(tmp_path / "s", answer) as transport, pytest.raises(Unreachable):
        answer_of(transport)


def test_an_answer_that_breaks_off_in_its_head_is_none(tmp_path: Path) -> None:
    with serving(tmp_path / "s", PING, b"HTTP/1.1 200 OK\r\nContent-") as transport:
        client = Client(transport, "unix:///s", 5)
        with pytest.raises(EngineUnavailable), client.asking("ask"):
            client.json("GET", "info")


@pytest.mark.parametrize("told", [b"Transfer-Encoding: chunked\r\n\r\n30\r\n", b"Content-Length: 30\r\n\r\n"])
def test_half_an_answer(tmp_path: Path, told: bytes) -> None:
    half = b"HTTP/1.1 200 OK\r\n" + told + b"half"
    with serving(tmp_path / "s", half) as transport, pytest.raises(Unreachable):
        answer_of(transport)


def test_silence_ends(tmp_path: Path) -> None:
    ended = threading.Event()
    with serving(tmp_path / "s", lambda client: (client.recv(9), ended.wait(10), None)[-1]) as transport:
        with pytest.raises(Unreachable):
            answer_of(transport, 0.2)
        ended.set()


def test_a_refusal_that_comes_before_all_was_sent(tmp_path: Path) -> None:
    """The engine does not read what it will not take."""
    no = b'HTTP/1.1 404 Not Found\r\nContent-Length: 16\r\n\r\n{"message":"no"}'
    with serving(tmp_path / "s", PING, lambda client: client.sendall(no)) as transport:
        client = Client(transport, "unix:///s", 5)
        with pytest.raises(StartFailed, match="put: no"), client.asking("put"):
            client.read("PUT", "x", data=b"x" * 10_000_000)


def test_what_is_no_engine_is_told(tmp_path: Path) -> None:
    said, told = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "no Docker engine"
    with serving(tmp_path / "s", said), pytest.raises(EngineUnavailable, match=told):
        connect(f"unix://{tmp_path}/s")


@pytest.mark.parametrize(("version", "product"), [("5.2.1", "Podman"), ("", "Docker")])
def test_the_engine_is_called_by_its_name(tmp_path: Path, version: str, product: str) -> None:
    told = '{"ServerVersion": "5", "OperatingSystem": "x", "Architecture": "x", "NCPU": 1, "MemTotal": 1}'
    info = f"HTTP/1.1 200 OK\r\nContent-Length: {len(told)}\r\n\r\n{told}".encode()
    with serving(tmp_path / "s", _ping(version), info):
        assert connect(f"unix://{tmp_path}/s", reach="ports").info().product == product


def test_a_podman_that_is_too_old_is_one_sentence(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "s", _ping("4.3.1")),
        pytest.raises(
            EngineUnavailable, match=r"^Podman 4\.3\.1 answers at unix://.*: Podman 5 or later, or Docker"
        ),
    ):
        connect(f"unix://{tmp_path}/s")


def _ping(podman: str) -> bytes:
    more = f"Libpod-Api-Version: {podman}\r\n".encode() if podman else b""
    return PING.replace(b"Content-Length", more + b"Content-Length")


@pytest.mark.parametrize(
    ("told", "ahead"), [("2021-01-01T00:00:00Z", True), ("2521-01-01T00:00:00Z", False), ("", None)]
)
def test_another_clock_is_told_of_once(tmp_path: Path, told: str, ahead: bool | None) -> None:
    heard: list[float] = []
    text = f'{{"SystemTime": "{told}"}}'
    info = f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
    with serving(tmp_path / "s", _ping(""), info) as transport:
        client = Client(transport, "unix:///s", 5, on_clock=heard.append)
        assert client.ahead == 0.0
        assert client.told == client.told == {"SystemTime": told}
    assert heard == [client.ahead]
    assert (client.ahead == 0.0) if ahead is None else ((client.ahead < 0) == ahead)


@pytest.mark.parametrize(
    ("podman", "options", "tells"),
    [
        ("", '["name=seccomp,profile=builtin"]', True),
        ("", "null", True),
        ("", '["name=seccomp", "name=userns"]', False),
        ("5.8.6", "[]", False),
    ],
)
def test_whose_owners_count(tmp_path: Path, podman: str, options: str, tells: bool) -> None:
    told = f'{{"SecurityOptions": {options}}}'
    info = f"HTTP/1.1 200 OK\r\nContent-Length: {len(told)}\r\n\r\n{told}".encode()
    with serving(tmp_path / "s", _ping(podman), info) as transport:
        assert Client(transport, "unix:///s", 5).tells_owners is tells


def test_an_engine_that_goes_away_is_told(tmp_path: Path) -> None:
    with serving(tmp_path / "s", PING):
        engine = connect(f"unix://{tmp_path}/s")
    (tmp_path / "s").unlink()
    with pytest.raises(EngineUnavailable, match=rf"{tmp_path}/s"):
        engine.info()
