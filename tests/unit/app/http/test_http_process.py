"""The process: it starts, serves, ends on SIGTERM, and says in one line why it cannot start."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]


def start(data: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/nonexistent", **variables}
    command = [sys.executable, "-m", "stack.app", "--data", str(data), *arguments]
    return subprocess.Popen(command, env=environment, cwd="/", stderr=subprocess.PIPE, text=True)


@contextmanager
def served(
    data: Path, *arguments: str, **variables: str
) -> Iterator[tuple[subprocess.Popen[str], int, list[str]]]:
    """A running process, its port, and its log lines so far."""
    process = start(data, "--port", "0", *arguments, **variables)
    lines: list[str] = []
    try:
        yield process, _port(process, lines), lines
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _port(process: subprocess.Popen[str], lines: list[str]) -> int:
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line)
        found = json.loads(line)
        if found["message"] == "serving":
            threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True).start()
            return int(found["port"])
    raise AssertionError(f"it ended before it listened: {lines}")


def ask(port: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json"} if content else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def test_it_serves_and_ends_on_sigterm_with_every_audit_stored(tmp_path: Path) -> None:
    with served(tmp_path, "--load", "full", "--load-rate", "200") as (process, port, lines):
        status, found = ask(port, "GET", "/health")
        assert (status, found["status"]) == (200, "ok")
        status, done = ask(port, "POST", "/tools/execute", {"tool_id": "hash", "arguments": {"data": "x"}})
        assert (status, done["status"]) == (200, "success")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert not [line for line in lines if json.loads(line)["level"] == "error"]
    with served(tmp_path) as (_, port, _):
        _, found = ask(port, "GET", f"/memory/tool_audit/search?query={done['call_id']}")
        assert len(found["packets"]) == 1


def test_a_request_in_progress_is_drained(tmp_path: Path) -> None:
    body = json.dumps({"path": "a/b.txt"}).encode()
    with served(tmp_path) as (process, port, _), socket.create_connection(("127.0.0.1", port), 30) as asking:
        asking.sendall(_head("/gates/path", len(body)) + body[:5])
        assert ask(port, "GET", "/health")[0] == 200
        process.send_signal(signal.SIGTERM)
        while _listens(port):
            assert process.poll() is None
        asking.sendall(body[5:])
        assert asking.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
        assert process.wait(30) == 0


def test_a_call_that_does_not_end_in_time_is_answered_and_audited(tmp_path: Path) -> None:
    body = b'{"tool_id": "wait", "arguments": {"seconds": 60}, "timeout_ms": 60000}'
    with (
        served(tmp_path) as (process, port, lines),
        socket.create_connection(("127.0.0.1", port), 30) as asking,
    ):
        asking.sendall(_head("/tools/execute", len(body)) + body)
        assert ask(port, "GET", "/health")[0] == 200
        process.send_signal(signal.SIGTERM)
        head, _, answer = asking.makefile("rb").read().partition(b"\r\n\r\n")
        assert process.wait(30) == 0
    done = json.loads(answer)
    assert (head[:12], done["status"]) == (b"HTTP/1.1 200", "failure")
    assert not [line for line in lines if json.loads(line)["level"] == "error"]
    with served(tmp_path) as (_, port, _):
        _, found = ask(port, "GET", f"/memory/tool_audit/search?query={done['call_id']}")
        assert len(found["packets"]) == 1


def test_a_request_that_never_gets_complete_is_told_that_the_service_stops(tmp_path: Path) -> None:
    with (
        served(tmp_path) as (process, port, lines),
        socket.create_connection(("127.0.0.1", port), 30) as asking,
    ):
        asking.sendall(_head("/gates/path", 9) + b"{")
        assert ask(port, "GET", "/health")[0] == 200
        process.send_signal(signal.SIGTERM)
        answer = asking.makefile("rb").read()
        assert process.wait(30) == 0
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"the service is stopping" in answer
    assert not [line for line in lines if "Traceback" in line]


def test_what_waits_for_a_database_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silence = f"postgresql://user@127.0.0.1:{silent.getsockname()[1]}/db?connect_timeout=3600"
        with (
            served(tmp_path, STACK_DATABASE_URL=silence) as (process, port, _),
            ThreadPoolExecutor(1) as asking,
        ):
            answer = asking.submit(ask, port, "POST", "/memory/session_context", {"payload": {}})
            # The probe, the look for earlier alerts, and ours.
            connections = [silent.accept()[0] for _ in range(3)]
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            for connection in connections:
                connection.close()
            assert answer.result(30)[0] == 503


def _head(path: str, length: int) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    return head.encode()


def _listens(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "told"),
    [
        (["--port", "x"], {}, 2, "--port: must be a number"),
        ([], {"STACK_APP_LOAD": "heavy"}, 2, "STACK_APP_LOAD: must be one of"),
        (["--token-file", "/nonexistent/token"], {}, 2, "token_file: cannot read /nonexistent/token"),
        (["--policy-file", "/nonexistent/policy.yaml"], {}, 1, "/nonexistent/policy.yaml: No such file"),
        (["--data", "/proc/nowhere"], {}, 1, "make it readable, and --data and --spool writable"),
        ([], {"STACK_DATABASE_URL": "mysql://h/d"}, 1, "unknown scheme"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], code: int, told: str
) -> None:
    process = start(tmp_path, "--port", "0", *arguments, **variables)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert told in errors
    assert errors.count("\n") == 1


def test_a_policy_that_is_no_policy_is_named_with_its_fault(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("url:\n  allowed_ports: [70000]\n")
    process = start(tmp_path / "data", "--port", "0", "--policy-file", str(policy))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "url.allowed_ports[0]" in errors


@pytest.mark.parametrize(
    ("path", "content", "kept"),
    [
        ("ingest/intents/abc.json", b"{", "ingest/intents/abc.json.corrupt"),
        ("audit/acknowledged", b"garbage", "audit/acknowledged"),
        ("audit/copy.journal", b"garbage", "audit/copy.journal"),
    ],
)
def test_a_damaged_file_of_ours_does_not_keep_it_from_starting(
    tmp_path: Path, path: str, content: bytes, kept: str
) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_bytes(content)
    with served(tmp_path) as (process, port, lines):
        assert ask(port, "GET", "/health")[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert (tmp_path / kept).exists()
    assert (path in "".join(lines)) == kept.endswith(".corrupt")


def test_a_policy_that_is_no_text_is_named(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_bytes(b"url: \xff")
    process = start(tmp_path / "data", "--port", "0", "--policy-file", str(policy))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"{policy}: is no UTF-8 text" in errors


@pytest.mark.parametrize("kind", ["closed", "a file", "not listening"])
def test_a_descriptor_that_does_not_listen_ends_it_with_a_reason(tmp_path: Path, kind: str) -> None:
    with socket.socket() as idle, (tmp_path / "file").open("w") as file:
        number = {"closed": 900, "a file": file.fileno(), "not listening": idle.fileno()}[kind]
        os.set_inheritable(idle.fileno(), True)
        os.set_inheritable(file.fileno(), True)
        command = [sys.executable, "-m", "stack.app", "--data", str(tmp_path / "data"), "--fd", str(number)]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, close_fds=False, timeout=60, check=False
        )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"fd: {number} is no open socket that listens" in done.stderr


def test_a_taken_port_ends_it_with_a_reason(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start(tmp_path, "--port", str(taken.getsockname()[1]))
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Address already in use: choose another" in errors


def test_a_second_process_on_the_same_folder_is_refused_and_touches_nothing(tmp_path: Path) -> None:
    with served(tmp_path):
        theirs = [tmp_path / "tmp" / "upload", tmp_path / "content" / "staging" / "object"]
        for path in theirs:
            path.touch()
        process = start(tmp_path, "--port", "0")
        _, errors = process.communicate(timeout=60)
        assert all(path.exists() for path in theirs)
    assert process.returncode == 1
    assert str(tmp_path) in errors


def test_a_database_that_is_down_does_not_keep_it_from_serving(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        down = f"postgresql://user@127.0.0.1:{nobody.getsockname()[1]}/db?connect_timeout=2"
    with served(tmp_path, STACK_DATABASE_URL=down) as (process, port, _):
        assert ask(port, "GET", "/health")[0] == 200
        status, found = ask(port, "POST", "/memory/session_context", {"payload": {}})
        assert (status, found["title"]) == (503, "Service Unavailable")
        assert ask(port, "GET", "/health/detailed")[1]["status"] == "degraded"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_it_writes_nowhere_but_to_its_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with served(data, "--load", "full", "--load-rate", "300", TMPDIR=str(tmp_path / "elsewhere")) as (
        process,
        port,
        _,
    ):
        while ask(port, "GET", "/health/detailed")[1]["parts"]["load"]["operations"] < 120:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert {path.name for path in data.iterdir()} >= {"audit", "content", "ingest", "packets.db", "tmp"}
