"""Starting, finding and stopping the background server: real processes, real signals, records of all sorts."""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from json import dumps
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stack.telemetry import monitor
from stack.telemetry.fetch import fetch
from stack.telemetry.record import ServerRecord, exclusive, held, is_held, record_file
from stack.telemetry.settings import MonitorError, ServerOptions

TLS = Path(__file__).parent / "tls"
FREE = ServerOptions(port=0)
PROGRAM = "stack.app.standalone"


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    monitor.stop(folder)


def runs(pid: int) -> bool:
    """Whether there is such a process; one that has ended but was not waited for is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_start_answers_and_stop_really_stops(state_dir: Path) -> None:
    record, already = monitor.start(state_dir, PROGRAM, FREE)
    assert not already
    assert monitor.status(state_dir) == ("running", record)
    assert fetch(f"{record.url}/metrics").count("gate_pass_rate_percent{") == 6
    assert monitor.stop(state_dir)
    assert not runs(record.pid)
    port = urlsplit(record.url).port
    assert port is not None
    with socket.create_server(("127.0.0.1", port)):
        assert monitor.status(state_dir) == ("stopped", None)
    assert not record_file(state_dir).exists()


def test_a_second_start_finds_the_first(state_dir: Path) -> None:
    first, _ = monitor.start(state_dir, PROGRAM, FREE)
    assert monitor.start(state_dir, PROGRAM, FREE) == (first, True)


def test_stopping_what_does_not_run_is_no_error(state_dir: Path) -> None:
    assert not monitor.stop(state_dir)
    assert monitor.status(state_dir) == ("stopped", None)


def test_nothing_in_the_state_folder_is_for_others(state_dir: Path) -> None:
    monitor.start(state_dir, PROGRAM, FREE)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state_dir.iterdir()}
    assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700
    assert modes == {"processes": 0o700, "monitor.log": 0o600, "monitor.pid": 0o600}


def test_a_killed_server_is_stale_and_replaced(state_dir: Path) -> None:
    first, _ = monitor.start(state_dir, PROGRAM, FREE)
    gone = os.pidfd_open(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    assert select.select([gone], [], [], 10)[0]
    os.close(gone)
    assert monitor.status(state_dir) == ("stale", first)
    second, already = monitor.start(state_dir, PROGRAM, FREE)
    assert (already, monitor.status(state_dir)) == (False, ("running", second))


def test_a_process_with_a_reused_number_is_never_signalled(state_dir: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        state_dir.mkdir()
        record = ServerRecord(bystander.pid, "http://127.0.0.1:1")
        record_file(state_dir).write_text(dumps(asdict(record)))
        assert monitor.status(state_dir) == ("stale", record)
        assert not monitor.stop(state_dir)
        assert bystander.poll() is None
        assert not record_file(state_dir).exists()
        bystander.kill()


def test_a_stopped_process_is_silent_and_ends_all_the_same(state_dir: Path) -> None:
    record, _ = monitor.start(state_dir, PROGRAM, FREE)
    os.kill(record.pid, signal.SIGSTOP)
    try:
        assert monitor.stop(state_dir, grace_seconds=0.2)
        assert not runs(record.pid)
    finally:
        if runs(record.pid):
            os.kill(record.pid, signal.SIGCONT)


def test_a_server_that_does_not_answer_is_silent(state_dir: Path) -> None:
    state_dir.mkdir()
    record = ServerRecord(os.getpid(), "http://127.0.0.1:1")
    with held(record_file(state_dir), record):
        assert monitor.status(state_dir) == ("silent", record)
    assert monitor.status(state_dir) == ("stopped", None)


def test_tls_and_a_token_from_start_to_stop(state_dir: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret")
    options = ServerOptions(
        port=0, tls_cert=str(TLS / "cert.pem"), tls_key=str(TLS / "key.pem"), token_file=str(token)
    )
    record, _ = monitor.start(state_dir, PROGRAM, options)
    assert monitor.status(state_dir) == ("running", record)
    assert record.url.startswith("https://")
    page = fetch(f"{record.url}/metrics", {"Authorization": "Bearer s3cret"}, record.certificate)
    assert "gate_invocations_total" in page
    with pytest.raises(MonitorError, match="401"):
        fetch(f"{record.url}/metrics", certificate=record.certificate)
    arguments = Path(f"/proc/{record.pid}/cmdline").read_text()
    assert "s3cret" not in arguments + record_file(state_dir).read_text()


def test_relative_paths_mean_the_callers_folder(
    state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("s3cret")
    monkeypatch.chdir(tmp_path)
    record, _ = monitor.start(Path("state"), PROGRAM, ServerOptions(port=0, token_file="token"))
    assert fetch(f"{record.url}/metrics", {"Authorization": "Bearer s3cret"})


def test_a_taken_port_is_said_in_one_line(state_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(MonitorError, match=f"cannot listen on 127.0.0.1:{port} .*choose another"):
            monitor.start(state_dir, PROGRAM, ServerOptions(port=port))
    assert monitor.status(state_dir) == ("stopped", None)


def test_a_missing_secret_is_said_in_one_line(state_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(MonitorError, match="none: cannot read the secret"):
        monitor.start(state_dir, PROGRAM, ServerOptions(port=0, token_file=str(tmp_path / "none")))


def test_a_server_that_dies_at_once_leaves_its_last_words(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "import sys; sys.exit('out of luck')"
    monkeypatch.setattr(monitor, "command", lambda *_: [sys.executable, "-c", script])
    with pytest.raises(MonitorError, match="did not start: out of luck"):
        monitor.start(state_dir, PROGRAM, FREE)


def test_a_server_that_says_nothing_is_ended(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "_READY_SECONDS", 0.1)
    monkeypatch.setattr(
        monitor, "command", lambda *_: [sys.executable, "-c", "import signal; signal.pause()"]
    )
    with pytest.raises(MonitorError, match="no answer within"):
        monitor.start(state_dir, PROGRAM, FREE)


def test_two_commands_at_once_do_not_mix(state_dir: Path) -> None:
    with exclusive(state_dir), pytest.raises(MonitorError, match="another monitor command"):
        monitor.start(state_dir, PROGRAM, FREE)


def test_a_state_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MonitorError, match="cannot be used"):
        monitor.start(tmp_path / "file" / "state", PROGRAM, FREE)


RECORD = asdict(ServerRecord(5, "http://127.0.0.1:1"))


@pytest.mark.parametrize(
    "text",
    ["", "123", "{", "[]", "null", '{"pid": 1}', dumps(RECORD | {"pid": "5"}), dumps(RECORD | {"pid": -1}),
     dumps(RECORD | {"more": 1}), dumps(RECORD | {"url": 7})],
)  # fmt: skip
def test_a_record_that_is_not_ours_counts_as_none(state_dir: Path, text: str) -> None:
    state_dir.mkdir()
    record_file(state_dir).write_text(text)
    assert monitor.status(state_dir) == ("stopped", None)
    assert not monitor.stop(state_dir)


def test_a_record_is_held_for_as_long_as_its_server_lives(tmp_path: Path) -> None:
    file = tmp_path / "record"
    assert not is_held(file)
    with held(file, ServerRecord(5, "x")):
        assert is_held(file)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.exists()


def test_the_command_line_holds_paths_and_no_secret(tmp_path: Path) -> None:
    line = monitor.command("a.program", ServerOptions(token_file=str(tmp_path / "token")), tmp_path)
    assert line[1:3] == ["-m", "a.program"]
    assert str(tmp_path / "token") in line[3]
