"""The packet: the one immutable unit that the memory substrate stores.

A packet checks its own limits when it is made, so whatever reaches a store is storable in every database. It
must never know where it is stored.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stack.app.clock import CLOCK
from stack.app.jsontext import json_text
from stack.telemetry.catalogue import SEGMENTS

MAX_PAYLOAD_BYTES = 64 * 1024
MAX_TAGS = 32
MAX_NAME = 128
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class InvalidPacket(ValueError):
    """A packet breaks one of the limits of this module; nothing was sent to a store."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. Times are Unix seconds; `expires_at` None: it is kept; `confidence` is within 0 and 1.

    `payload` is a JSON object of at most 64 KiB; `body` is its text, made once. Equal ids mean the same
    packet: a store keeps the first. Raises InvalidPacket.
    """

    packet_id: str
    segment: str
    packet_type: str
    payload: Mapping[str, Any]
    tags: tuple[str, ...]
    confidence: float
    created_at: float
    expires_at: float | None
    body: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.segment not in SEGMENTS:
            raise InvalidPacket(f"segment: must be one of {', '.join(SEGMENTS)}, got {self.segment[:40]!r}")
        if len(self.tags) > MAX_TAGS:
            raise InvalidPacket(f"tags: at most {MAX_TAGS}, got {len(self.tags)}")
        _check_name("packet_id", self.packet_id)
        _check_name("packet_type", self.packet_type)
        for tag in self.tags:
            _check_name("tags", tag)
        _check_numbers(self)
        object.__setattr__(self, "body", _body(self.payload))

    def to_json(self) -> str:
        """One line of JSON that `from_json` turns back into an equal packet."""
        head = _encode(
            {
                "packet_id": self.packet_id,
                "segment": self.segment,
                "packet_type": self.packet_type,
                "tags": self.tags,
                "confidence": self.confidence,
                "created_at": self.created_at,
                "expires_at": self.expires_at,
            }
        )
        return f'{head[:-1]},"payload":{self.body}}}'

    @classmethod
    def from_json(cls, line: str | bytes) -> Packet:
        """The packet that `to_json` wrote. Raises InvalidPacket."""
        try:
            fields = json.loads(line)
            return cls(**{**fields, "tags": tuple(fields["tags"])})
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidPacket(f"packet: not a stored packet: {error}") from error


def new_packet(
    segment: str,
    packet_type: str,
    payload: Mapping[str, Any],
    *,
    tags: Iterable[str] = (),
    confidence: float = 1.0,
    ttl: float | None = None,
    packet_id: str | None = None,
    clock: Callable[[], float] = CLOCK,
) -> Packet:
    """A packet made now, which expires `ttl` seconds from now if given. Raises InvalidPacket."""
    now = clock()
    return Packet(
        packet_id=packet_id or uuid.uuid4().hex,
        segment=segment,
        packet_type=packet_type,
        payload=payload,
        tags=tuple(tags),
        confidence=confidence,
        created_at=now,
        expires_at=None if ttl is None else now + ttl,
    )


def _check_name(name: str, text: str) -> None:
    if not 1 <= len(text) <= MAX_NAME or not text.isprintable():
        raise InvalidPacket(f"{name}: must be 1 to {MAX_NAME} printable characters, got {text[:40]!r}")


def _check_numbers(packet: Packet) -> None:
    if not 0 <= packet.confidence <= 1:
        raise InvalidPacket(f"confidence: must be within 0 and 1, got {packet.confidence}")
    if not math.isfinite(packet.created_at):
        raise InvalidPacket(f"created_at: must be a finite time, got {packet.created_at}")
    if packet.expires_at is not None and not packet.created_at < packet.expires_at < math.inf:
        raise InvalidPacket(f"expires_at: must be a finite time after created_at, got {packet.expires_at}")


def _body(payload: Mapping[str, Any]) -> str:
    try:
        text = json_text(payload)
    except ValueError as error:
        raise InvalidPacket(f"payload: not a JSON object: {error}") from error
    if len(text) > MAX_PAYLOAD_BYTES:
        raise InvalidPacket(f"payload: at most {MAX_PAYLOAD_BYTES} bytes as JSON, got {len(text)}")
    return text
