"""Faults of what the products keep: a store that is corrupt, locked, closed, cut short or full; a garbled log."""

from __future__ import annotations

import time

from docker.errors import NotFound

from stack.common.wait import NotYet, until
from tests.breakage.breakage import Act, Breakage, each
from tests.breakage.containers import CLOSED, MAY_NOT, in_state, started_again
from tests.breakage.hands import (
    FOREIGN,
    api,
    foreign_removed,
    in_volume,
    name_of,
    on,
    python_image,
    removed,
    restarted,
    volume_of,
)
from tests.e2e.stack_command import Stack

STORE = r"app\.health: the application is degraded: packet_store.*"
STORE_ENTRY = "app.health: the application is degraded: PART: REASON"
GARBLE = """
import os
for name in os.listdir('/v'):
    if name.startswith('packets.db'):
        with open('/v/' + name, 'r+b') as file:
            file.seek(0); file.write(b'not a database at all' * 800)
"""
CUT = """
import os
os.truncate('/v/packets.db', 4096 + 17)
for name in ('packets.db-wal', 'packets.db-shm'):
    if os.path.exists('/v/' + name): os.truncate('/v/' + name, 0)
"""
CLOSE = """
import os
for name in os.listdir('/v'):
    if name.startswith('packets.db'): os.chmod('/v/' + name, 0o444); os.chown('/v/' + name, 0, 0)
os.chmod('/v', 0o555); os.chown('/v', 0, 0)
"""
OPEN = """
import os
os.chown('/v', 65534, 65534); os.chmod('/v', 0o755)
for name in os.listdir('/v'):
    if name.startswith('packets.db'): os.chown('/v/' + name, 65534, 65534); os.chmod('/v/' + name, 0o644)
"""
AWAY = """
import os
for name in os.listdir('/v'):
    if name.startswith('packets.db'): os.remove('/v/' + name)
"""
LOCK = """
import sqlite3, time
held = sqlite3.connect('/v/packets.db', isolation_level=None)
held.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); time.sleep(600)
"""
FILL = """
try:
    with open('/v/filler', 'wb') as file:
        while True: file.write(bytes(65536)); file.flush()
except OSError: pass
"""
EMPTY = "import os; os.remove('/v/filler')"
WAL = """
import os
for folder, _, names in os.walk('/v/wal'):
    for name in names:
        with open(os.path.join(folder, name), 'r+b') as file: file.write(b'garbage' * 64)
"""
MODE = "import os, sys; os.chmod('/v', int(sys.argv[1], 8))"


def locked(stack: Stack) -> None:
    """A program in another container holds the database for itself."""
    name = f"{FOREIGN}-{stack.name}-locker"
    api().create_container(
        python_image(),
        ["-c", LOCK],
        entrypoint=["python3"],
        name=name,
        user="0",
        labels={FOREIGN: "1"},
        host_config=api().create_host_config(binds=[f"{volume_of(stack, 'app', 'data')}:/v"]),
    )
    api().start(name)

    def holds() -> None:
        if b"locked" not in api().logs(name):
            raise NotYet("not yet locked")

    until(holds, seconds=20)


def unlocked(stack: Stack) -> None:
    """That program has ended."""
    try:
        api().remove_container(f"{FOREIGN}-{stack.name}-locker", force=True)
    except NotFound:
        return


def small(component: str, kind: str, megabytes: int, owner: int = 65534) -> Act:
    """The component's data volume is a file system of so many MiB; its container is made anew by the next start."""

    def act(stack: Stack) -> None:
        name = volume_of(stack, component, kind)
        labels = api().inspect_volume(name)["Labels"]
        removed(component)(stack)
        api().remove_volume(name)
        options = {
            "type": "tmpfs",
            "device": "tmpfs",
            "o": f"size={megabytes}m,uid={owner},gid={owner},mode=755",
        }
        api().create_volume(name, driver="local", driver_opts=options, labels=labels)
        kept(stack, name)
        stack.ok("start", "--no-smoke")

    return act


