"""Each message leads back to a proven stack, and costs nothing meanwhile."""

from __future__ import annotations

import re

import pytest

from tests.breakage.conftest import StackOf
from tests.breakage.hands import pristine
from tests.breakage.hint import HINTS, Hint
from tests.breakage.judge import error_of, pattern

pytestmark = pytest.mark.breakage


@pytest.mark.parametrize("hint", HINTS, ids=lambda hint: hint.name)
def test_it_is_said_and_nothing_is_touched(hint: Hint, stack_of: StackOf) -> None:
    stack = stack_of("bare")
    before = stack.starts()
    try:
        hint.how(stack)
        ran = stack(*hint.words, **hint.environment)
    finally:
        pristine(stack)
    assert ran.code == hint.code, ran
    assert re.search(pattern(hint.entry), error_of(ran)), ran.err
    assert stack.starts() == before


def test_with_each_remedy_followed_the_stack_is_proven(stack_of: StackOf) -> None:
    stack = stack_of("bare")
    before = stack.starts()
    stack.ok("start")
    stack.ok("smoke")
    assert stack.starts() == before
