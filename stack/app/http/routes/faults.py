"""``/faults``: the switches of drills; as good as absent (404) unless the setting ``faults`` is on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from stack.app.faults import FAULTS, FaultView
from stack.app.http.bodies import BodyRoute
from stack.app.http.models import FaultList, FaultRequest
from stack.app.http.problems import Problem
from stack.app.http.wiring import Context

router = APIRouter(prefix="/faults", tags=["faults"], route_class=BodyRoute)


def _enabled(context: Context) -> None:
    if not context.faults.enabled:
        raise Problem(404, "faults are not enabled: start the application with --faults on")


@router.get("")
async def show(context: Context) -> FaultList:
    """All switches and how they stand."""
    _enabled(context)
    return FaultList(faults=[context.faults.view(name) for name in FAULTS])


@router.post("/{name}")
async def switch(
    name: Annotated[str, Path(max_length=100)], asked: FaultRequest, context: Context
) -> FaultView:
    """Throws one switch."""
    _enabled(context)
    try:
        return context.faults.switch(name, asked.state == "on", asked.seconds)
    except KeyError:
        raise Problem(404, f"no fault has that name: use one of {', '.join(FAULTS)}") from None
