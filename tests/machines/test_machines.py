"""On each machine: images from an archive, no registry; proven, settled, changed, repaired, and nothing left."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.contract.poor_engine import Poverty, poor_engine
from tests.e2e.stack_command import Stack
from tests.machines.conftest import TreeOf
from tests.machines.machine import running
from tests.machines.table import ROWS, Row

pytestmark = pytest.mark.machine
RULES = "prometheus/rules/app-gates.yml"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_machine(row: Row, tree_of: TreeOf, archive: Path, tmp_path: Path) -> None:
    with ExitStack() as block:
        place = block.enter_context(running(row.machine, tree_of(row.machine.suite)))
        assert row.proves(place.client.info()), place.client.info()
        address = place.address
        if row.info:
            address = block.enter_context(poor_engine(tmp_path, Poverty(info=row.info, engine=place.socket)))
        stack = Stack.make("machine", 29100, tmp_path, STACK_GRAFANA="off", DOCKER_HOST=address)
        stack = Stack(stack.name, stack.base, stack.home, stack.extra, place.there)
        stack.ok("images", "load", "-i", str(archive), DOCKER_HOST=place.address)
        ran = stack.ok("start")
        for said in row.says:
            assert re.search(said, ran.out + ran.err), (said, ran.out, ran.err)
        assert plan(stack) == []
        if row.after:
            row.after(place)
            assert plan(stack) == []
        edit(stack)
        stack.ok("reload")
        place.client.api.remove_container("machine-alertmanager", force=True)
        stack.ok("start", "--quick")
        stack.ok("smoke")
        stack.ok("destroy", "--volumes", "--yes")
        assert place.left() == []


def plan(stack: Stack) -> Any:
    return stack.ok("start", "--json").json()["plan"]


def edit(stack: Stack) -> None:
    rules = stack.home / RULES
    rules.write_text(rules.read_text().replace("for: 2m", "for: 4m", 1))
