"""``/tools``: the registry's tools and their execution. The registry audits every call, whatever becomes of it."""

from __future__ import annotations

from typing import Final

from anyio import CapacityLimiter
from fastapi import APIRouter

from stack.app.http.models import ToolAnswer, ToolList, ToolRequest
from stack.app.http.wiring import Context, offload

router = APIRouter(prefix="/tools", tags=["tools"])
AT_ONCE: Final = 32
"""Tool calls that run at the same time; more wait, and other addresses keep threads of their own."""


@router.get("")
async def list_tools(context: Context) -> ToolList:
    """The tools, and whether the policy denies them."""
    return ToolList(tools=context.tool_list())


@router.post("/execute")
async def execute(asked: ToolRequest, context: Context) -> ToolAnswer:
    """Runs one tool. A tool that is unknown or denied, fails or takes too long is an answer, not an error."""
    result = await offload(
        lambda: context.tools.dispatch(
            asked.tool_id, asked.arguments, asked.agent_id, asked.task_id, asked.timeout_ms / 1000
        ),
        context.limiter("tools", lambda: CapacityLimiter(AT_ONCE)),
    )
    return ToolAnswer(
        call_id=result.call_id,
        tool_id=result.tool_id,
        status=result.status,
        duration_ms=result.duration_ms,
        result=result.result,
        error=result.error,
    )
