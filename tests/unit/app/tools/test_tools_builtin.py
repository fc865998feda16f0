"""The shipped tools do what they say, within their bounds."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stack.app.gatekeeper import Gatekeeper
from stack.app.gates.policy import ToolsPolicy
from stack.app.tools.builtin import shipped_tools
from stack.app.tools.registry import ToolRegistry, ToolResult
from stack.telemetry.catalogue import TOOLS

Dispatch = Callable[..., ToolResult]

GATES = Gatekeeper(resolve=lambda host: ["93.184.216.34"])


@pytest.fixture
def dispatch(tmp_path: Path) -> Dispatch:
    return ToolRegistry(shipped_tools(GATES, tmp_path), ToolsPolicy(), None).dispatch


def archive(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name in names:
            made.writestr(name, b"hello")
    return content.getvalue()


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_the_shipped_tools_are_those_of_the_catalogue() -> None:
    assert sorted(tool.tool_id for tool in shipped_tools(GATES)) == sorted(TOOLS)


def test_fetch_check_accepts_with_the_addresses(dispatch: Dispatch) -> None:
    assert dispatch("fetch-check", {"url": "https://EXAMPLE.com/a", "fetch": False}).result == {
        "allowed": True,
        "url": "https://example.com/a",
        "host": "example.com",
        "port": 443,
        "addresses": ["93.184.216.34"],
    }


@pytest.mark.parametrize(
    ("address", "code"), [("ftp://example.com/", "E_SCHEME"), ("http://127.1/", "E_PRIVATE_NET")]
)
def test_fetch_check_reports_a_refusal_as_its_result(dispatch: Dispatch, address: str, code: str) -> None:
    done = dispatch("fetch-check", {"url": address})
    assert done.status == "success"
    assert done.result is not None
    assert (done.result["allowed"], done.result["gate"], done.result["error_code"]) == (
        False,
        "url_gate",
        code,
    )


def test_archive_inspect_tells_what_is_inside(dispatch: Dispatch, tmp_path: Path) -> None:
    found = {
        "allowed": True,
        "entries": 2,
        "total_bytes": 10,
        "first": [{"path": "a.txt", "size": 5}, {"path": "b/c.txt", "size": 5}],
    }
    assert dispatch("archive-inspect", {"data": encoded(archive("a.txt", "b/c.txt"))}).result == found
    assert list((tmp_path).iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "gate", "code"),
    [
        ({"data": encoded(archive("../evil"))}, "filesystem_gate", "E_TRAVERSAL"),
        ({"data": encoded(b"no archive")}, "extraction_gate", "E_SPECIAL_TYPE"),
    ],
)
def test_archive_inspect_reports_a_refusal(
    dispatch: Dispatch, arguments: dict[str, Any], gate: str, code: str
) -> None:
    result = dispatch("archive-inspect", arguments).result
    assert result is not None
    assert (result["allowed"], result["gate"], result["error_code"]) == (False, gate, code)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "data: missing"),
        ({"data": "no base64!"}, "data: not base64"),
        ({"data": "ä"}, "data: not base64"),
    ],
)
def test_archive_inspect_fails_with_a_reason(
    dispatch: Dispatch, arguments: dict[str, Any], error: str
) -> None:
    done = dispatch("archive-inspect", arguments)
    assert done.status == "failure" and error in (done.error or "")


def test_text_search_finds_text_not_patterns(dispatch: Dispatch) -> None:
    text = "Alpha\n.*\nalphabet " + "x" * 500
    found = dispatch("text-search", {"text": text, "query": "ALPHA"}).result
    assert found is not None and found["lines"] == 2
    assert [(m["line"], len(m["text"])) for m in found["matches"]] == [(1, 5), (3, 200)]
    exact = dispatch("text-search", {"text": text, "query": "alpha", "case_sensitive": True}).result
    assert exact is not None and [m["line"] for m in exact["matches"]] == [3]
    dots = dispatch("text-search", {"text": text, "query": ".*", "limit": 1}).result
    assert dots == {"lines": 1, "matches": [{"line": 2, "text": ".*"}]}


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha3_256", "blake2b"])
def test_hash_agrees_with_hashlib(dispatch: Dispatch, algorithm: str) -> None:
    content = b"\x00\xff" * 50_000
    done = dispatch("hash", {"data": encoded(content), "encoding": "base64", "algorithm": algorithm})
    digest = hashlib.new(algorithm, content).hexdigest()
    assert done.result == {"algorithm": algorithm, "digest": digest, "bytes": 100_000}


def test_wait_waits(dispatch: Dispatch) -> None:
    done = dispatch("wait", {"seconds": 0.02})
    assert done.result == {"waited": 0.02}
    assert done.duration_ms >= 20


@pytest.mark.parametrize(
    ("tool_id", "arguments"),
    [
        ("wait", {"seconds": 61}),
        ("wait", {"seconds": float("inf")}),
        ("text-search", {"text": "x" * 1_000_001, "query": "x"}),
        ("fetch-check", {"url": "http://" + "x" * 9000}),
        ("hash", {"data": "x", "algorithm": "md5"}),
    ],
)
def test_arguments_beyond_their_bounds_never_reach_a_tool(
    dispatch: Dispatch, tool_id: str, arguments: dict[str, Any]
) -> None:
    done = dispatch(tool_id, arguments)
    assert done.status == "failure" and "must " in (done.error or "")
