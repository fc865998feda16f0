"""The rows of the stack with all components."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.breakage.breakage import Breakage
from tests.breakage.conftest import StackOf, one_row
from tests.breakage.table import of_kind

pytestmark = pytest.mark.breakage


@pytest.mark.parametrize("row", of_kind("whole"), ids=lambda row: row.name)
def test_breakage(row: Breakage, stack_of: StackOf, record_property: Callable[[str, object], None]) -> None:
    one_row(row, stack_of, record_property)
