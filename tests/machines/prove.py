"""What a person does on a machine, from the archive of images to the end of the stack, and what must come of it."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tests.contract.poor_engine import Poverty, poor_engine
from tests.e2e.stack_command import Stack
from tests.machines.machine import Place, running
from tests.machines.table import Row

RULES = "prometheus/rules/app-gates.yml"


def prove(row: Row, tree: Path | None, archive: Path, home: Path) -> None:
    """Raises AssertionError with the words of the command or engine that was not as it must be."""
    with ExitStack() as block:
        place = block.enter_context(running(row.machine, tree))
        assert row.proves(place.client.info()), place.client.info()
        address = place.address
        if row.info:
            address = block.enter_context(poor_engine(home, Poverty(info=row.info, engine=place.socket)))
        made = Stack.make("machine", 29100, home, STACK_GRAFANA="off", DOCKER_HOST=address)
        stack = replace(made, before=place.there)
        if row.refused:
            _refused(stack, row.refused)
        else:
            stack.ok("images", "load", "-i", str(archive), DOCKER_HOST=place.address)
            _proven(stack, row, place)


def _refused(stack: Stack, words: str) -> None:
    ran = stack("start")
    assert ran.code == 3 and re.fullmatch(words, ran.err.strip()), ran


def _proven(stack: Stack, row: Row, place: Place) -> None:
    ran = stack.ok("start")
    for said in row.says:
        assert re.search(said, ran.out + ran.err), (said, ran.out, ran.err)
    _settled(stack)
    if row.after:
        row.after(place)
        _settled(stack)
    rules = stack.home / RULES
    rules.write_text(rules.read_text().replace("for: 2m", "for: 4m", 1))
    stack.ok("reload")
    place.client.api.remove_container("machine-alertmanager", force=True)
    stack.ok("start", "--quick")
    stack.ok("smoke")
    stack.ok("destroy", "--volumes", "--yes")
    assert place.left() == []


def _settled(stack: Stack) -> None:
    assert stack.ok("start", "--json").json()["plan"] == []
