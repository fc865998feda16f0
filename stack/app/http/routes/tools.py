"""``/tools``: the registry's tools and their execution. The registry audits every call, whatever becomes of it."""

from __future__ import annotations

from time import monotonic
from typing import Final

from fastapi import APIRouter, Request

from stack.app.http.bodies import BodyRoute
from stack.app.http.models import ToolList, ToolRequest
from stack.app.http.wiring import Context, InLanes
from stack.app.tools.registry import ToolResult

ANSWER_SECONDS: Final = 1.0
"""What a call leaves of its request's time, so that it is answered and not cut off."""
router = APIRouter(prefix="/tools", tags=["tools"], route_class=BodyRoute)


@router.get("")
async def list_tools(context: Context) -> ToolList:
    """The tools, and whether the policy denies them."""
    return ToolList(tools=list(context.tools.tools()))


@router.post("/execute")
async def execute(asked: ToolRequest, request: Request, context: Context, lanes: InLanes) -> ToolResult:
    """Runs one tool. A tool that is unknown or denied, fails or takes too long is an answer, not an error."""
    ends = request.state.ends - min(ANSWER_SECONDS, context.settings.request_timeout / 10)

    def dispatch() -> ToolResult:
        seconds = min(asked.timeout_ms / 1000, ends - monotonic())
        return context.tools.dispatch(asked.tool_id, asked.arguments, asked.agent_id, asked.task_id, seconds)

    return await lanes.tools.run(dispatch)
