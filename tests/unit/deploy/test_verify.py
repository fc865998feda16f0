"""The verdict on a component: positive evidence only, death noticed at once, a login repaired once or not at all."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from stack.checks.model import STAGES, Expected, Finding, Report, Stage
from stack.common.errors import NotReady, StartFailed
from stack.common.wait import Clock
from stack.deploy.verify import Verification
from stack.engine.interface import Ran
from stack.model.events import Event, Progress, StepBegun, StepDone
from stack.model.spec import ConfigFile, Health, Limits, Mount, ServiceSpec, StackSpec
from tests.fakes.engine.memory import MemoryEngine
from tests.loopback import Routes, serve

LOCKED = "too many consecutive incorrect login attempts for user"


def finding(check: str, ok: bool = True, evidence: str = "seen", *, final: bool = False) -> Finding:
    component = check.split(".", maxsplit=1)[0]
    return Finding(check, component, "ready", "ok" if ok else "failed", evidence, "mend it", final=final)


@dataclass
class FakeProber:
    """Gives one prepared report after the other, then the last one for good."""

    reports: list[Report]
    asked: int = 0
    before: Callable[[], None] = field(default=lambda: None)

    def run(
        self,
        expected: Expected,
        on_finding: Callable[[Finding], None] = lambda found: None,
        *,
        tell: Callable[[Progress], None] = lambda progress: None,
        stages: Sequence[Stage] = STAGES,
        names: Sequence[str] = (),
        known: Sequence[Finding] = (),
    ) -> Report:
        self.asked += 1
        self.before()
        return self.reports.pop(0) if len(self.reports) > 1 else self.reports[0]


class Setting:
    """One running container on the in-memory engine, and a clock that runs by sleeping."""

    def __init__(
        self, component: str, *reports: tuple[Finding, ...], address: str = "http://nowhere"
    ) -> None:
        self.commands: list[tuple[str, ...]] = []
        self.answer = Ran(0, "")
        self.engine = MemoryEngine(program=self._run)
        self.engine.hold("image:1")
        self.service = ServiceSpec(
            component, "image:1", "", 80, "/", Limits(1 << 20, 1.0), Health(("CMD", "ask", "me"))
        )
        self.engine.create_network("s")
        self.container = self.engine.create("s", self.service)
        self.engine.start(self.container)
        self.prober = FakeProber([Report(r) for r in reports])
        self.now = 0.0
        addresses = ((component, address),) if address else ()
        self.verification = Verification(
            self.engine,
            StackSpec("s", (self.service,)),
            Expected("s", addresses),
            "",
            self.prober,
            self.prober,
            lambda event: None,
            Clock(lambda: self.now, self._sleep),
        )

    def verify(self) -> None:
        """The verdict on the component."""
        self.verification.component(self.service)

    def watch(self, before: Callable[[], None]) -> None:
        """Something happens before each turn."""
        self.prober = dataclasses.replace(self.prober, before=before)
        self.verification = dataclasses.replace(self.verification, turns=self.prober)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _run(self, argv: tuple[str, ...], files: object) -> Ran:
        self.commands.append(argv)
        return self.answer

    def log(self, line: str) -> None:
        self.engine._present(self.container).log.append(line)


def test_it_waits_for_positive_evidence() -> None:
    setting = Setting("app", (finding("app.ready", ok=False),), (finding("app.ready"),))
    setting.verify()
    assert setting.prober.asked == 2


def test_no_finding_is_no_evidence() -> None:
    setting = Setting("app", ())
    with pytest.raises(NotReady, match=r"s-app: no check asks it"):
        setting.verify()


def test_the_deadline_carries_the_last_evidence_and_log_lines() -> None:
    setting = Setting("app", (finding("app.ready", ok=False, evidence="answered 503"),))
    setting.log("cannot open the store")
    with pytest.raises(NotReady, match=r"answered 503 \(waited 90 s\)") as error:
        setting.verify()
    assert error.value.logs == ("cannot open the store",)


def with_files(setting: Setting) -> Setting:
    """The component has a file and is told by a signal to read it again."""
    setting.service = replace(setting.service, reload="signal", files=(ConfigFile("main.yml", b"x"),))
    return setting


def other_files(*, final: bool = False) -> Finding:
    told = finding("prometheus.config", ok=False, evidence="another digest", final=final)
    return replace(told, stage="checked")


@pytest.mark.parametrize("final", [False, True])
def test_what_answers_with_other_files_is_told_once_to_read_them_again(final: bool) -> None:
    setting = with_files(Setting("prometheus", (other_files(final=final),), (finding("prometheus.config"),)))
    setting.verify()
    assert setting.engine._present(setting.container).signals == ["HUP"]


def test_what_still_has_other_files_is_given_up_long_before_the_deadline() -> None:
    setting = with_files(Setting("prometheus", (other_files(),)))
    with pytest.raises(NotReady, match="s-prometheus: another digest"):
        setting.verify()
    assert 15 <= setting.now < 20
    assert setting.engine._present(setting.container).signals == ["HUP"]


def test_a_final_answer_after_it_was_told_again_ends_the_wait_at_once() -> None:
    setting = with_files(Setting("prometheus", (other_files(final=True),)))
    with pytest.raises(NotReady, match="another digest"):
        setting.verify()
    assert setting.now < 2


def test_a_dead_process_ends_the_wait_at_once() -> None:
    setting = Setting("app", (finding("app.ready", ok=False),))
    setting.engine.crash(setting.container, 3)
    setting.log("no such file")
    with pytest.raises(NotReady, match="ended with exit code 3") as error:
        setting.verify()
    assert (setting.now, error.value.logs) == (0.0, ("no such file",))


def test_an_unpublished_component_is_asked_by_its_own_health_command() -> None:
    setting = Setting("node_exporter", (finding("never.asked", ok=False),), address="")
    setting.verify()
    assert (setting.commands, setting.prober.asked) == ([("ask", "me")], 0)
    setting.answer = Ran(1, "refused")
    with pytest.raises(NotReady, match="refused"):
        setting.verify()


def test_a_dead_unpublished_component_says_so() -> None:
    setting = Setting("node_exporter", (), address="")
    setting.engine.crash(setting.container, 2)
    with pytest.raises(NotReady, match="ended with exit code 2"):
        setting.verify()


def test_one_that_answers_no_more_is_restarted_once_and_asked_again() -> None:
    setting = Setting("app", (finding("app.ready", ok=False),), (finding("app.ready"),))
    events: list[Event] = []
    young = FakeProber([Report((finding("app.data"),))])
    old = replace(setting.verification.expected, age=3600.0)
    setting.verification = dataclasses.replace(
        setting.verification, emit=events.append, patient=lambda: young, expected=old
    )
    setting.engine.hang(setting.container)
    setting.verify()
    assert (setting.verification.prober, setting.verification.expected.age) == (young, 0.0)
    assert [c for c in setting.engine.calls if c[0] in ("signal", "restart")] == [
        ("signal", "s-app"),
        ("restart", "s-app"),
    ]
    assert Progress("app", "answers no more, so it is restarted") in events
    assert [type(e) for e in events[:3]] == [StepBegun, Progress, StepDone]


def test_one_that_a_restart_does_not_help_is_not_restarted_for_ever() -> None:
    setting = Setting("app", (finding("app.ready", ok=False, evidence="timed out"),))
    setting.watch(lambda: setting.engine.hang(setting.container))
    with pytest.raises(NotReady, match="timed out"):
        setting.verify()
    assert [call for call, _ in setting.engine.calls].count("restart") == 1


@pytest.mark.parametrize("healthy", [True, False])
def test_one_that_answers_its_own_question_or_still_starts_is_left_alone(healthy: bool) -> None:
    setting = Setting("app", (finding("app.ready", ok=False),), (finding("app.ready"),))
    if not healthy:
        setting.engine.hang(setting.container)
        setting.engine._present(setting.container).health = "starting"
    setting.verify()
    assert "restart" not in [call for call, _ in setting.engine.calls]


def test_what_is_ready_and_says_something_else_is_not_restarted() -> None:
    refused = replace(finding("app.files", ok=False), stage="checked")
    setting = Setting("app", (refused,), (finding("app.ready"),))
    setting.engine.hang(setting.container)
    setting.verify()
    assert "restart" not in [call for call, _ in setting.engine.calls]


def test_an_unpublished_one_that_hangs_is_restarted_too() -> None:
    setting = Setting("node_exporter", (), address="")
    setting.engine.hang(setting.container)
    setting.verify()
    assert [call for call, _ in setting.engine.calls].count("restart") == 1


def test_a_kill_for_memory_is_told_with_the_limit_and_the_setting() -> None:
    setting = Setting("app", (finding("app.ready", ok=False),))
    setting.engine.crash(setting.container, memory=True)
    with pytest.raises(NotReady, match="s-app was killed for memory: its limit is 1 MiB") as error:
        setting.verify()
    assert error.value.hint == "raise app.limits.memory (STACK_APP_MEMORY)"


def test_one_that_is_killed_and_started_again_ends_the_wait_too() -> None:
    for memory, words in ((True, "killed for memory"), (False, r"s-app ended$")):
        setting = Setting("app", (finding("app.ready", ok=False),))
        setting.watch(lambda s=setting, m=memory: s.engine.come_back(s.container, memory=m))  # type: ignore[misc]
        with pytest.raises(NotReady) as error:
            setting.verify()
        assert re.search(words, error.value.message)


def test_one_that_once_came_back_is_not_taken_for_dead() -> None:
    setting = Setting("app", (finding("app.ready", ok=False),), (finding("app.ready"),))
    setting.engine.come_back(setting.container)
    setting.verify()


FULL = "opening storage failed: write /prometheus/wal/00000001: no space left on device"


@pytest.mark.parametrize("dead", [True, False])
def test_a_full_disk_is_told_once_with_its_volume(dead: bool) -> None:
    setting = Setting("app", (finding("app.ready", ok=False),))
    data = Mount("volume", "s-app-data", "/data", read_only=False)
    config = Mount("volume", "s-app-config", "/etc/stack")
    setting.service = replace(setting.service, mounts=(config, data))
    for _ in range(5):
        setting.log(FULL)
    if dead:
        setting.engine.crash(setting.container, 1)
    with pytest.raises(NotReady, match=r"^s-app: the disk of volume s-app-data is full: free space") as error:
        setting.verify()
    assert error.value.logs == (FULL,)


REFUSED = (
    finding("grafana.ready"),
    finding("grafana.dashboards", ok=False, final=True),
    finding("grafana.login", ok=False, final=True),
)
STARTING = (
    finding("grafana.ready", ok=False, evidence="connection refused"),
    finding("grafana.login", ok=False, evidence="not asked: grafana never got ready"),
)
WELCOME = (finding("grafana.ready"), finding("grafana.login"))


def test_a_wrong_password_is_set_again_from_the_file_and_tried_again() -> None:
    setting = Setting("grafana", REFUSED, WELCOME)
    setting.verify()
    assert setting.prober.asked == 2, "one wrong try, since five lock the name"
    (command,) = setting.commands
    assert command[:2] == ("sh", "-c")
    assert "reset-admin-password --password-from-stdin < /etc/stack/secrets/" in command[2]


def test_a_locked_name_is_not_repaired() -> None:
    setting = Setting("grafana", REFUSED)
    setting.watch(lambda: setting.log(f"{setting.prober.asked} {LOCKED}"))
    with pytest.raises(StartFailed, match="wait five minutes"):
        setting.verify()
    assert setting.commands == []


def test_a_server_that_is_still_starting_is_waited_for_and_not_repaired() -> None:
    setting = Setting("grafana", STARTING, STARTING, WELCOME)
    setting.verify()
    assert setting.commands == []


def test_a_reload_over_its_api_waits_for_a_login_that_works() -> None:
    reloads = [f"POST /api/admin/provisioning/{kind}/reload" for kind in ("datasources", "dashboards")]
    routes: Routes = {"GET /api/org": (200, {"id": 1}), **dict.fromkeys(reloads, (200, {"message": "done"}))}
    with serve(routes) as address:
        setting = Setting("grafana", STARTING, WELCOME, address=address)
        setting.verification.reload(setting.service)
    assert (setting.prober.asked, setting.commands) == (2, [])


def test_a_lock_that_the_log_tells_of_late_is_not_taken_for_a_failed_repair() -> None:
    setting = Setting("grafana", REFUSED)
    setting.watch(lambda: setting.log(LOCKED) if setting.prober.asked == 2 else None)
    with pytest.raises(StartFailed, match="wait five minutes"):
        setting.verify()


def test_what_waiting_cannot_mend_ends_the_wait_at_once() -> None:
    leftover = finding("grafana.dashboards", ok=False, evidence="old is in no file", final=True)
    setting = Setting("grafana", (*WELCOME, leftover))
    with pytest.raises(NotReady, match="s-grafana: old is in no file: mend it"):
        setting.verify()
    assert setting.now == 0.0


def test_a_lock_of_the_past_does_not_prevent_the_repair() -> None:
    setting = Setting("grafana", REFUSED, WELCOME)
    setting.log(f"yesterday {LOCKED}")
    setting.verify()
    assert len(setting.commands) == 1


def test_a_repair_that_does_not_help_is_not_repeated() -> None:
    setting = Setting("grafana", REFUSED)
    with pytest.raises(StartFailed, match="refuses the password that was just set"):
        setting.verify()
    assert len(setting.commands) == 1


def test_a_repair_that_meets_a_busy_database_is_tried_again() -> None:
    setting = Setting("grafana", REFUSED, WELCOME)
    answers = iter([Ran(1, "database is locked"), Ran(0, "")])
    setting.engine.program = lambda argv, files: next(answers)
    setting.verify()


def test_a_failed_repair_shows_what_the_tool_said() -> None:
    setting = Setting("grafana", REFUSED)
    setting.answer = Ran(1, "database is locked\n")
    with pytest.raises(StartFailed, match="could not be set again") as error:
        setting.verify()
    assert error.value.logs == ("database is locked",)


def test_ports_that_turn_out_to_be_out_of_reach_are_asked_inside_from_then_on() -> None:
    setting = Setting("app", (finding("app.ready", ok=False),))
    setting.engine.apart = True
    inside = FakeProber([Report((finding("app.ready"),))])
    made: list[Verification] = []

    def from_inside() -> Verification:
        expected = Expected("s", (("app", "http://app:80"),))
        made.append(
            dataclasses.replace(
                setting.verification, image="checks:1", turns=inside, prober=inside, expected=expected
            )
        )
        return made[-1]

    setting.verification = dataclasses.replace(setting.verification, from_inside=from_inside)
    setting.verify()
    assert (setting.prober.asked, inside.asked, len(made)) == (1, 1, 1)
    assert setting.verification.expected.address("app") == "http://app:80"
    assert setting.verification.prober is inside and setting.verification.image == "checks:1"
    assert setting.engine.info().remote
