"""The shapes of requests and answers: what OpenAPI shows is what is enforced.

Requests are strict (no coercion, no unknown member) except the webhook's, whose sender may add members. Data only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from stack.app.alerts import AlertIn, AlertOut, AlertStatus
from stack.app.faults import FaultView
from stack.app.ingest.pipeline import IngestedEntry
from stack.app.jsontext import json_text
from stack.app.tools.registry import ToolInfo

T = TypeVar("T", bound=Mapping[str, Any])
Segment = Literal["governance_meta", "project_history", "tool_audit", "session_context"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:@/-]{1,100}$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]


def _whole(value: Any) -> Any:
    """JSON Schema calls 5.0 an integer, and so do we."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _showable(value: T) -> T:
    json_text(value)
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Object = Annotated[dict[str, Any], AfterValidator(_showable)]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


# What a gate judges. Unlike pydantic's str it may hold a lone surrogate, for which the gates have codes of their own;
# its length is the body's limit to bound, and the gate's.
Judged = Annotated[Any, AfterValidator(_text), WithJsonSchema({"type": "string"})]


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class UrlRequest(_Request):
    """A URL that somebody wants to fetch."""

    url: Judged = Field(examples=["https://example.com/report.zip"])


class PathRequest(_Request):
    """A relative path, and the names that already exist beside it."""

    path: Judged = Field(examples=["reports/2026/summary.txt"])
    siblings: list[Judged] = Field(default=[], max_length=10_000)


class ConfigRequest(_Request):
    """A policy document as YAML text."""

    document: Judged = Field(examples=["url:\n  allowed_ports: [80, 443]\n"])


class Decision(BaseModel):
    """What a gate decided. ``value`` is the normalised input of an acceptance, ``detail`` the hint of a rejection."""

    gate: str
    outcome: Literal["ok", "reject"]
    error_code: str | None
    value: Any
    detail: str | None
    duration_ms: float


class ToolRequest(_Request):
    """One call of a tool."""

    tool_id: str = Field(min_length=1, max_length=128, examples=["hash"])
    arguments: Object = Field(examples=[{"data": "abc"}], default={})
    agent_id: Name = "anonymous"
    task_id: Name = "none"
    timeout_ms: Whole = Field(default=5000, ge=1, le=60_000)


class ToolList(BaseModel):
    """The tools that can be called."""

    tools: list[ToolInfo]


class PacketRequest(_Request):
    """A packet to remember. ``expected_latest`` is the ``latest`` that the writer read; null means an empty segment."""

    packet_type: Word = "note"
    payload: dict[str, Any]
    tags: list[Name] = Field(default=[], max_length=32)
    confidence: float = Field(default=1.0, ge=0, le=1)
    ttl_seconds: float | None = Field(default=None, ge=1, le=315_360_000)
    expected_latest: Name | None = None


class PacketAnswer(BaseModel):
    """A packet as it is held. Times are Unix seconds."""

    model_config = ConfigDict(from_attributes=True)

    packet_id: str
    segment: Segment
    packet_type: str
    payload: dict[str, Any]
    tags: list[str]
    confidence: float
    created_at: float
    expires_at: float | None


class PacketList(BaseModel):
    """Packets found, newest first, and the segment's latest packet id."""

    segment: Segment
    search_type: Literal["keyword", "recent"]
    latest: str | None
    packets: list[PacketAnswer]


class IngestAnswer(BaseModel):
    """A whole archive, accepted by six gates and stored."""

    ingest_id: str
    source_url: str
    digest: str = Field(description="Digest of the manifest in the content store, which lists every entry.")
    entries: list[IngestedEntry]
    entries_left_out: int = Field(0, description="Entries that did not fit this answer.")
    total_bytes: int


class Webhook(BaseModel):
    """The webhook payload of Alertmanager, version 4, or of Grafana, version 1; members not named here are ignored."""

    model_config = ConfigDict(strict=True)

    version: Literal["4", "1"] = "4"
    status: AlertStatus
    alerts: list[AlertIn]


class AlertList(BaseModel):
    """Alerts received, newest first."""

    alerts: list[AlertOut]


class Received(BaseModel):
    """How many alerts of a notification were taken, and how many were too many for one."""

    received: int
    left_out: int = Field(
        0, description="Alerts beyond 2,000: set max_alerts of the receiver in Alertmanager."
    )


class FaultRequest(_Request):
    """Switches a fault; ``seconds`` switches it off again by itself."""

    state: Literal["on", "off"]
    seconds: float | None = Field(default=None, ge=0.1, le=86_400)


class FaultList(BaseModel):
    """All fault switches."""

    faults: list[FaultView]
