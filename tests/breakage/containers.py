"""Faults of containers: gone, ended, frozen, under another name, without memory, with other limits."""

from __future__ import annotations

import socket
import time

from stack.common.wait import NotYet, until
from stack.components import COMPONENTS
from tests.breakage.breakage import Act, Breakage, each
from tests.breakage.hands import (
    FOREIGN,
    api,
    foreign_removed,
    in_volume,
    killed,
    name_of,
    on,
    python_image,
    removed,
    restarted,
    updated,
)
from tests.e2e.stack_command import PORTS, Stack

GONE = "COMPONENT.container: container NAME is gone, though the stack was started with it"
ENDED = "COMPONENT.container: NAME does not run: it ended with exit code N"
AGAIN = "COMPONENT.container: NAME ends ..."
CLOSED = "NAME: its user USER may not use the files of volume VOLUME"
"""Of a data folder."""
MAY_NOT = r"-{0}: its user \S+ may not use the files of volume \S+-{0}-data"
CHANGED = "COMPONENT.container: NAME was changed outside the bundle: ..."
MIB = 1024 * 1024
RUNNING = tuple(c.name for c in COMPONENTS if c.name in (*PORTS, "node_exporter"))
MODE = "import os, sys; os.chmod('/v', int(sys.argv[1], 8))"


def in_state(component: str, *wanted: str, seconds: float = 40) -> Act:
    """Waits until the engine says one of these of the container: its status, its health, or OOMKilled."""

    def act(stack: Stack) -> None:
        def ask() -> None:
            state = api().inspect_container(name_of(stack, component))["State"]
            found = {state["Status"], state.get("Health", {}).get("Status")}
            found |= {"OOMKilled"} if state["OOMKilled"] else set()
            if found.isdisjoint(wanted):
                raise NotYet(f"{component} is {found}")

        until(ask, seconds=seconds)

    return act


def started_again(component: str, times: int, seconds: float = 60) -> Act:
    """Waits until the engine has started it so often: from then on it mostly waits, for twice as long each time."""

    def act(stack: Stack) -> None:
        def ask() -> None:
            found = api().inspect_container(name_of(stack, component))
            if found["RestartCount"] < times or found["State"]["Status"] != "restarting":
                raise NotYet(f"{component}: {found['RestartCount']} times")

        until(ask, seconds=seconds)

    return act


def foreign_container(component: str) -> Act:
    """Somebody else's container under the component's name."""

    def act(stack: Stack) -> None:
        api().create_container(
            python_image(), ["-c", "pass"], name=name_of(stack, component), labels={FOREIGN: "1"}
        )

    return act


_taken: dict[str, socket.socket] = {}


def port_taken(component: str) -> Act:
    """This process listens where the component would."""

    def act(stack: Stack) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", stack.base + PORTS.index(component)))
        listener.listen()
        _taken[stack.name] = listener

    return act


def port_freed(stack: Stack) -> None:
    """It listens no more."""
    if (listener := _taken.pop(stack.name, None)) is not None:
        listener.close()


def renamed(component: str) -> Act:
    """docker rename."""

    def act(stack: Stack) -> None:
        api().rename(name_of(stack, component), f"{name_of(stack, component)}-renamed")

    return act


def untagged(component: str) -> Act:
    """docker rmi -f of the image that the container runs."""

    def act(stack: Stack) -> None:
        image = api().inspect_container(name_of(stack, component))["Config"]["Image"]
        api().remove_image(image, force=True)

    return act


def waited(seconds: float) -> Act:
    """Time passes, where an interval of the products must end."""
    return lambda stack: time.sleep(seconds)


def _missing(component: str) -> Breakage:
    return Breakage(
        f"removed-{component}",
        removed(component),
        rf"{component}\.container: container \S+ is gone, though the stack was started with it",
        "start",
        GONE,
        status=5,
        on="whole" if component == "grafana" else "bare",
    )


def all_of_it(call: str, **options: object) -> Act:
    """A call of the engine about each container of the stack."""

    def act(stack: Stack) -> None:
        for component in stack.inspect():
            getattr(api(), call)(name_of(stack, component), **options)

    return act


