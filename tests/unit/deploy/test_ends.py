"""Why a process ended, by what it wrote last: the line that says it, the disk that was full or closed to it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.deploy.condition import condition
from stack.deploy.ends import READ_BACK, Life, died, disk_fault, life_of, why, with_last_words
from stack.model.observed import Observed, ObservedContainer
from stack.model.spec import Mount, StackSpec
from tests.fakes.engine.memory import MemoryEngine
from tests.unit.deploy.plan_samples import NAME, service

DATA = Mount("volume", "demo-app-data", "/data", read_only=False)
APP = replace(service("app"), mounts=(Mount("volume", "demo-app-config", "/etc/stack"), DATA))
SPEC = StackSpec(NAME, (APP,))
PANIC = (
    'ts=1 level=error msg="Error opening query log file" err="open /data/queries.active: permission denied"',
    "panic: Unable to create mmap-ed active query log",
    "",
    "goroutine 1 [running]:",
    "\tgithub.com/prometheus/x.go:123 +0xb2",
)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), ""),
        (("", "  "), ""),
        (("serving", "bye"), ": bye"),
        (PANIC[1:], ": panic: Unable to create mmap-ed active query log"),
        (("error: a\x1b[31m", "done"), r": error: a\x1b[31m"),
        (("failed " + "x" * 999,), ": failed " + "x" * 233),
        (('{"level": "error", "message": "/data/tmp: cannot"}', "unable"), ": /data/tmp: cannot"),
        (('{"level": "info", "msg": "failed 1"}', '["denied"]'), ': ["denied"]'),
        (("level=info msg=failed", "level=INFO msg=started"), ": level=info msg=failed"),
    ],
)
def test_the_telling_line_is_found_before_a_trace(lines: tuple[str, ...], said: str) -> None:
    assert why(lines) == said


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (PANIC[0], "demo-app: its user 65534:65534 may not use the files of volume demo-app-data"),
        (
            "SQLite /data/packets.db: attempt to write a readonly database",
            "demo-app: its user 65534:65534 may not use the files of volume demo-app-data",
        ),
        ("write /data/wal: no space left on device", "demo-app: the disk of volume demo-app-data is full"),
        (
            "[signal SIGBUS: bus error code=0x2 addr=0x7f pc=0x4]",
            "demo-app: the disk of volume demo-app-data is full, or a file in it was cut",
        ),
    ],
)
def test_a_volume_that_is_closed_or_full_is_named(line: str, message: str) -> None:
    found = disk_fault(SPEC, APP, ("starting", line, "bye"))
    assert found is not None and found.message == message and found.logs == (line,)


def test_the_command_that_opens_a_volume_stands_in_the_hint() -> None:
    found = disk_fault(SPEC, APP, PANIC)
    assert found is not None and found.hint == (
        f"docker run --rm --user 0 --entrypoint sh -v demo-app-data:/v {APP.image} "
        "-c 'chown -R 65534:65534 /v && chmod -R u+rwX /v', then monitoring-stack start"
    )


@pytest.mark.parametrize(
    "line",
    [
        "open /etc/stack/x: permission denied",
        "open /dat/x: permission denied",
        "open /etc/stack/data/x: permission denied",
        "open /data.yml: permission denied",
        "open /database: permission denied",
        "fine",
    ],
)
def test_other_files_are_not_those_of_the_volume(line: str) -> None:
    assert disk_fault(SPEC, APP, (line,)) is None


def ended(**more: object) -> ObservedContainer:
    found = ObservedContainer("id", f"{NAME}-app", "app", "d", "i", "ii", "restarting", exit_code=2)
    return replace(found, **more)


def test_a_container_that_ends_says_why_in_its_finding() -> None:
    def evidence(found: ObservedContainer) -> str:
        return condition(SPEC, Observed(NAME, (found,), networks=(NAME,)))[0].evidence

    assert evidence(ended()) == "demo-app ends with exit code 2 again and again"
    assert evidence(ended(last_words=("no such flag: x",))).endswith("again and again: no such flag: x")
    assert evidence(ended(last_words=PANIC)) == (
        "demo-app: its user 65534:65534 may not use the files of volume demo-app-data"
    )
    assert evidence(ended(state="exited", last_words=("bad",))).endswith("it ended with exit code 2: bad")


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        (ended(), True),
        (ended(state="exited"), True),
        (ended(state="exited", exit_code=0), False),
        (ended(state="running", restarts=2), True),
        (ended(state="running"), False),
        (ended(state="paused"), False),
    ],
)
def test_only_of_one_that_ended_by_itself_the_log_is_read(found: ObservedContainer, asked: bool) -> None:
    calls = []

    class Engine(MemoryEngine):
        def logs(self, container: str, tail: int, since: float = 0.0) -> tuple[str, ...]:
            calls.append((container, tail))
            return ("words",)

    heard = with_last_words(Engine(), Observed(NAME, (found,))).containers[0]
    assert calls == ([(found.name, READ_BACK)] if asked else [])
    assert heard.last_words == (("words",) if asked else ())


@pytest.mark.parametrize(
    ("found", "since"),
    [
        (ended(started_at="2026-01-02T03:04:05.678901234Z"), 1767323045.678901),
        (ended(state="exited", started_at="2026-01-02T03:04:05Z", restarts=3), 1767323045),
        (ended(state="running", restarts=2, finished_at="2026-01-02T03:04:05.9Z"), 1767323045 - 60),
        (ended(), 0),
        (ended(state="running", restarts=2), 0),
    ],
)
def test_words_of_earlier_lives_are_not_heard(found: ObservedContainer, since: float) -> None:
    class Engine(MemoryEngine):
        def logs(self, container: str, tail: int, since: float = 0.0) -> tuple[str, ...]:
            return (str(since),)

    (told,) = with_last_words(Engine(), Observed(NAME, (found,))).containers[0].last_words
    assert float(told) == pytest.approx(since)


def test_the_end_of_a_process_is_told_in_the_words_since_it_began() -> None:
    class Engine(MemoryEngine):
        state: dict[str, object]
        count = 0

        def inspect(self, container: str) -> dict[str, object]:
            return {"State": self.state, "RestartCount": self.count}

        def logs(self, container: str, tail: int, since: float = 0.0) -> tuple[str, ...]:
            return (f"failed: since {since:.0f}",)

    engine = Engine()
    engine.state = {"Running": True, "StartedAt": "2026-01-02T03:04:05Z", "ExitCode": 0}
    before = life_of(engine.inspect(""))
    assert before == Life(0, 1767323045.0) and died(engine, SPEC, APP, before) is None
    engine.state = {"Running": True, "StartedAt": "2026-01-02T03:04:09Z", "ExitCode": 0}
    engine.count = 1
    found = died(engine, SPEC, APP, before)
    assert found is not None and found.message == "demo-app ended: failed: since 1767323045"
    engine.state = {"Running": False, "StartedAt": "2026-01-02T03:04:09Z", "ExitCode": 2}
    found = died(engine, SPEC, APP)
    assert found is not None and found.message == "demo-app ended with exit code 2: failed: since 1767323049"


@pytest.mark.parametrize("state", ["exited", "restarting"])
@pytest.mark.parametrize(
    ("code", "told", "memory"), [(137, True, True), (137, False, False), (1, True, False)]
)
def test_a_kill_for_memory_is_believed_without_its_mark(
    state: str, code: int, told: bool, memory: bool
) -> None:
    class Engine(MemoryEngine):
        def killed_for_memory(self, container: str) -> bool:
            return told

    found = ended(state=state, exit_code=code)
    assert with_last_words(Engine(), Observed(NAME, (found,))).containers[0].oom_killed == memory
