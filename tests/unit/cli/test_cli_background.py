"""Starting, finding and stopping the background server: real processes, real signals, records of all sorts."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from json import dumps
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec.structs import asdict

from stack.cli import background
from stack.cli.background import Options, Record, is_held, processes_folder, record_file, status, stop
from stack.cli.page import fetch
from stack.common.errors import StackError
from stack.telemetry.settings import environment_with

TLS = Path(__file__).parents[2] / "tls"
CERT, KEY = str(TLS / "cert.pem"), str(TLS / "key.pem")
FREE = Options(port=0)


def start(state_dir: Path, options: Options) -> tuple[Record, bool]:
    return background.start(state_dir, options, environment_with(processes_folder(state_dir)))


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    stop(folder)


def runs(pid: int) -> bool:
    """Whether there is such a process; one that has ended but was not waited for is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_start_answers_and_stop_really_stops(state_dir: Path) -> None:
    record, already = start(state_dir, FREE)
    assert not already
    assert status(state_dir) == ("running", record)
    assert fetch(f"{record.url}/metrics").count("gate_pass_rate_percent{") == 6
    assert stop(state_dir)
    assert not runs(record.pid)
    port = urlsplit(record.url).port
    assert port is not None
    with socket.create_server(("127.0.0.1", port)):
        assert status(state_dir) == ("stopped", None)
    assert not record_file(state_dir).exists()


def test_a_second_start_finds_the_first(state_dir: Path) -> None:
    first, _ = start(state_dir, FREE)
    assert start(state_dir, FREE) == (first, True)


def test_stopping_what_does_not_run_is_no_error(state_dir: Path) -> None:
    assert not stop(state_dir)
    assert status(state_dir) == ("stopped", None)


def test_nothing_in_the_state_folder_is_for_others(state_dir: Path) -> None:
    start(state_dir, FREE)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state_dir.iterdir()}
    assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700
    assert modes == {
        "processes": 0o700, "data": 0o700, "monitor.log": 0o600, "monitor.pid": 0o600, "lock": 0o600,
    }  # fmt: skip