ROWS = (
    Breakage(
        "all-stopped",
        all_of_it("stop", timeout=2),
        r"stack \S+ is stopped",
        "start",
        "stack NAME is stopped",
        status=5,
    ),
    Breakage(
        "all-removed",
        all_of_it("remove_container", force=True),
        r"all containers of stack \S+ are gone",
        "start",
        "all containers of stack NAME are gone",
        status=5,
        on="whole",
    ),
    *(_missing(component) for component in RUNNING),
    Breakage(
        "stopped",
        on("alertmanager", "stop", timeout=5),
        r"alertmanager\.container: .*does not run: it ended with exit code",
        "start",
        ENDED,
        status=5,
    ),
    Breakage(
        "killed",
        killed("app"),
        r"app\.container: .*does not run: it ended with exit code 137",
        "start",
        ENDED,
        status=5,
        on="whole",
    ),
    Breakage(
        "paused",
        on("prometheus", "pause"),
        r"prometheus\.container: .*paused",
        "start",
        "COMPONENT.container: NAME is paused",
        status=5,
    ),
    Breakage(
        "frozen-app",
        killed("app", "STOP"),
        r"app\.ready: .*no whole answer within",
        "start",
        "COMPONENT.ready: ...",
    ),
    Breakage(
        "frozen-alertmanager",
        killed("alertmanager", "STOP"),
        r"alertmanager\.ready: .*no whole answer within",
        "start",
        "COMPONENT.ready: ...",
        on="whole",
    ),
    Breakage(
        "unhealthy",
        each(killed("node_exporter", "STOP"), in_state("node_exporter", "unhealthy")),
        r"node_exporter\.container: .*runs, and its health check fails",
        "start",
        "COMPONENT.container: NAME runs, and its health check fails",
        status=5,
        on="whole",
    ),
    Breakage(
        "renamed",
        renamed("alertmanager"),
        r"alertmanager\.container: container \S+ was renamed to \S+-renamed",
        "start",
        "COMPONENT.container: container NAME was renamed to OTHER",
        status=5,
        on="whole",
    ),
    Breakage(
        "restart-loop",
        each(
            in_volume("prometheus", "data", MODE, "000"),
            restarted("prometheus"),
            in_state("prometheus", "restarting", "exited"),
        ),
        r"prometheus\.container: \S+" + MAY_NOT.format("prometheus"),
        r"docker run --rm --user 0 .* 'chown -R .*, then monitoring-stack start",
        f"COMPONENT.container: {CLOSED}",
        start="refuses",
        refusal=MAY_NOT.format("prometheus"),
        refusal_code=5,
        refusal_entry=CLOSED,
        undo=in_volume("prometheus", "data", MODE, "777"),
    ),
    Breakage(
        "out-of-memory",
        each(
            on("app", "stop", timeout=3),
            updated("app", Memory=14 * MIB, MemorySwap=14 * MIB),
            on("app", "start"),
            in_state("app", "OOMKilled"),
            updated("app", RestartPolicy={"Name": "no"}),
            in_state("app", "exited"),
        ),
        r"app\.container: \S+ was killed for memory.*: its limit is 14 MiB",
        "start",
        "COMPONENT.container: NAME was killed for memory",
        status=5,
        on="whole",
    ),
    Breakage(
        "memory-limit",
        updated("prometheus", Memory=700 * MIB, MemorySwap=700 * MIB),
        r"prometheus\.container: \S+ was changed outside the bundle: memory is 700 MiB instead of 768 MiB",
        "start puts it right",
        CHANGED,
    ),
    Breakage(
        "cpu-limit",
        updated("alertmanager", NanoCpus=200_000_000),
        r"alertmanager\.container: \S+ was changed outside the bundle: CPUs are 0.2 instead of ",
        "start puts it right",
        CHANGED,
        on="whole",
    ),
    Breakage(
        "pids-limit",
        updated("app", PidsLimit=99),
        r"app\.container: \S+ was changed outside the bundle: processes are 99 instead of ",
        "start puts it right",
        CHANGED,
    ),
    Breakage(
        "restart-policy",
        updated("node_exporter", RestartPolicy={"Name": "no", "MaximumRetryCount": 0}),
        r"node_exporter\.container: \S+ was changed outside the bundle: restart policy is no instead of unless-stopped",
        "start puts it right",
        CHANGED,
    ),
    Breakage(
        "port-taken",
        each(on("alertmanager", "stop", timeout=5), port_taken("alertmanager")),
        r"alertmanager\.container: .*does not run: it ended with exit code",
        "start",
        ENDED,
        status=5,
        start="refuses",
        refusal=r"alertmanager: port 127\.0\.0\.1:\d+ is taken",
        refusal_code=5,
        refusal_entry="COMPONENT: port ADDRESS is taken",
        undo=port_freed,
    ),
    Breakage(
        "foreign-container",
        each(removed("node_exporter"), foreign_container("node_exporter")),
        r"node_exporter\.container: .*is gone",
        "",
        GONE,
        status=5,
        start="refuses",
        refusal=r"container \S+-node-exporter exists and is not ours",
        refusal_code=5,
        refusal_entry="container NAME exists and is not ours",
        undo=foreign_removed("{}-node-exporter"),
    ),
    Breakage(
        "image-removed",
        untagged("node_exporter"),
        on="whole",
    ),
)
