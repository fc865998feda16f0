"""Secrets open with their key alone, and say nothing of themselves."""

from __future__ import annotations

import os
import sys

import pyrage
import pytest

from stack.archives.seal import Key, close, closing, open_sealed
from stack.common.errors import ArchiveRefused, UsageError


def test_a_recipient_closes_and_its_identity_opens() -> None:
    mine, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    closed = close(b"token", Key(recipient=str(mine.to_public())))
    assert open_sealed(closed, Key(identity=f"# created\n{mine}\n"), "f") == b"token"
    with pytest.raises(ArchiveRefused, match="is it the right key"):
        open_sealed(closed, Key(identity=str(other)), "f")
    with pytest.raises(UsageError, match="--recipient"):
        close(b"token", Key(recipient="age1nonsense"))


def test_a_key_does_not_show_itself() -> None:
    assert "right" not in repr(Key(passphrase="right"))
    assert [Key(passphrase="a").kind, Key(recipient="b").kind, Key().kind] == [
        "passphrase",
        "recipient",
        "left out",
    ]


ECHO = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"


@pytest.mark.parametrize(
    ("program", "closed"), [(sys.executable, b"k\xc3\xb6 y\n"), ("/bin/false", b"here ")]
)
def test_a_passphrase_is_used_beside_other_work_else_here(
    monkeypatch: pytest.MonkeyPatch, program: str, closed: bytes
) -> None:
    monkeypatch.setattr("stack.archives.seal.CLOSE", ECHO)
    monkeypatch.setattr("stack.archives.seal.sys.executable", program)
    monkeypatch.setattr("stack.archives.seal.close", lambda content, key: b"here " + content)
    content = os.urandom(200_000)
    assert closing(content, Key(passphrase="kö y"))() == closed + content
