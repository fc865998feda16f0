"""One browser and one Prometheus of waves for all pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium, chromium
from tests.fakes.drawn_prometheus import Waves, drawn_prometheus


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Chromium; without one the tests fail, since nothing would be proven."""
    profile: Path = tmp_path_factory.mktemp("profile")
    with chromium(profile) as found:
        yield found


@pytest.fixture(scope="session")
def waves() -> Waves:
    """What Prometheus is asked and answers."""
    return Waves()


@pytest.fixture(scope="session")
def prometheus(waves: Waves) -> Iterator[str]:
    """Its address."""
    with drawn_prometheus(waves) as address:
        yield address
