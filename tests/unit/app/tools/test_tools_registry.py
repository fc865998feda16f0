"""Every dispatch ends in one result, one metric record and one audit packet, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from pydantic import Field

from stack.app.gates.policy import ToolsPolicy
from stack.app.memory.packet import Packet
from stack.app.tools.builtin import HASH, TEXT_SEARCH, WAIT
from stack.app.tools.registry import Arguments, Tool, ToolError, ToolInfo, ToolRegistry, ToolResult
from stack.app.tools.workers import Cancel
from stack.telemetry import recorders

PATIENCE = 30.0


class Ledger:
    """An audit that remembers, and fails when told to."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.broken = False

    def submit(self, packet: Packet, /) -> bool:
        self.packets.append(packet)
        if self.broken:
            raise RuntimeError("an audit that breaks its promise")
        return True


def fails(error: Exception) -> Tool:
    def run(arguments: Mapping[str, Any], cancel: Cancel) -> dict[str, Any]:
        raise error

    return Tool("fails", "Fail.", Arguments, run)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    calls: list[tuple[str, str]] = []
    monkeypatch.setattr(
        recorders, "record_tool_invocation", lambda tool, status, ms: calls.append((tool, status))
    )
    return calls


def registry(ledger: Ledger | None, *more: Tool, denied: tuple[str, ...] = ()) -> ToolRegistry:
    return ToolRegistry((HASH, WAIT, TEXT_SEARCH, *more), ToolsPolicy(denied=denied), ledger)


@pytest.mark.parametrize(
    ("tool_id", "arguments", "status", "error"),
    [
        ("hash", {"data": "x"}, "success", None),
        ("hash", {}, "failure", "hash: data: missing: the data"),
        ("hash", {"data": "!", "encoding": "base64"}, "failure", "hash: data: not base64: "),
        (
            "text-search",
            {"text": "", "query": "x"},
            "denied",
            "text-search: denied by policy: see tools.denied",
        ),
        (
            "wait",
            {"seconds": 30},
            "timeout",
            "wait: no result within 0.02 s: allow more time or ask for less",
        ),
        ("nope", {}, "failure", "nope: unknown tool: use one of hash, text-search, wait"),
    ],
)
def test_each_ending_has_one_result_one_record_and_one_packet(
    ledger: Ledger,
    recorded: list[tuple[str, str]],
    tool_id: str,
    arguments: dict[str, Any],
    status: str,
    error: str | None,
) -> None:
    tools = registry(ledger, denied=("text-search",))
    done = tools.dispatch(
        tool_id, arguments, "agent-1", "task-1", timeout=0.02 if tool_id == "wait" else None
    )
    label = "unknown" if tool_id == "nope" else tool_id
    assert done.status == status
    assert (done.error is None) if error is None else (done.error or "").startswith(error)
    assert (done.result is None) == (status != "success")
    assert recorded == [(label, status)]
    (packet,) = ledger.packets
    assert packet.payload == {
        "call_id": done.call_id,
        "tool_id": tool_id,
        "agent_id": "agent-1",
        "task_id": "task-1",
        "status": status,
        "duration_ms": round(done.duration_ms, 3),
        "error": done.error,
    }
    assert (packet.packet_id, packet.segment, packet.packet_type) == (
        done.call_id,
        "tool_audit",
        "tool_audit",
    )
    assert packet.tags == (f"tool:{label}", "agent:agent-1", f"status:{status}")
    assert packet.confidence == 1.0
    assert packet.expires_at == packet.created_at + 24 * 3600


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (ToolError("what\nwhere"), "fails: what where"),
        (KeyError("k"), "fails: KeyError: 'k'"),
        (TimeoutError("its own"), "fails: TimeoutError: its own"),
        (ToolError("no such file: \udce4"), "fails: no such file: \\udce4"),
        (ValueError("x" * 900), "fails: ValueError: " + "x" * (500 - len("fails: ValueError: "))),
    ],
)
def test_a_tools_exception_is_a_failure_in_one_line(ledger: Ledger, raised: Exception, error: str) -> None:
    done = registry(ledger, fails(raised)).dispatch("fails", {})
    assert (done.status, done.error) == ("failure", error)
    assert len(ledger.packets) == 1


