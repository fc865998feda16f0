"""On each machine: images from an archive, no registry; proven, settled, changed, repaired, and nothing left."""

from __future__ import annotations

import pytest

from tests.machines.conftest import Runs
from tests.machines.table import ROWS, Row

pytestmark = pytest.mark.machine


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_machine(row: Row, runs: Runs) -> None:
    runs[row.name].result()