def test_a_killed_server_is_stale_and_replaced(state_dir: Path) -> None:
    first, _ = start(state_dir, FREE)
    gone = os.pidfd_open(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    assert select.select([gone], [], [], 10)[0]
    os.close(gone)
    assert status(state_dir) == ("stale", first)
    second, already = start(state_dir, FREE)
    assert (already, status(state_dir)) == (False, ("running", second))


def test_a_process_with_a_reused_number_is_never_signalled(state_dir: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        state_dir.mkdir()
        record = Record(bystander.pid, "http://127.0.0.1:1")
        record_file(state_dir).write_text(dumps(asdict(record)))
        assert status(state_dir) == ("stale", record)
        assert not stop(state_dir)
        assert bystander.poll() is None
        assert not record_file(state_dir).exists()
        bystander.kill()


def test_a_stopped_process_is_silent_and_ends_all_the_same(state_dir: Path) -> None:
    record, _ = start(state_dir, FREE)
    os.kill(record.pid, signal.SIGSTOP)
    try:
        assert stop(state_dir, grace_seconds=0.2)
        assert not runs(record.pid)
    finally:
        if runs(record.pid):
            os.kill(record.pid, signal.SIGCONT)


def test_a_server_that_does_not_answer_is_silent(state_dir: Path) -> None:
    state_dir.mkdir()
    record = Record(os.getpid(), "http://127.0.0.1:1")
    with record_file(state_dir).open("w") as held:
        held.write(dumps(asdict(record)))
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        assert status(state_dir) == ("silent", record)
    assert status(state_dir) == ("stale", record)


def test_tls_and_a_token_from_start_to_stop(state_dir: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret")
    options = Options(
        port=0, tls_cert=str(TLS / "cert.pem"), tls_key=str(TLS / "key.pem"), token_file=str(token)
    )
    record, _ = start(state_dir, options)
    assert status(state_dir) == ("running", record)
    assert record.url.startswith("https://")
    page = fetch(f"{record.url}/metrics", {"Authorization": "Bearer s3cret"}, record.certificate)
    assert "gate_invocations_total" in page
    with pytest.raises(StackError, match="401"):
        fetch(f"{record.url}/metrics", certificate=record.certificate)
    arguments = Path(f"/proc/{record.pid}/cmdline").read_text()
    assert "s3cret" not in arguments + record_file(state_dir).read_text()


def test_relative_paths_mean_the_callers_folder(
    state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("s3cret")
    monkeypatch.chdir(tmp_path)
    record, _ = start(Path("state"), Options(port=0, token_file="token"))
    assert fetch(f"{record.url}/metrics", {"Authorization": "Bearer s3cret"})


def test_a_taken_port_is_said_in_one_line(state_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StackError, match=f"cannot listen on 127.0.0.1:{port} .*choose another"):
            start(state_dir, Options(port=port))
    assert status(state_dir) == ("stopped", None)


def test_a_missing_secret_is_said_in_one_line(state_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"cannot read .*none"):
        start(state_dir, Options(port=0, token_file=str(tmp_path / "none")))


def test_a_server_that_dies_at_once_leaves_its_last_words(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "import sys; sys.exit('out of luck')"
    monkeypatch.setattr(background, "command", lambda *_: [sys.executable, "-c", script])
    with pytest.raises(StackError, match="did not start: out of luck"):
        start(state_dir, FREE)


def test_a_server_that_says_nothing_is_ended(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_READY_SECONDS", 0.1)
    monkeypatch.setattr(
        background, "command", lambda *_: [sys.executable, "-c", "import signal; signal.pause()"]
    )
    with pytest.raises(StackError, match="no answer within"):
        start(state_dir, FREE)


def test_two_commands_at_once_do_not_mix(state_dir: Path) -> None:
    state_dir.mkdir()
    with (state_dir / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StackError, match="another monitor command"):
            start(state_dir, FREE)


def test_a_state_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="cannot be used"):
        start(tmp_path / "file" / "state", FREE)


RECORD = asdict(Record(5, "http://127.0.0.1:1"))


@pytest.mark.parametrize(
    "text",
    ["", "123", "{", "[]", "null", '{"pid": 1}', dumps(RECORD | {"pid": "5"}), dumps(RECORD | {"pid": -1}),
     dumps(RECORD | {"more": 1}), dumps(RECORD | {"url": 7})],
)  # fmt: skip
def test_a_record_that_is_not_ours_counts_as_none(state_dir: Path, text: str) -> None:
    state_dir.mkdir()
    record_file(state_dir).write_text(text)
    assert status(state_dir) == ("stopped", None)
    assert not stop(state_dir)


def test_what_is_not_there_is_not_held(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "record")


def test_the_command_line_holds_paths_and_no_secret(tmp_path: Path) -> None:
    line = background.command(Options(token_file=str(tmp_path / "token")), tmp_path, 5)
    assert line[1:4] == ["-m", "stack.app", "--fd=5"]
    assert f"--token-file={tmp_path / 'token'}" in line


def test_variables_that_are_meant_for_the_stack_do_not_reach_it(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_APP_LOAD", "nonsense")
    assert start(state_dir, FREE)[0].url


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (Options(tls_cert=CERT), "both a certificate and a key"),
        (Options(tls_key=KEY), "both a certificate and a key"),
        (Options(port=70000), "must be 0-65535, got 70000"),
        (Options(host="0.0.0.0"), "other machines could read"),
        (Options(host="0.0.0.0", tls_cert=CERT, tls_key=KEY), "authentication"),
        (Options(host="192.0.2.1", token_file=CERT), "other machines could read"),
        (Options(port=0, tls_cert=KEY, tls_key=KEY), "not a PEM certificate"),
        (
            Options(port=0, tls_cert=str(TLS / "none.pem"), tls_key=KEY),
            "not a PEM certificate|not a certificate",
        ),
        (Options(host="192.0.2.1", port=0, allow_open=True), "cannot listen on 192.0.2.1:0"),
    ],
)
def test_options_that_cannot_be_meant(state_dir: Path, options: Options, says: str) -> None:
    with pytest.raises(StackError, match=says):
        start(state_dir, options)
    assert status(state_dir) == ("stopped", None)


@pytest.mark.parametrize(
    "options",
    [
        Options("0.0.0.0", 0, CERT, KEY, token_file="token"),
        Options("0.0.0.0", 0, CERT, KEY, basic_auth_file="user"),
        Options("0.0.0.0", 0, allow_open=True),
        Options("localhost", 0),
        Options("::1", 0),
        Options("127.8.8.8", 0),
    ],
)
def test_hosts_that_may_be_served(options: Options) -> None:
    options.check()


@pytest.mark.parametrize(("allow_open", "status_of_a_name"), [(False, 400), (True, 200)])
def test_only_names_of_this_machine_are_answered_unless_it_is_open(
    state_dir: Path, allow_open: bool, status_of_a_name: int
) -> None:
    record, _ = start(state_dir, Options(port=0, allow_open=allow_open))
    connection = HTTPConnection("127.0.0.1", urlsplit(record.url).port or 0, timeout=10)
    connection.request("GET", "/metrics", headers={"Host": "rebound.example"})
    assert connection.getresponse().status == status_of_a_name
    connection.close()


def test_an_ipv6_address_has_its_brackets(state_dir: Path) -> None:
    record, _ = start(state_dir, Options("::1", 0))
    assert record.url.startswith("http://[::1]:")
    assert status(state_dir) == ("running", record)
