"""``/alerts``: the webhook for Alertmanager and Grafana, and what has come in through it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from stack.app.alerts import AlertStatus
from stack.app.http.bodies import BodyRoute
from stack.app.http.models import AlertList, Received, Webhook
from stack.app.http.wiring import ALERTS_IN_TURN, Context, InLanes, page

router = APIRouter(prefix="/alerts", tags=["alerts"], route_class=BodyRoute)
LabelFilter = Annotated[str, StringConstraints(pattern=r"^[^=]+=", max_length=2000)]


@router.post("", response_model_exclude_defaults=True)
async def receive(notification: Webhook, context: Context, lanes: InLanes) -> Received:
    """Takes one notification: Alertmanager's webhook payload, version 4, or that of Grafana's alerting, version 1."""
    received = await lanes.alerts.run(lambda: context.alerts.receive(notification.alerts))
    return Received(received=received, left_out=len(notification.alerts) - received)


@router.get("", dependencies=ALERTS_IN_TURN)
async def show(
    context: Context,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    status: AlertStatus | None = None,
    alertname: Annotated[str | None, Query(max_length=1000)] = None,
    label: Annotated[
        list[LabelFilter] | None, Query(description="name=value, may be repeated; all must hold.")
    ] = None,
) -> AlertList:
    """The alerts received, newest first; as many as fit a page."""
    labels = dict(text.split("=", 1) for text in label or ())
    if alertname is not None:
        labels["alertname"] = alertname
    found, _ = page(context.alerts.newest(limit, status, labels), lambda alert: alert.size)
    return AlertList(alerts=found)
