"""Secrets open with their key alone, and say nothing of themselves."""

from __future__ import annotations

import pyrage
import pytest

from stack.archives.seal import Key, close, open_sealed
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
