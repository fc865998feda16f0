"""Refused or killed at any point: what ran is not lost, and the next start ends where an undisturbed one does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from stack.common.errors import StackError, StartFailed
from stack.model.names import next_name
from tests.fakes.engine.memory import MemoryEngine
from tests.scenarios.commands import NAME, Client

CREATIONS = ("create_network", "create_volume", "create", "write_volume", "write_state", "rename")
REMOVALS = ("remove", "remove_from_volume", "remove_network", "remove_volume")
CHANGES = frozenset((*CREATIONS, "start", "stop", "restart", "signal", *REMOVALS))
EDITED = "prometheus/rules/app-gates.yml"


class Killed(BaseException):
    """The process is gone; nothing of it is tidied up."""


class Death:
    """Ends the process at its ``last``-th call that changes something; every later call of it fails too."""

    def __init__(self, engine: MemoryEngine, last: int) -> None:
        self.engine, self.left, self.called = engine, last, engine._called
        engine._called = self  # type: ignore[method-assign]

    def __call__(self, verb: str, target: str) -> None:
        if verb in CHANGES:
            self.left -= 1
        if self.left < 0:
            raise Killed
        self.called(verb, target)

    def revive(self) -> None:
        """Another process begins."""
        self.engine._called = self.called  # type: ignore[method-assign]


def killed(client: Client, last: int, *words: str) -> bool:
    """Whether the command was killed before it ended."""
    death = Death(client.engine, last)
    try:
        client(*words)
    except Killed:
        return True
    finally:
        death.revive()
    return False


def as_if_nothing_had_been(client: Client, data: set[str]) -> None:
    """The next start comes to its end; nothing is left over and no data is lost."""
    assert data <= set(client.observed.volumes)
    assert client("start") == 0
    observed = client.observed
    assert client.plan() == []
    assert client.running() == {"prometheus", "alertmanager", "node_exporter", "app"}
    assert observed.leftovers == ()
    assert {c.name for c in observed.containers} == {
        f"{NAME}-{c.component.replace('_', '-')}" for c in observed.containers
    }
    assert data <= set(observed.volumes)
    assert all(c.applied.digest for c in observed.containers if c.component in ("prometheus", "alertmanager"))


def data_of(client: Client) -> set[str]:
    """The volumes that nobody may lose."""
    return {volume for volume in client.observed.volumes if volume.endswith("-data")}


def nothing(client: Client) -> None:
    """No stack yet."""


def started(client: Client) -> None:
    """A stack that runs."""
    client("start")


def stopped(client: Client) -> None:
    """A stack at rest."""
    started(client)
    client("stop")


def edited(client: Client) -> None:
    """A stack whose files were changed."""
    started(client)
    client.edit(EDITED)
    client.edit("alertmanager/alertmanager.yml")


def outdated(client: Client) -> None:
    """A stack whose containers must all be made anew."""
    started(client)
    client.settings('port_base = 20000\nprometheus.retention_time = "3d"\n')
    client.engine.hold("mine/app:1", "newer")


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (nothing, ("start",)),
        (stopped, ("start",)),
        (outdated, ("start",)),
        (edited, ("start",)),
        (edited, ("reload",)),
        (outdated, ("reload",)),
        (started, ("restart",)),
        (outdated, ("restart",)),
        (started, ("stop",)),
        (started, ("destroy",)),
    ],
    ids=lambda value: value.__name__ if callable(value) else value[0],
)
def test_killed_at_any_change(
    client: Client, before: Callable[[Client], None], words: tuple[str, ...]
) -> None:
    before(client)
    for last in count():
        data = data_of(client)
        if not killed(client, last, *words):
            break
        as_if_nothing_had_been(client, data)
        client("destroy", "--volumes", "--yes")
        client.settings("")
        client.engine.hold("mine/app:1")
        before(client)
    as_if_nothing_had_been(client, data_of(client))
    assert last > 3, "something was killed"


@pytest.mark.parametrize("words", [("start",), ("restart",), ("reload",)])
def test_a_refused_creation_leaves_the_old_container_running(client: Client, words: tuple[str, ...]) -> None:
    client("start")
    before = client.ids()
    client.engine.hold("mine/app:1", "newer")
    client.engine.fail("create", StartFailed("no such device", hint="mend the driver"))
    with pytest.raises(StackError, match="no such device"):
        client(*words)
    assert client.ids() == before
    if words != ("restart",):  # which has stopped everything before
        assert client.running() == set(before)
        app = client.engine.find(before["app"])
        assert app is not None and (app.starts, app.name) == (1, f"{NAME}-app")
    assert client.observed.leftovers == ()
    assert client("start") == 0
    assert client.ids()["app"] != before["app"]
    assert client.plan() == []


def test_one_refused_creation_does_not_hold_up_the_others(client: Client) -> None:
    client("start")
    before = client.ids()
    outdated(client)
    client.engine.fail("create", StartFailed("no space left on device"))
    with pytest.raises(StackError, match="no space left"):
        client("start")
    same = {component for component, found in client.ids().items() if found == before[component]}
    assert len(same - {"node_exporter"}) == 1
    assert client.running() == set(before)


def test_a_replacement_that_was_left_over_is_made_anew(client: Client) -> None:
    client("start")
    app = client.engine.find(f"{NAME}-app")
    assert app is not None
    client.engine.put(next_name(app.name), app.body, app.image_id)
    before = client.ids()
    as_if_nothing_had_been(client, data_of(client))
    assert client.ids() == before
