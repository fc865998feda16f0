"""Two checkouts of the bundle manage one stack on one engine: what it is lies with the stack, not with a client."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace

import pytest

from tests.e2e.conftest import Make
from tests.e2e.stack_command import ROOT, Stack

pytestmark = pytest.mark.e2e
RULES = "prometheus/rules/app-gates.yml"
START = ("start", "--no-smoke")
CODE = ("stack", "scripts", "prometheus", "alertmanager", "grafana")


@pytest.fixture(scope="module")
def first(make_stack: Make, grafana_image: str) -> Stack:
    """The checkout of the test, with a stack that was started once with PostgreSQL."""
    told = {"STACK_GRAFANA": "required", "STACK_GRAFANA_IMAGE": grafana_image}
    stack = make_stack("e2e-shared", 27550, **told)
    stack.ok(*START, "--with", "postgres")
    return stack


@pytest.fixture(scope="module")
def second(first: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A checkout elsewhere, of the same files, that has never seen the stack."""
    tree = tmp_path_factory.mktemp("checkout")
    for folder in CODE:
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy2(file, tree / file.name)
    (tree / ".venv").symlink_to(ROOT / ".venv")
    return replace(first, home=tree, script=tree / "DEPLOY_MONITORING_STACK.sh")


def password(stack: Stack) -> str:
    """Grafana's, as the command tells it."""
    document = stack.ok("credentials", "--json").json()
    return str(document["grafana"]["password"])


def test_the_second_finds_nothing_to_do_and_the_same_secrets(first: Stack, second: Stack) -> None:
    before, secret = first.starts(), password(first)
    assert len(secret) >= 24
    assert second.ok("plan", "--json").json()["plan"] == []
    assert second.ok(*START, "--json").json()["plan"] == []
    assert password(second) == secret
    assert first.ok(*START, "--json").json()["plan"] == []
    assert first.starts() == second.starts() == before
    assert "postgres" in before


def test_of_two_at_once_one_is_told_of_the_other(first: Stack, second: Stack) -> None:
    before = set(first.inspect())
    working = first.begin("restart", "--no-smoke")
    codes = []
    while working.poll() is None:
        codes.append(second("reload").code)
    assert working.communicate()
    # Whichever came first did its work, and the other was told of it.
    told = (working.returncode, *codes)
    assert set(told) == {0, 5}, told
    assert set(first.inspect()) == before
    assert second.ok("plan", "--json").json()["plan"] == []


def test_one_killed_half_way_is_finished_by_the_other(first: Stack, second: Stack) -> None:
    for home in (first.home, second.home):
        file = home / RULES
        file.write_text(file.read_text() + "\n# edited by both\n")
    began = time.monotonic()
    second.ok("reload")
    seconds, secret, complete = time.monotonic() - began, password(first), sorted(first.left())
    for part in (0.5, 0.8):
        for home in (first.home, second.home):
            with (home / RULES).open("a") as edited:
                edited.write(f"# {part}\n")
        second.kill_after(part * seconds, "reload")
        assert first.ok(*START, "--json").json()["ok"]
        assert sorted(first.left()) == complete
        assert second.ok("plan", "--json").json()["plan"] == []
    assert password(first) == password(second) == secret


def test_the_cache_of_a_client_is_no_more_than_that(second: Stack) -> None:
    secret = password(second)
    shutil.rmtree(second.home / ".stack" / second.name)
    assert second.ok("plan", "--json").json()["plan"] == []
    assert password(second) == secret
