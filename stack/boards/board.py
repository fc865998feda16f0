"""A dashboard that is ready to be kept. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

UID_LENGTH = 40


class Board(Struct, frozen=True):
    """A dashboard ready to be kept: its model, and what is to be known of it."""

    model: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def uid(self) -> str:
        """By which it is known."""
        return str(self.model["uid"])

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.model["title"])

    def text(self) -> str:
        """The file."""
        return json.dumps(self.model, indent=2, ensure_ascii=False) + "\n"


def slug(text: str) -> str:
    """A name of a-z, 0-9 and - that Grafana takes as a uid."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:UID_LENGTH].strip("-") or "dashboard"
