"""All rows, quick ones first where their order is free; each stack goes through its own in this order."""

from __future__ import annotations

from tests.breakage import (
    alerting,
    configuration,
    containers,
    dashboards,
    data,
    machine,
    networks,
    state,
    targets,
    volumes,
)
from tests.breakage.breakage import Breakage, Kind

ALL: tuple[Breakage, ...] = (
    *state.ROWS,
    *containers.ROWS,
    *networks.ROWS,
    *volumes.ROWS,
    *alerting.ROWS,
    *configuration.ROWS,
    *dashboards.ROWS,
    *targets.ROWS,
    *data.ROWS,
    *machine.ROWS,
)
BY_NAME = {row.name: row for row in ALL}


def of_kind(kind: Kind) -> tuple[Breakage, ...]:
    """The rows of one stack."""
    return tuple(row for row in ALL if row.on == kind)