def kept(stack: Stack, volume: str) -> None:
    """A program that does nothing holds the volume: what is on a tmpfs goes with its last user."""
    made = api().create_container(
        python_image(),
        ["-c", "import time; time.sleep(900)"],
        entrypoint=["python3"],
        name=f"{FOREIGN}-{stack.name}-keeper",
        labels={FOREIGN: "1"},
        host_config=api().create_host_config(binds=[f"{volume}:/v"]),
    )
    api().start(made["Id"])


def usual(component: str, kind: str) -> Act:
    """The data volume goes, and with it the small file system; the next start makes a new one."""

    def act(stack: Stack) -> None:
        removed(component)(stack)
        foreign_removed(f"{FOREIGN}-{{}}-keeper")(stack)
        api().remove_volume(volume_of(stack, component, kind))

    return act


def within(component: str, path: str, command: str) -> Act:
    """A command in the running container itself, as root: a tmpfs volume is only there while it runs."""

    def act(stack: Stack) -> None:
        made = api().exec_create(name_of(stack, component), ["python3", "-c", command, path], user="0")
        api().exec_start(made["Id"])

    return act


def waited(seconds: float) -> Act:
    """Until the product has tried to write."""
    return lambda stack: time.sleep(seconds)


ROWS = (
    Breakage(
        "store-garbled",
        in_volume("app", "data", GARBLE),
        STORE + r"(not a database|malformed|corrupt|degraded)",
        "put back a good copy of the database",
        STORE_ENTRY,
        start="refuses",
        undo=each(on("app", "stop", timeout=3), in_volume("app", "data", AWAY)),
    ),
    Breakage(
        "store-cut-short",
        each(
            on("app", "stop", timeout=3),
            in_volume("app", "data", CUT),
            on("app", "start"),
            in_state("app", "healthy"),
        ),
        STORE + r"(malformed|corrupt|degraded|disk image|short)",
        "put back a good copy of the database",
        STORE_ENTRY,
        start="refuses",
        undo=each(on("app", "stop", timeout=3), in_volume("app", "data", AWAY)),
        on="whole",
    ),
    Breakage(
        "store-removed",
        in_volume("app", "data", AWAY),
        STORE + r"(missing|removed|no such table|readonly)",
        "restart",
        STORE_ENTRY,
        start="refuses",
        undo=lambda stack: stack.ok("restart"),
        on="whole",
    ),
    Breakage(
        "store-closed",
        each(in_volume("app", "data", CLOSE), restarted("app"), started_again("app", 3)),
        r"app\.container: \S+" + MAY_NOT.format("app"),
        "chown",
        f"COMPONENT.container: {CLOSED}",
        start="refuses",
        refusal=MAY_NOT.format("app"),
        refusal_code=5,
        undo=in_volume("app", "data", OPEN),
    ),
    Breakage(
        "store-locked",
        locked,
        STORE + "(locked|no answer within)",
        r"",
        STORE_ENTRY,
        start="refuses",
        undo=unlocked,
    ),
    Breakage(
        "store-full",
        each(small("app", "data", 8), in_volume("app", "data", FILL)),
        STORE + r"full",
        "free ",
        STORE_ENTRY,
        start="refuses",
        undo=usual("app", "data"),
        on="whole",
    ),
    Breakage(
        "prometheus-data-full",
        each(
            small("prometheus", "data", 4),
            in_volume("prometheus", "data", FILL),
            waited(6),
        ),
        r"prometheus\.\w+: .*the disk of .*volume.* is full",
        "free space ",
        "prometheus.CHECK: ... the disk of ... is full",
        start="refuses",
        undo=usual("prometheus", "data"),
        on="whole",
    ),
    Breakage(
        "wal-garbled",
        each(in_volume("prometheus", "data", WAL), restarted("prometheus")),
    ),
    Breakage(
        "alertmanager-data-closed",
        each(
            in_volume("alertmanager", "data", MODE, "000"),
            restarted("alertmanager"),
            started_again("alertmanager", 3),
        ),
        r"alertmanager\.container: \S+" + MAY_NOT.format("alertmanager"),
        "chown",
        f"COMPONENT.container: {CLOSED}",
        status=5,
        start="refuses",
        refusal=MAY_NOT.format("alertmanager"),
        refusal_code=5,
        undo=in_volume("alertmanager", "data", MODE, "777"),
        on="whole",
    ),
)
