"""A start on a full disk changes nothing; one of a stack that runs as described has nothing to change."""

from __future__ import annotations

import pytest

from stack.common.errors import StartFailed
from tests.scenarios.commands import Client


def test_a_start_on_a_full_disk_changes_nothing_and_one_of_what_runs_goes_on(client: Client) -> None:
    client.engine.free = 1 << 20
    with pytest.raises(StartFailed, match=r"1\.0 MB are free on the disk of the engine, in /var/lib/memory"):
        client("start")
    assert client.observed.containers == () and client.observed.volumes == ()
    client.environ["STACK_DISK_FLOOR"] = "0MB"
    client("start")
    del client.environ["STACK_DISK_FLOOR"]
    assert client("start") == 0
