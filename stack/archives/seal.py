"""Secrets closed with a passphrase or for a recipient, in the format of age (age-encryption.org/v1).

``age -d`` opens them too.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import pyrage
from msgspec import Struct

from stack.archives.manifest import Sealed
from stack.common.errors import ArchiveRefused, UsageError

NAME = "secrets.age"
CLOSE = """
import sys, pyrage
passphrase, _, content = sys.stdin.buffer.read().partition(b"\\n")
sys.stdout.buffer.write(pyrage.passphrase.encrypt(content, passphrase.decode()))
"""
"""What a process of its own does: a passphrase takes a second of one processor, in which this one could do nothing."""


class Key(Struct, frozen=True):
    """How secrets are closed or opened: a passphrase, a recipient (``age1...``), or an identity file's content."""

    passphrase: str = ""
    recipient: str = ""
    identity: str = ""

    def __repr__(self) -> str:  # it may be a secret
        return f"Key({self.kind})"

    @property
    def kind(self) -> Sealed:
        """What the archive says of it."""
        if self.passphrase:
            return "passphrase"
        return "recipient" if self.recipient or self.identity else "left out"


def close(content: bytes, key: Key) -> bytes:
    """The content for whoever has the key; UsageError where the recipient is none."""
    if key.passphrase:
        return bytes(pyrage.passphrase.encrypt(content, key.passphrase))
    try:
        recipient = pyrage.x25519.Recipient.from_str(key.recipient)
    except pyrage.RecipientError as error:
        raise UsageError(f"--recipient: {error}", hint="age1..., as age-keygen prints it") from error
    return bytes(pyrage.encrypt(content, [recipient]))


def closing(content: bytes, key: Key) -> Callable[[], bytes]:
    """The same beside other work; what is returned waits for it."""
    if not key.passphrase:
        closed = close(content, key)
        return lambda: closed
    child = subprocess.Popen(
        (sys.executable, "-c", CLOSE),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    told = key.passphrase.encode() + b"\n" + content

    def wait() -> bytes:
        try:
            done, _ = child.communicate()
        except OSError:
            done = b""
        return done if done and child.returncode == 0 else close(content, key)

    if child.stdin is not None:
        with suppress(OSError):  # one that has ended is made up for
            child.stdin.write(told)
            child.stdin.close()
        child.stdin = None
    return wait


def open_sealed(content: bytes, key: Key, place: str) -> bytes:
    """What was closed; ArchiveRefused where this key does not open it."""
    try:
        if key.passphrase:
            return bytes(pyrage.passphrase.decrypt(content, key.passphrase))
        return bytes(pyrage.decrypt(content, _identities(key.identity)))
    except pyrage.DecryptError as error:
        raise ArchiveRefused(
            f"the secrets in {place} do not open: {error}", hint="is it the right key?"
        ) from error


def _identities(text: str) -> list[pyrage.x25519.Identity]:
    lines = [line.strip() for line in text.splitlines()]
    try:
        return [pyrage.x25519.Identity.from_str(one) for one in lines if one.startswith("AGE-SECRET-KEY-")]
    except pyrage.IdentityError as error:
        raise UsageError(f"--identity-file: {error}", hint="a file as age-keygen writes it") from error
