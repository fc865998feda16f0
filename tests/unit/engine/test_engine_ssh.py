"""An engine behind the ssh program: logins that are kept, answers that are late or missing, and what ssh is told."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stack.common.errors import EngineUnavailable
from stack.engine.docker import connect
from stack.engine.ssh import SshTransport, command
from stack.engine.transport import Request, Unreachable

URL = "ssh://me@web1:2222"
OK = r"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"
ENDS = r"HTTP/1.1 200 OK\r\n\r\nall of it"
HALF = r"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\nhalf"
CHUNKED = r"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n"


class Program:
    """An ssh that notes each login and its words, and then does what a shell script says."""

    def __init__(self, folder: Path) -> None:
        self._file, self.noted = folder / "ssh", folder / "noted"

    def does(self, script: str) -> None:
        note = f'echo "$$ $*" >>{self.noted}'
        self._file.write_text(f"#!/bin/sh\n{note}\n{script}\n")
        self._file.chmod(0o755)

    def answers(self, answer: str = OK, then: str = "") -> None:
        """The same to each request, after which ``then`` is done."""
        at_end = '[ "$line" != "$(printf \'\\r\')" ]'
        self.does(f"while read -r line; do {at_end} || {{ printf '{answer}'; {then or ':'}; }}; done")

    @property
    def logins(self) -> list[str]:
        return self.noted.read_text().splitlines() if self.noted.exists() else []

    def none_runs(self) -> None:
        for login in self.logins:
            with pytest.raises(ProcessLookupError):
                os.kill(int(login.split()[0]), 0)


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return Program(tmp_path)


def asked(transport: SshTransport, seconds: float = 5) -> bytes:
    with transport.send(Request("GET", "/", seconds)) as reply:
        return reply.read()


def test_it_asks_nobody_and_disturbs_nothing() -> None:
    words = command(URL)
    assert words[0] == "ssh" and words[-7:-1] == ("-l", "me", "-p", "2222", "--", "web1")
    assert {"BatchMode=yes", "ConnectTimeout=10", "ClearAllForwardings=yes", "RemoteCommand=none"} <= set(
        words
    )


@pytest.mark.parametrize(
    ("url", "where", "there"),
    [
        ("ssh://Web1", "Web1", "docker system dial-stdio"),
        ("ssh://me@[fd00::7]:22/", "fd00::7", "docker system dial-stdio"),
        (
            "ssh://me@web1/run/user/1000/docker.sock",
            "web1",
            "docker --host unix:///run/user/1000/docker.sock system dial-stdio",
        ),
        (
            "ssh://-oProxyCommand=reboot/a;reboot",
            "-oProxyCommand=reboot",
            "docker --host 'unix:///a;reboot' system dial-stdio",
        ),
    ],
)
def test_where_it_goes(url: str, where: str, there: str) -> None:
    assert command(url)[-3:] == ("--", where, there)


@pytest.mark.parametrize(("answer", "body"), [(OK, b"OK"), (CHUNKED, b"one")])
def test_one_login_does_for_one_question_after_another(ssh: Program, answer: str, body: bytes) -> None:
    ssh.answers(answer)
    transport = SshTransport(URL)
    assert [asked(transport) for _ in range(3)] == [body] * 3
    with transport.send(Request("GET", "/", 5)) as unread:
        assert unread.status == 200
    assert len(ssh.logins) == 1
    del transport, unread
    gc.collect()
    ssh.none_runs()


def test_questions_at_once_have_a_login_each(ssh: Program) -> None:
    ssh.answers()
    transport = SshTransport(URL)
    with transport.send(Request("GET", "/", 5)) as one, transport.send(Request("GET", "/", 5)) as two:
        assert (one.read(), two.read()) == (b"OK", b"OK")
    assert asked(transport) == b"OK" and len(ssh.logins) == 2


def test_what_ends_with_the_connection_and_what_is_left_in_the_middle_is_not_used_again(ssh: Program) -> None:
    ssh.answers(ENDS, "exit")
    transport = SshTransport(URL)
    assert [asked(transport), asked(transport)] == [b"all of it"] * 2
    assert len(ssh.logins) == 2
    ssh.answers(HALF)
    for _ in range(2):
        with transport.send(Request("GET", "/", 5)) as reply:
            assert next(iter(reply.chunks)) == b"half"
    assert len(ssh.logins) == 4
    ssh.none_runs()


def test_a_login_that_has_ended_meanwhile_is_made_anew(ssh: Program) -> None:
    ssh.answers(OK, "exit")
    transport = SshTransport(URL)
    assert asked(transport) == b"OK"
    end = time.monotonic() + 5
    while Path(f"/proc/{ssh.logins[0].split()[0]}/cmdline").read_text() and time.monotonic() < end:
        time.sleep(0.01)
    assert asked(transport) == b"OK" and len(ssh.logins) == 2


def test_silence_ends(ssh: Program) -> None:
    ssh.does("exec sleep 30")
    began = time.monotonic()
    with pytest.raises(EngineUnavailable, match=r"ssh://me@web1:2222: timed out: try: docker -H"):
        connect(URL, seconds=0.3)
    assert time.monotonic() - began < 5
    ssh.none_runs()


def test_half_an_answer(ssh: Program) -> None:
    ssh.answers(HALF, "echo 'Timeout, server web1 not responding.' >&2; exit 255")
    with pytest.raises(Unreachable, match=r"server web1 not responding"):
        asked(SshTransport(URL))


def test_why_the_login_fails_is_told_in_one_line(ssh: Program, capfd: pytest.CaptureFixture[str]) -> None:
    ssh.does("echo 'Host key verification failed.' >&2; exit 255")
    with pytest.raises(EngineUnavailable) as told:
        connect(URL)
    assert told.value.message == f"no Docker engine answers at {URL}: the host key of web1 is not known here"
    assert "unasked: ssh -o StrictHostKeyChecking=accept-new -p 2222 me@web1 true" in told.value.hint
    assert capfd.readouterr().err == "", "ssh's own words are not left on the terminal"


def test_a_login_that_greets_is_told(ssh: Program) -> None:
    ssh.does("echo Welcome; exec sleep 30")
    with pytest.raises(EngineUnavailable, match=r"what a login to web1 prints comes before .*\.bashrc"):
        connect(URL)
    ssh.none_runs()


def test_a_command_that_ends_hangs_up(ssh: Program) -> None:
    """Though the engine has not answered yet, and nobody waits for it any more."""
    ssh.does("exec sleep 30")
    begun = "threading.Thread(target=connect, args=('ssh://web1',), daemon=True).start()"
    noted = f"while not pathlib.Path({str(ssh.noted)!r}).exists(): time.sleep(0.01)"
    started = "time.sleep(1)  # it notes its login before who starts it has it in hand"
    script = f"import pathlib, threading, time\nfrom stack.engine.docker import connect\n{begun}\n{noted}\n{started}"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30, capture_output=True)
    ssh.none_runs()


def test_a_machine_without_ssh_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"there is no program ssh here: install it .*openssh-client"):
        connect(URL)
