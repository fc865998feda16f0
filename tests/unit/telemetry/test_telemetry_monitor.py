"""Starting, finding and stopping the background server: real processes, real signals, records of all sorts."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from json import dumps
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stack.telemetry import monitor
from stack.telemetry.board import board
from stack.telemetry.daemon import command
from stack.telemetry.errors import MonitorError
from stack.telemetry.fetch import fetch
from stack.telemetry.process import Process, find
from stack.telemetry.server import ServerOptions
from stack.telemetry.state import ServerRecord, exclusive, pid_file, read_record, write_record

TLS = Path(__file__).parent / "tls"
FREE = ServerOptions(port=0)


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    monitor.stop(folder)


def test_start_answers_and_stop_really_stops(state_dir: Path) -> None:
    started = monitor.start(state_dir, FREE)
    assert monitor.status(state_dir) == monitor.MonitorStatus("running", started.pid, started.url)
    assert len(board(fetch(f"{started.url}/metrics")).gates) == 6
    assert monitor.stop(state_dir)
    assert find(started.pid) is None
    port = urlsplit(started.url).port
    assert port is not None
    with socket.create_server(("127.0.0.1", port)):
        assert monitor.status(state_dir).state == "stopped"
    assert not pid_file(state_dir).exists()


def test_a_second_start_finds_the_first(state_dir: Path) -> None:
    first = monitor.start(state_dir, FREE)
    assert monitor.start(state_dir, FREE) == replace(first, already=True)


def test_stopping_what_does_not_run_is_no_error(state_dir: Path) -> None:
    assert not monitor.stop(state_dir)
    assert monitor.status(state_dir).state == "stopped"


def test_nothing_in_the_state_folder_is_for_others(state_dir: Path) -> None:
    monitor.start(state_dir, FREE)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state_dir.iterdir()}
    assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700
    assert modes == {"monitor.lock": 0o600, "monitor.log": 0o600, "monitor.pid": 0o600}


def test_a_killed_server_is_stale_and_replaced(state_dir: Path) -> None:
    first = monitor.start(state_dir, FREE)
    assert Process(first.pid, _started(state_dir)).terminate(0.0)
    # The process may have removed its record on its way out: put it back as a crash would leave it.
    write_record(pid_file(state_dir), ServerRecord(first.pid, "boot/1", first.url))
    assert monitor.status(state_dir).state == "stale"
    second = monitor.start(state_dir, FREE)
    assert not second.already
    assert monitor.status(state_dir).state == "running"


def _started(state_dir: Path) -> str:
    record = read_record(pid_file(state_dir))
    assert record is not None
    return record.started


def test_a_process_with_a_reused_number_is_never_signalled(state_dir: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        state_dir.mkdir()
        write_record(
            pid_file(state_dir), ServerRecord(bystander.pid, "an-earlier-boot/17", "http://127.0.0.1:1")
        )
        assert monitor.status(state_dir).state == "stale"
        assert not monitor.stop(state_dir)
        assert bystander.poll() is None
        assert not pid_file(state_dir).exists()
        bystander.kill()


def test_a_stopped_process_is_silent_and_ends_all_the_same(state_dir: Path) -> None:
    started = monitor.start(state_dir, FREE)
    os.kill(started.pid, signal.SIGSTOP)
    try:
        assert monitor.stop(state_dir, grace_seconds=0.2)
        assert find(started.pid) is None
    finally:
        if find(started.pid):
            os.kill(started.pid, signal.SIGCONT)


def test_a_server_that_does_not_answer_is_silent(state_dir: Path) -> None:
    own = find(os.getpid())
    assert own is not None
    state_dir.mkdir()
    write_record(pid_file(state_dir), ServerRecord(own.pid, own.started, "http://127.0.0.1:1"))
    assert monitor.status(state_dir).state == "silent"
    pid_file(state_dir).unlink()


def test_tls_and_a_token_from_start_to_stop(state_dir: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret")
    options = ServerOptions(port=0, tls_cert=TLS / "cert.pem", tls_key=TLS / "key.pem", token_file=token)
    started = monitor.start(state_dir, options)
    status = monitor.status(state_dir)
    assert status.state == "running"
    assert started.url.startswith("https://")
    page = fetch(f"{status.url}/metrics", {"Authorization": "Bearer s3cret"}, status.certificate)
    assert "gate_invocations_total" in page
    with pytest.raises(MonitorError, match="401"):
        fetch(f"{status.url}/metrics", certificate=status.certificate)
    arguments = Path(f"/proc/{started.pid}/cmdline").read_text()
    assert "s3cret" not in arguments + pid_file(state_dir).read_text()


def test_relative_paths_mean_the_callers_folder(
    state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("s3cret")
    monkeypatch.chdir(tmp_path)
    started = monitor.start(Path("state"), ServerOptions(port=0, token_file=Path("token")))
    assert fetch(f"{started.url}/metrics", {"Authorization": "Bearer s3cret"})


def test_a_taken_port_is_said_in_one_line(state_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(MonitorError, match=f"cannot listen on 127.0.0.1:{port} .*choose another"):
            monitor.start(state_dir, ServerOptions(port=port))
    assert monitor.status(state_dir).state == "stopped"


def test_a_missing_secret_is_said_in_one_line(state_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(MonitorError, match="none: cannot read the secret"):
        monitor.start(state_dir, ServerOptions(port=0, token_file=tmp_path / "none"))


def test_a_server_that_dies_at_once_leaves_its_last_words(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "import sys; sys.exit('out of luck')"
    monkeypatch.setattr(monitor, "command", lambda *_: [sys.executable, "-c", script])
    with pytest.raises(MonitorError, match="did not start: out of luck"):
        monitor.start(state_dir, FREE)


def test_a_server_that_says_nothing_is_ended(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        monitor, "command", lambda *_: [sys.executable, "-c", "import signal; signal.pause()"]
    )
    with pytest.raises(MonitorError, match="no answer within"):
        monitor.start(state_dir, FREE, ready_seconds=0.1)


def test_two_commands_at_once_do_not_mix(state_dir: Path) -> None:
    with exclusive(state_dir), pytest.raises(MonitorError, match="another monitor command"):
        monitor.start(state_dir, FREE)


def test_a_state_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MonitorError, match="cannot be used"):
        monitor.start(tmp_path / "file" / "state", FREE)


RECORD = asdict(ServerRecord(5, "boot/1", "http://127.0.0.1:1"))


@pytest.mark.parametrize(
    "text",
    ["", "123", "{", "[]", "null", '{"pid": 1}', dumps(RECORD | {"pid": "5"}), dumps(RECORD | {"pid": -1}),
     dumps(RECORD | {"more": 1}), dumps(RECORD | {"url": 7})],
)  # fmt: skip
def test_a_record_that_is_not_ours_counts_as_none(state_dir: Path, text: str) -> None:
    state_dir.mkdir()
    pid_file(state_dir).write_text(text)
    assert monitor.status(state_dir).state == "stopped"
    assert not monitor.stop(state_dir)


def test_the_command_line_holds_paths_and_no_secret(tmp_path: Path) -> None:
    line = command(ServerOptions(token_file=tmp_path / "token"), tmp_path / "monitor.pid", 7)
    assert line[1:3] == ["-m", "stack.telemetry.daemon"]
    assert str(tmp_path / "token") in line[4]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("5 (a b) c) S" + " 0" * 18 + " 99 0", Process(5, "boot/99")),
        ("5 (x) Z" + " 0" * 18 + " 99 0", None),
        ("5 (x) X" + " 0" * 18 + " 99 0", None),
    ],
    ids=["a name with brackets", "zombie", "dead"],
)
def test_reading_the_process_table(tmp_path: Path, line: str, found: Process | None) -> None:
    for name, text in (("5/stat", line), ("sys/kernel/random/boot_id", "boot\n")):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    assert find(5, tmp_path) == found
    assert find(6, tmp_path) is None


def test_terminating_what_is_gone_says_so() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert not Process(gone.pid, "boot/1").terminate(1.0)
