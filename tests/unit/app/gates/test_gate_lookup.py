"""Look-ups: a name server that is silent about some names costs time only for those."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from stack.app.gates import lookup
from stack.app.gates.lookup import Lookups, TooManyLookups
from stack.app.gates.policy import DEFAULT_POLICY
from stack.app.gates.types import Rejected
from stack.app.gates.url import check_url

PATIENCE = 30


def _answer(query: bytes) -> bytes | None:
    """8.8.8.8 for a name that begins with ``good``, no such name for ``bad``, silence for any other."""
    question = query[12 : query.index(b"\0", 12) + 5]
    name = question[1 : 1 + question[0]]
    kind = question[-4:-2]
    if name.startswith(b"bad"):
        return query[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + question
    if not name.startswith(b"good"):
        return None
    if kind != b"\0\1":
        return query[:2] + b"\x81\x80\0\1\0\0\0\0\0\0" + question
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x08\x08\x08\x08"
    return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question + record


@pytest.fixture
def server() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind(("127.0.0.1", 0))

        def serve() -> None:
            while (got := asked.recvfrom(2048))[0]:
                reply = _answer(got[0])
                if reply is not None:
                    asked.sendto(reply, got[1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{asked.getsockname()[1]}"
        asked.sendto(b"", asked.getsockname())
        thread.join(PATIENCE)


def test_many_silent_names_hold_up_no_other_and_take_no_threads(server: str) -> None:
    lookups = Lookups([server])
    before = set(threading.enumerate())
    silent = [lookups.submit(f"silent{number}.example.com") for number in range(300)]
    assert lookups.submit("good.example.com").result(PATIENCE) == ["8.8.8.8"]
    assert not any(each.done() for each in silent)
    assert len(set(threading.enumerate()) - before) < len(silent) // 10
    for each in silent:
        assert isinstance(each.exception(PATIENCE), OSError)


def test_a_name_that_does_not_exist_is_an_error_at_once(server: str) -> None:
    with pytest.raises(OSError, match="not found"):
        Lookups([server]).resolve("bad.example.com")


@pytest.mark.parametrize("host", ["a" * 64 + ".example.com", "x..example.com", "\ud800.example.com"])
def test_what_is_no_name_is_an_error(server: str, host: str) -> None:
    with pytest.raises(OSError):
        Lookups([server]).resolve(host)


def test_more_than_the_limit_are_refused_and_the_limit_recovers(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "SECONDS", 1)
    lookups = Lookups([server], at_once=2)
    waiting = [lookups.submit(f"silent{number}.example.com") for number in range(2)]
    with pytest.raises(TooManyLookups):
        lookups.submit("good.example.com")
    for each in waiting:
        each.exception(PATIENCE)
    assert lookups.submit("good.example.com").result(PATIENCE) == ["8.8.8.8"]


def test_the_gate_gives_up_a_silent_name_server_in_time(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "SECONDS", 0.05)
    with pytest.raises(Rejected, match=r"E_DNS_FAIL.*no answer within 0\.05 s"):
        check_url("http://slow.example.com/", DEFAULT_POLICY.url, Lookups([server]).resolve)
