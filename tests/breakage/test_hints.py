"""Each message leads back to a proven stack, and costs nothing meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.breakage.breakage import WORKER
from tests.breakage.conftest import extras
from tests.breakage.hands import pristine
from tests.breakage.hint import BASE, HINTS, Hint
from tests.breakage.judge import error_of, pattern
from tests.e2e.stack_command import Stack

pytestmark = pytest.mark.breakage


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A proven stack of its own: others break theirs meanwhile."""
    made = Stack.make(
        f"breakage-hints-{WORKER}", BASE, tmp_path_factory.mktemp("hints"), **extras("bare", "")
    )
    made.ok("start")
    yield made
    made.away()


@pytest.mark.parametrize("hint", HINTS, ids=lambda hint: hint.name)
def test_it_is_said_and_nothing_is_touched(hint: Hint, stack: Stack) -> None:
    before = stack.starts()
    try:
        hint.how(stack)
        ran = stack(*hint.words, **hint.environment)
    finally:
        pristine(stack)
    assert ran.code == hint.code, ran
    assert re.search(pattern(hint.entry), error_of(ran)), ran.err
    assert stack.starts() == before


def test_with_each_remedy_followed_the_stack_is_proven(stack: Stack) -> None:
    before = stack.starts()
    stack.ok("start")
    stack.ok("smoke")
    assert stack.starts() == before
