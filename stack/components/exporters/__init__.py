"""Exporters: each watches one server that a file in ``own/exporters/`` names; ``EXPORTERS`` are their components."""

from __future__ import annotations

from stack.components.exporters.kinds import KINDS
from stack.components.manifest import Component

EXPORTERS: tuple[Component, ...] = tuple(kind.component for kind in KINDS)
