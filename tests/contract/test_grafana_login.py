"""The repair of a password against a Grafana that counts wrong tries: one a start, a lock told from it, patience."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from stack.checks.model import Expected
from stack.checks.prober import LocalProber
from stack.checks.runner import hurried
from stack.common.errors import StartFailed
from stack.components import all_checks
from stack.deploy.verify import IN_TURNS, Verification
from stack.engine.interface import Ran
from stack.model.spec import Health, Limits, ServiceSpec, StackSpec
from tests.fakes.engine.memory import MemoryEngine
from tests.grafana_standin import accounts
from tests.grafana_standin.server import serving
from tests.grafana_standin.settings import from_environment
from tests.grafana_standin.site import Site, open_site
from tests.loopback import dead_address

PASSWORD = "the-one-in-the-file"
SERVICE = ServiceSpec("grafana", "image:1", "", 3000, "/", Limits(1 << 20, 1.0), Health(("CMD", "ask")))


class Machine:
    """One Grafana in this process behind an engine that can reset its password and show its log."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site, self.resets = site, 0
        self.engine = MemoryEngine(program=lambda argv, files: self._reset())
        self.engine.hold("image:1")
        self.engine.create_network("s")
        container = self.engine.create("s", SERVICE)
        self.engine.start(container)
        log = self.engine._present(container).log
        monkeypatch.setattr(
            accounts, "log", lambda *words, **more: log.append(f"{len(log)} {words} {more.get('error')}")
        )

    def _reset(self) -> Ran:
        self.resets += 1
        return Ran(0 if self.site.accounts.reset(PASSWORD) else 1, "")

    def start(self, base: str) -> None:
        """What a start does about the login."""
        expected = Expected("s", (("grafana", base),), grafana_password=PASSWORD)
        turns = LocalProber(hurried(all_checks(), IN_TURNS))
        spec = StackSpec("s", (SERVICE,))
        Verification(self.engine, spec, expected, "", turns, turns, lambda event: None).reload(SERVICE)


@contextmanager
def opened(folder: Path, port: str = "0") -> Iterator[Site]:
    site = open_site(
        from_environment(
            {
                "GF_SERVER_HTTP_ADDR": "127.0.0.1",
                "GF_SERVER_HTTP_PORT": port,
                "GF_SECURITY_ADMIN_PASSWORD": PASSWORD,
                "GF_PATHS_DATA": str(folder / "data"),
                "GF_PATHS_PROVISIONING": str(folder),
            }
        )
    )
    yield site


def test_a_password_that_is_changed_again_and_again_is_repaired_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as site, serving(site) as base:
        machine = Machine(site, monkeypatch)
        for number in range(4):
            site.accounts.reset(f"changed-{number}")
            machine.start(base)
        assert machine.resets == 4


def test_a_locked_name_is_told_from_a_wrong_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as site, serving(site) as base:
        machine = Machine(site, monkeypatch)
        for _ in range(5):
            site.accounts.check("admin", "guessed")
        with pytest.raises(StartFailed, match="wait five minutes"):
            machine.start(base)
        assert machine.resets == 0


def test_a_slow_start_is_no_wrong_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = dead_address()
    with ExitStack() as stack, opened(tmp_path, base.rpartition(":")[2]) as site:
        machine = Machine(site, monkeypatch)
        timer = threading.Timer(1.5, lambda: stack.enter_context(serving(site)))
        timer.start()
        machine.start(base)
        timer.join()
        assert machine.resets == 0
