"""Tool calls as the load generator makes them: every shipped tool, and every way in which a call can end.

The calls go through a registry like the application's own, over the same gates, audit and metrics; only names resolve
through the generator's table, and a second registry denies everything, as a policy would.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from stack.app.gates.policy import ToolsPolicy
from stack.app.load import archives, inputs
from stack.app.load.operations import POOL, Targets, Unexpected
from stack.app.tools.builtin import shipped_tools
from stack.app.tools.registry import Audit, ToolRegistry
from stack.telemetry.catalogue import TOOLS, UNKNOWN_TOOL

AGENTS: Final = ("researcher", "librarian", "auditor")
SHORT_SECONDS: Final = 0.01
LONG_SECONDS: Final = 1.0


def tool_operations(on: Targets, audit: Audit) -> dict[str, Callable[[], None]]:
    """Operations of the tools, by kind."""
    tools = shipped_tools(on.gates.with_resolver(inputs.resolve), scratch=on.scratch)
    free = ToolRegistry(tools, ToolsPolicy(), audit)
    strict = ToolRegistry(tools, ToolsPolicy(denied=TOOLS), audit)
    call = partial(_call, on, free)
    encoded = [base64.b64encode(archives.ordinary(on.random)).decode() for _ in range(POOL)]
    return {
        "tool-hash": lambda: call("hash", {"data": archives.text(on.random, 100).decode()}),
        "tool-text-search": lambda: call(
            "text-search", {"text": archives.text(on.random, 200).decode(), "query": "gate"}
        ),
        "tool-archive-inspect": lambda: call("archive-inspect", {"data": on.random.choice(encoded)}),
        "tool-fetch-check": lambda: call("fetch-check", {"url": on.random.choice(inputs.URLS["url"])}),
        "tool-wait": lambda: call("wait", {"seconds": on.random.choice((0.001, 0.005, 0.02))}),
        "tool-failure": lambda: call("hash", {"data": "no base64!", "encoding": "base64"}, "failure"),
        "tool-denied": lambda: _call(on, strict, "fetch-check", {"url": "https://example.com/"}, "denied"),
        "tool-timeout": lambda: call("wait", {"seconds": LONG_SECONDS}, "timeout"),
        "tool-unknown": lambda: call(UNKNOWN_TOOL, {}, "failure"),
    }


def _call(
    on: Targets, registry: ToolRegistry, tool_id: str, arguments: Mapping[str, Any], status: str = "success"
) -> None:
    agent, task = on.random.choice(AGENTS), f"task-{on.random.randrange(100)}"
    timeout = SHORT_SECONDS if status == "timeout" else None
    done = registry.dispatch(tool_id, arguments, agent, task, timeout)
    if done.status != status:
        raise Unexpected(f"{tool_id}: {status} was asked for, {done.status} came: {done.error}")