def test_an_audit_that_breaks_changes_nothing(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    ledger.broken = True
    done = registry(ledger).dispatch("hash", {"data": "x"})
    assert done.status == "success"
    assert done.call_id in caplog.text


def test_without_an_audit_calls_work_the_same() -> None:
    assert registry(None).dispatch("hash", {"data": "x"}).status == "success"


def test_what_callers_name_is_stored_safely_and_shortened(ledger: Ledger) -> None:
    tools = registry(ledger)
    done = tools.dispatch("\x1b[31m" + "x" * 5000, {}, "agent\n\ud800\u202e" + "y" * 5000, "\x00" * 300)
    (packet,) = ledger.packets
    assert len(done.tool_id) <= 100 and done.tool_id.isprintable()
    assert packet.payload["agent_id"].startswith("agent\\n\\ud800\\u202e")
    assert packet.tags[1].isprintable() and len(packet.tags[1]) <= 128


@pytest.mark.parametrize(
    ("asked", "used"), [(-1.0, 0.001), (0.0, 0.001), (5.0, 5.0), (1e9, 60.0), (None, 10.0)]
)
def test_the_timeout_is_held_within_bounds(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, asked: float | None, used: float
) -> None:
    waited: list[float] = []
    tools = registry(ledger)
    start = tools._workers.start

    def spy(run: Any) -> Any:
        call = start(run)
        result = call.result

        def wait(timeout: float) -> Any:
            waited.append(timeout)
            return result(10)

        monkeypatch.setattr(call, "result", wait)
        return call

    monkeypatch.setattr(tools._workers, "start", spy)
    tools.dispatch("hash", {"data": "x"}, timeout=asked)
    assert waited == [used]


def test_calls_at_once_are_each_audited_once(ledger: Ledger, recorded: list[tuple[str, str]]) -> None:
    tools = registry(ledger)
    ids: list[str] = []

    def work() -> None:
        ids.extend(tools.dispatch("hash", {"data": str(n)}).call_id for n in range(25))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 200
    assert sorted(packet.packet_id for packet in ledger.packets) == sorted(ids)
    assert recorded == [("hash", "success")] * 200


class Mine(Arguments):
    n: int = Field(description="count", ge=1, le=9)
    ratio: float | None = Field(None, description="how much", ge=0, le=1)
    flag: bool = Field(False, description="whether")
    kind: Literal["a", "b"] = Field("a", description="which")
    text: str = Field("", description="the text", max_length=3)


def echo(asked: Mine, cancel: Cancel) -> dict[str, Any]:
    return asked.model_dump()


MINE = Tool("mine", "Mine.", Mine, echo)


def test_arguments_that_fit_get_their_defaults(ledger: Ledger) -> None:
    defaults = {"ratio": None, "flag": False, "kind": "a", "text": ""}
    assert registry(ledger, MINE).dispatch("mine", {"n": 9}).result == {"n": 9, **defaults}
    given = {"n": 1, "ratio": 0, "flag": True, "kind": "b", "text": "xyz"}
    assert registry(ledger, MINE).dispatch("mine", given).result == given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "mine: n: missing: count"),
        ({"n": 0}, "mine: n: Input must be greater than or equal to 1"),
        ({"n": True}, "mine: n: Input must be a valid integer"),
        ({"n": 1.0}, "mine: n: Input must be a valid integer"),
        ({"n": 10**5000}, "mine: n: Input must be less than or equal to 9"),
        ({"n": 1, "ratio": float("nan")}, "mine: ratio: Input must be a finite number"),
        ({"n": 1, "flag": 1}, "mine: flag: Input must be a valid boolean"),
        ({"n": 1, "kind": "c"}, "mine: kind: Input must be 'a' or 'b'"),
        ({"n": 1, "text": "long"}, "mine: text: String must have at most 3 characters"),
        ({"n": 1, "text": "\ud800"}, "mine: text: Input must be a valid string"),
        ({"n": 1, "odd": 1}, "mine: 'odd': unknown: this tool takes n, ratio, flag, kind, text"),
    ],
)
def test_arguments_that_do_not_fit_are_named(ledger: Ledger, given: dict[str, Any], message: str) -> None:
    done = registry(ledger, MINE).dispatch("mine", given)
    assert done.status == "failure" and (done.error or "").startswith(message)
    assert "\n" not in (done.error or "") and "pydantic" not in (done.error or "")


def test_a_tool_without_arguments_says_so(ledger: Ledger) -> None:
    done = registry(ledger, fails(ToolError("x"))).dispatch("fails", {"a": 1})
    assert done.error == "fails: 'a': unknown: this tool takes no arguments"


class Counted(Arguments):
    n: int = Field(description="count", ge=1, le=2)


def test_tools_are_listed_with_schema_and_policy() -> None:
    tool = Tool("mine", "Mine.", Counted, lambda a, c: {})
    infos = registry(None, tool, denied=("mine",)).tools()
    assert [info.tool_id for info in infos] == ["hash", "mine", "text-search", "wait"]
    assert infos[1] == ToolInfo(
        "mine",
        "Mine.",
        True,
        {
            "title": "mine",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "n": {"title": "N", "type": "integer", "description": "count", "minimum": 1, "maximum": 2}
            },
            "required": ["n"],
        },
    )


def test_stopping_ends_calls_as_failures_that_are_audited(ledger: Ledger) -> None:
    running = threading.Event()

    def run(arguments: Mapping[str, Any], cancel: Cancel) -> dict[str, Any]:
        running.set()
        cancel.wait(PATIENCE)
        return {}

    tools = registry(ledger, Tool("slow", "Take long.", Arguments, run))
    results: list[ToolResult] = []
    thread = threading.Thread(target=lambda: results.append(tools.dispatch("slow", {}, timeout=PATIENCE)))
    thread.start()
    assert running.wait(PATIENCE)
    assert not tools.settle(0.01)
    tools.stop()
    assert tools.settle(PATIENCE)
    assert [packet.payload["status"] for packet in ledger.packets] == ["failure"]
    thread.join()
    assert results[0].error == "slow: given up: the service is stopping"
    assert tools.dispatch("hash", {"data": ""}).status == "failure"
