"""The gates over HTTP without the application, in the process that ``monitor start`` makes, and the quick start."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from importlib.metadata import packages_distributions
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from stack.app import standalone
from stack.telemetry import monitor
from stack.telemetry.fetch import fetch
from stack.telemetry.server import MetricsServer
from stack.telemetry.settings import ServerOptions
from tests.unit.app.gates.gate_support import make_zip

ROOT = Path(__file__).parents[3]
QUICK_START = (ROOT / "docs" / "telemetry.md").read_text().split("## The addresses")[0]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with MetricsServer(ServerOptions(port=0), standalone.routes()) as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        yield server.url
        server.shutdown()


def post(url: str, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def decided(url: str, path: str, body: bytes) -> dict[str, Any]:
    status, answer = post(url, path, body)
    assert status == 200, answer
    found = json.loads(answer)
    assert set(found) == {"gate", "outcome", "error_code", "value", "detail", "duration_ms"}
    return dict(found)


@pytest.mark.parametrize(
    ("path", "body", "gate", "error_code", "value"),
    [
        ("/gates/url", b'{"url": "https://93.184.215.14/a"}', "url_gate", None, "https://93.184.215.14/a"),
        ("/gates/url", b'{"url": "http://10.0.0.1/"}', "url_gate", "E_PRIVATE_NET", None),
        ("/gates/path", b'{"path": "a//b"}', "filesystem_gate", None, "a/b"),
        ("/gates/path", b'{"path": "A", "siblings": ["a"]}', "filesystem_gate", "E_CASEFOLD_COLLISION", None),
        ("/gates/config", b'{"document": "urls: {}"}', "config_gate", "E_CONFIG_VALIDATION", None),
        ("/gates/archive", b"no archive", "extraction_gate", "E_SPECIAL_TYPE", None),
        ("/gates/archive", bytes(make_zip([("../x", b"1")])), "filesystem_gate", "E_TRAVERSAL", None),
        ("/gates/archive", bytes(make_zip([("a", b"12")])), "extraction_gate", None,
         {"entries": [{"path": "a", "size": 2}], "total_bytes": 2}),
    ],
)  # fmt: skip
def test_each_gate_answers_with_its_decision(
    url: str, path: str, body: bytes, gate: str, error_code: str | None, value: object
) -> None:
    found = decided(url, path, body)
    assert (found["gate"], found["error_code"], found["value"]) == (gate, error_code, value)
    assert (found["outcome"], found["detail"] is None) == (
        ("ok", True) if error_code is None else ("reject", False)
    )


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (b"", {}, 400, b"no JSON"),
        (b"{", {}, 400, b"no JSON"),
        (b"[]", {}, 400, b"expected an object"),
        (b'{"url": "\\ud800"}', {}, 400, b"lone surrogate"),
        (b'{"url": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}, 400, b"no JSON"),
        (b"{}", {}, 422, b"url: must be text"),
        (b'{"url": 3}', {}, 422, b"url: must be text"),
        (b"x", {"Content-Length": str(standalone.MAX_DOCUMENT + 1)}, 413, b"at most 1048576 bytes"),
        (b"3\r\n{}\n\r\n0\r\n\r\n", {"Transfer-Encoding": "chunked"}, 411, b"Content-Length"),
        (b"{}", {"Content-Length": "-1"}, 411, b"Content-Length"),
        (b"{}", {"Origin": "http://page.example"}, 403, b"other sites"),
    ],
)
def test_what_cannot_be_asked_is_said(
    url: str, body: bytes, headers: dict[str, str], status: int, says: bytes
) -> None:
    answered, text = post(url, "/gates/url", body, **headers)
    assert (answered, says in text) == (status, True), text


def test_a_body_that_ends_early_is_no_decision(url: str) -> None:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), 5) as client:
        client.sendall(b"POST /gates/archive HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nPK")
        client.shutdown(socket.SHUT_WR)
        assert client.makefile("rb").readline().startswith(b"HTTP/1.0 400")


def test_metrics_do_not_wait_for_decisions_that_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    started, ended = Barrier(standalone.GATES_AT_ONCE + 1), Event()

    def silent(self: object, address: str) -> None:
        started.wait(10)
        ended.wait(10)

    monkeypatch.setattr("stack.app.gatekeeper.Gatekeeper.check_url", silent)
    with MetricsServer(ServerOptions(port=0), standalone.routes()) as server, ThreadPoolExecutor(20) as pool:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            body = b'{"url": "http://silent.example/"}'
            for _ in range(standalone.GATES_AT_ONCE):
                pool.submit(post, server.url, "/gates/url", body)
            started.wait(10)
            assert post(server.url, "/gates/url", body)[0] == 503
            assert "gate_invocations_total" in fetch(f"{server.url}/metrics")
            assert decided(server.url, "/gates/archive", b"no archive")["outcome"] == "reject"
        finally:
            ended.set()
            server.shutdown()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", QUICK_START, re.DOTALL)


def test_the_quick_start_of_the_documentation_is_true(tmp_path: Path) -> None:
    """Its very commands and programs, at the address and folder of this test; no command but curl and python."""
    record, _ = monitor.start(tmp_path / "monitor", "stack.app.standalone", ServerOptions(port=0))
    try:
        _, five, program = blocks("console")
        first, second = blocks("text")
        calls = [shlex.split(line.removeprefix("$ ")) for line in five.splitlines()]
        assert len(calls) == 5
        answers = []
        for curl, silent, address, data, body in calls:
            assert (curl, silent, data) == ("curl", "-s", "-d")
            answers.append(decided(record.url, urlsplit(address).path, body.encode()))
        (shown,) = (json.loads(block) for block in blocks("json"))
        assert answers[3] | {"duration_ms": 0} == shown | {"duration_ms": 0}
        page = fetch(f"{record.url}/metrics").splitlines()
        assert [line for line in first.splitlines() if line not in page] == []
        (source,) = blocks("python")
        assert program.startswith("$ export PROMETHEUS_MULTIPROC_DIR=")
        variable = f"PROMETHEUS_MULTIPROC_DIR={monitor.processes_folder(tmp_path / 'monitor')}"
        ran = subprocess.run(
            ["/usr/bin/env", variable, sys.executable, "-c", source],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert ran.stdout == program.splitlines()[-1] + "\n"
        page = fetch(f"{record.url}/metrics").splitlines()
        assert [line for line in second.splitlines() if line not in page] == []
    finally:
        assert monitor.stop(tmp_path / "monitor")


def test_it_needs_nothing_but_the_plain_installation() -> None:
    """Each package that it imports is in the lock file of the runtime."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from stack.app.standalone import routes; routes()\n"
        "from stack.telemetry import expose, init_metrics; init_metrics(), expose()\n"
        "print(' '.join({name.partition('.')[0] for name in {*sys.modules} - before}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    owners = packages_distributions()
    imported = {owners[name][0] for name in done.stdout.split() if name in owners and name != "stack"}
    needed = {name.lower().replace("_", "-") for name in imported}
    assert {"prometheus-client", "pyyaml", "idna"} <= needed
    assert needed - set(locked) == set()
