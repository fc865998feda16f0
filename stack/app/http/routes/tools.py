"""``/tools``: the registry's tools and their execution. The registry audits every call, whatever becomes of it."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from stack.app.http.models import ToolAnswer, ToolList, ToolRequest
from stack.app.http.wiring import Context, ToolThreads, offload

router = APIRouter(prefix="/tools", tags=["tools"])


@router.get("")
async def list_tools(context: Context) -> ToolList:
    """The tools, and whether the policy denies them."""
    return ToolList(tools=[asdict(tool) for tool in context.tools.tools()])


@router.post("/execute")
async def execute(asked: ToolRequest, context: Context, threads: ToolThreads) -> ToolAnswer:
    """Runs one tool. A tool that is unknown or denied, fails or takes too long is an answer, not an error."""
    result = await offload(
        lambda: context.tools.dispatch(
            asked.tool_id, asked.arguments, asked.agent_id, asked.task_id, asked.timeout_ms / 1000
        ),
        threads,
    )
    return ToolAnswer(**asdict(result))
