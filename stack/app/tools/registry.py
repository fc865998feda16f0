"""The tool registry: one way to call a tool, governed, timed, measured and audited.

Every dispatch ends in one result, one metric record and one audit packet, whatever the tool does. Neither the
metrics nor the audit can change or delay the result, and no exception leaves `dispatch`.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from stack.app.gates.policy import ToolsPolicy
from stack.app.gates.types import shown
from stack.app.memory.packet import Packet, new_packet
from stack.app.tools.workers import Cancel, Overdue, Stopped, Workers
from stack.telemetry import recorders
from stack.telemetry.catalogue import TOOLS, UNKNOWN_TOOL

DEFAULT_TIMEOUT_S = 10.0
MAX_TIMEOUT_S = 60.0
MIN_TIMEOUT_S = 0.001
AUDIT_TTL_S = 24 * 3600.0
_NAME_CHARACTERS = 100
_ERROR_CHARACTERS = 500

_log = logging.getLogger(__name__)


Status = Literal["success", "failure", "denied", "timeout"]


class ToolError(Exception):
    """A tool could not do what was asked; its message is the result's `error`, one line."""


class Arguments(BaseModel):
    """What a tool takes; nothing passes that a field does not bound."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool. `run` gets its checked `arguments`, heeds `Cancel` in whatever takes long, and returns a JSON object."""

    tool_id: str
    summary: str
    arguments: type[Arguments]
    run: Callable[[Any, Cancel], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ToolInfo:
    """What is shown of a tool; `parameters` is a JSON Schema (2020-12) of its arguments."""

    tool_id: str
    summary: str
    denied: bool
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """How a call ended: success (with `result`), failure, denied or timeout (with `error`)."""

    call_id: str
    tool_id: str
    status: Status
    duration_ms: float
    result: dict[str, Any] | None
    error: str | None


class Audit(Protocol):
    """Where audit packets go."""

    def submit(self, packet: Packet, /) -> bool:
        """Take a packet, without waiting for any store."""


class ToolRegistry:
    """The tools that may be called under `policy`; each call's packet goes to `audit` (None: nowhere)."""

    def __init__(
        self,
        tools: Iterable[Tool],
        policy: ToolsPolicy,
        audit: Audit | None,
        *,
        workers: Workers | None = None,
    ) -> None:
        self._tools = {tool.tool_id: tool for tool in tools}
        self._denied = frozenset(policy.denied)
        self._audit = audit
        self._workers = workers or Workers()
        self._under_way = 0
        self._changed = threading.Condition()
        for tool_id in self._tools.keys() - set(TOOLS):
            recorders.register_tool(tool_id)

    def tools(self) -> tuple[ToolInfo, ...]:
        """Every registered tool, by name."""
        return tuple(_info(tool, tool_id in self._denied) for tool_id, tool in sorted(self._tools.items()))

    def dispatch(
        self,
        tool_id: str,
        arguments: Mapping[str, Any],
        agent_id: str = "",
        task_id: str = "",
        timeout: float | None = None,
    ) -> ToolResult:
        """Call a tool and wait at most `timeout` seconds (held within 1 ms and 60 s; None: 10 s). Never raises."""
        with self._changed:
            self._under_way += 1
        try:
            return self._dispatch(tool_id, arguments, (agent_id, task_id), timeout)
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def stop(self) -> None:
        """End every call under way, and each that still comes, as a failure. Returns at once."""
        self._workers.stop()

    def settle(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until no call is under way, so that every audit is submitted."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, timeout)

    def _dispatch(
        self, tool_id: str, arguments: Mapping[str, Any], asker: tuple[str, str], timeout: float | None
    ) -> ToolResult:
        started = time.perf_counter()
        status, result, error = self._outcome(tool_id, arguments, _seconds(timeout))
        duration_ms = (time.perf_counter() - started) * 1000
        known = tool_id in self._tools
        done = ToolResult(uuid.uuid4().hex, _name(tool_id), status, duration_ms, result, error)
        recorders.record_tool_invocation(tool_id if known else UNKNOWN_TOOL, status, duration_ms)
        if self._audit is not None:
            try:
                self._audit.submit(_packet(done, known, *map(_name, asker)))
            except Exception:
                _log.exception("audit of call %s failed", done.call_id)
        return done

    def _outcome(
        self, tool_id: str, arguments: Mapping[str, Any], timeout: float
    ) -> tuple[Status, dict[str, Any] | None, str | None]:
        tool = self._tools.get(tool_id)
        if tool_id in self._denied:
            return "denied", None, f"{_name(tool_id)}: denied by policy: see tools.denied"
        if tool is None:
            return (
                "failure",
                None,
                f"{_name(tool_id)}: unknown tool: use one of {', '.join(sorted(self._tools))}",
            )
        try:
            values, run = _checked(tool, arguments), tool.run
            return "success", self._workers.start(lambda cancel: run(values, cancel)).result(timeout), None
        except Overdue:
            return (
                "timeout",
                None,
                f"{tool_id}: no result within {timeout:g} s: allow more time or ask for less",
            )
        except (ToolError, Stopped) as error:
            return "failure", None, _line(f"{tool_id}: {error}")
        except Exception as error:
            return "failure", None, _line(f"{tool_id}: {type(error).__name__}: {error}")


def _packet(done: ToolResult, known: bool, agent_id: str, task_id: str) -> Packet:
    label = done.tool_id if known else UNKNOWN_TOOL
    return new_packet(
        "tool_audit",
        "tool_audit",
        {
            "call_id": done.call_id,
            "tool_id": done.tool_id,
            "agent_id": agent_id,
            "task_id": task_id,
            "status": done.status,
            "duration_ms": round(done.duration_ms, 3),
            "error": done.error,
        },
        tags=(f"tool:{label}", f"agent:{agent_id}", f"status:{done.status}"),
        ttl=AUDIT_TTL_S,
        packet_id=done.call_id,
    )


def _info(tool: Tool, denied: bool) -> ToolInfo:
    schema = tool.arguments.model_json_schema() | {"title": tool.tool_id}
    return ToolInfo(tool.tool_id, tool.summary, denied, schema)


def _checked(tool: Tool, given: Mapping[str, Any]) -> Arguments:
    """The arguments with defaults filled in. Raises ToolError that names the first that does not fit."""
    try:
        return tool.arguments.model_validate(given)
    except ValidationError as faults:
        fault = faults.errors(include_url=False, include_context=False, include_input=False)[0]
    name = ".".join(map(str, fault["loc"]))
    known = tool.arguments.model_fields
    if fault["type"] == "missing":
        raise ToolError(f"{name}: missing: {known[name].description}")
    if fault["type"] == "extra_forbidden":
        raise ToolError(f"{name[:40]!r}: unknown: this tool takes {', '.join(known) or 'no arguments'}")
    raise ToolError(f"{name}: {fault['msg'].replace(' should ', ' must ')}")


def _seconds(timeout: float | None) -> float:
    return DEFAULT_TIMEOUT_S if timeout is None else min(max(timeout, MIN_TIMEOUT_S), MAX_TIMEOUT_S)


def _name(text: str) -> str:
    """A caller's name for something, safe to store, log and show."""
    return shown(text)[:_NAME_CHARACTERS]


def _line(text: str) -> str:
    """On one line; what is no Unicode is escaped, since neither an answer nor an audit can hold it."""
    shown = text.encode("utf-8", "backslashreplace").decode()
    return " ".join(shown.split())[:_ERROR_CHARACTERS]
