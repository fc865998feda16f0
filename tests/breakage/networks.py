"""Faults of the stack's network: a container off it, the network gone, made anew, or without the names."""

from __future__ import annotations

from tests.breakage.breakage import Act, Breakage, Kind
from tests.breakage.hands import (
    FOREIGN,
    api,
    detached,
    foreign_removed,
    forwarder_killed,
    network_made,
    network_removed,
    python_image,
)
from tests.e2e.stack_command import Stack

OFF = r" \S+ is not connected to network"
ENTRY = "COMPONENT.container: NAME is not connected to network NETWORK"


def _detached(component: str, kind: Kind) -> Breakage:
    return Breakage(
        f"detached-{component}",
        detached(component),
        rf"{component}\.container:{OFF}",
        "start",
        ENTRY,
        on=kind,
    )


def namesake(name: str) -> Act:
    """Somebody's container on the stack's network, known there by the name of one of its services."""

    def act(stack: Stack) -> None:
        ends = api().create_networking_config({stack.name: api().create_endpoint_config(aliases=[name])})
        made = api().create_container(
            python_image(),
            ["-c", "import time; time.sleep(600)"],
            entrypoint=["python3"],
            name=f"{stack.name}-namesake",
            labels={FOREIGN: "1"},
            networking_config=ends,
        )
        api().start(made["Id"])

    return act


ROWS = (
    Breakage(
        "namesake-on-the-network",
        namesake("alertmanager"),
        r"alertmanager\.container: \S+-namesake, which is none of this stack, is known as alertmanager on network",
        r"docker network disconnect \S+ \S+-namesake",
        "COMPONENT.container: NAME, which is none of this stack, is known as NAME on network NETWORK, too",
        status=5,
        start="refuses",
        refusal=r"alertmanager: \S+-namesake, which is none of this stack, is known as alertmanager on network",
        refusal_code=5,
        undo=foreign_removed("{}-namesake"),
    ),
    _detached("app", "bare"),
    _detached("alertmanager", "whole"),
    _detached("prometheus", "bare"),
    _detached("node_exporter", "whole"),
    Breakage(
        "port-not-forwarded",
        forwarder_killed("prometheus"),
        r"prometheus\.container: the engine no longer forwards 127\.0\.0\.1:\d+ to \S+, which is healthy",
        "start restarts it",
        "COMPONENT.container: the engine no longer forwards ADDRESS to NAME, which is healthy",
    ),
    Breakage(
        "network-removed",
        network_removed,
        r"\.container: network \S+ is gone, \S+ cannot be reached",
        "start",
        "COMPONENT.container: network NETWORK is gone, NAME cannot be reached",
        on="whole",
    ),
    Breakage("network-made-anew", network_made(labelled=True), rf"\.container:{OFF}", "start", ENTRY),
    Breakage(
        "foreign-network",
        network_made(labelled=False),
        r"\.container: network \S+ is gone, \S+ cannot be reached",
        "",
        "COMPONENT.container: network NETWORK is gone, NAME cannot be reached",
        start="refuses",
        refusal=r"network \S+ exists and is not ours",
        refusal_code=5,
        refusal_entry="network NAME exists and is not ours",
        undo=foreign_removed("{}"),
    ),
)
