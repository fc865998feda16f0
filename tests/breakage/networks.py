"""Faults of the stack's network: a container off it, the network gone, made anew, or without the names."""

from __future__ import annotations

from tests.breakage.breakage import Breakage, Kind, each
from tests.breakage.hands import attached, detached, foreign_removed, network_made, network_removed

OFF = r".*(detached|not on|not attached|no network|off) .*network"
ENTRY = "COMPONENT.container: container NAME is not on network NAME"


def _detached(component: str, kind: Kind) -> Breakage:
    return Breakage(
        f"detached-{component}",
        detached(component),
        rf"{component}\.container:{OFF}",
        "start",
        ENTRY,
        on=kind,
    )


ROWS = (
    _detached("app", "bare"),
    _detached("alertmanager", "whole"),
    _detached("prometheus", "bare"),
    _detached("node_exporter", "whole"),
    Breakage(
        "network-removed",
        network_removed,
        rf"network \S+ is (missing|gone)|{OFF}",
        "start",
        "network NAME is missing",
        on="whole",
    ),
    Breakage("network-made-anew", network_made(labelled=True), rf"\.container:{OFF}", "start", ENTRY),
    Breakage(
        "foreign-network",
        network_made(labelled=False),
        rf"network \S+ .*(missing|not ours|somebody)|{OFF}",
        "",
        "network NAME exists and is not ours",
        start="refuses",
        refusal=r"network \S+ exists and is not ours",
        refusal_code=5,
        undo=foreign_removed("{}"),
    ),
    Breakage(
        "alias-lost",
        each(detached("alertmanager"), attached("alertmanager")),
        r"alertmanager\.container: .*(alias|name)",
        "start",
        ENTRY,
    ),
)
