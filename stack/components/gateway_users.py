"""Who may log in at the gateway: the lines of own/gateway/users, and their hashes. Pure but for a new hash's salt.

The form is that of Apache's htpasswd with bcrypt, ``NAME:HASH``, so that ``htpasswd -B`` can write it too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from stack.components.own_toml import Fault, Wrong
from stack.components.places import OWN

USERS = f"{OWN}gateway/users"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
HASH = re.compile(r"\$2[aby]\$(0[4-9]|1[0-9])\$[./A-Za-z0-9]{53}")
MACHINE = "stack-check"
"""The login of the checks, whose password is a secret of the stack."""
LEAST, MOST = 8, 72
"""Characters that a password has at least, and bytes of it that bcrypt takes."""
MACHINE_COST = 4
"""The least: what is hashed has 144 random bits, which nobody guesses, however fast."""


class Account(Struct, frozen=True):
    """One user and the bcrypt hash of the password."""

    name: str
    hash: str


def read(content: bytes) -> tuple[tuple[Account, ...], tuple[Fault, ...]]:
    """The users of the file that can be used, and what of it cannot; never with a hash in the words."""
    accounts: dict[str, Account] = {}
    faults: list[Fault] = []
    for number, line in _lines(content):
        name, _, found = line.partition(":")
        try:
            _judge(name, found, accounts)
        except Wrong as wrong:
            faults.append(Fault(f"{USERS}:{number}", str(wrong), wrong.hint))
        else:
            accounts[name] = Account(name, found)
    return tuple(accounts.values()), tuple(faults)


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(content.decode("utf-8-sig", "replace").splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _judge(name: str, found: str, known: dict[str, Account]) -> None:
    judge_name(name)
    if not HASH.fullmatch(found):
        raise Wrong(f"{name} has no bcrypt hash", "user passwd makes it, or htpasswd -B")
    if name in known:
        raise Wrong(f"{name} is there twice", "take one line away")


def judge_name(name: str) -> None:
    """``Wrong`` where nobody can be called so."""
    if not NAME.fullmatch(name):
        raise Wrong(
            f"{name[:64]!r} is no name of a user", "letters, digits and ._@+-, a letter or digit first"
        )
    if name == MACHINE:
        raise Wrong(f"{MACHINE} is the login of the checks", "choose another name")


def judge_password(password: str) -> None:
    """``Wrong`` where it is too short, or longer than what bcrypt looks at."""
    if len(password) < LEAST:
        raise Wrong(f"the password has less than {LEAST} characters", "choose a longer one")
    if len(password.encode()) > MOST:
        raise Wrong(f"the password has more than {MOST} bytes, which bcrypt does not take", "a shorter one")


def written(content: bytes, account: Account) -> bytes:
    """The file with this account, at its place where the name is known; every other line stays."""
    text = content.decode("utf-8-sig", "replace")
    line = f"{account.name}:{account.hash}"
    lines = [line if _is_of(one, account.name) else one for one in text.splitlines()]
    return "".join(f"{one}\n" for one in (lines if line in lines else [*lines, line])).encode()


def removed(content: bytes, name: str) -> bytes:
    """The file without this user."""
    text = content.decode("utf-8-sig", "replace")
    return "".join(f"{one}\n" for one in text.splitlines() if not _is_of(one, name)).encode()


def _is_of(line: str, name: str) -> bool:
    return line.strip().partition(":")[0] == name


def hashed(password: str) -> str:
    """The bcrypt hash of a person's password, with a salt of its own."""
    import bcrypt

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt()).decode()


@lru_cache(maxsize=8)
def machine_account(password: str) -> Account:
    """The login of the checks; always the same hash for a password, so that files stay as they are."""
    import bcrypt

    salt = hashlib.sha256(f"{MACHINE} {password}".encode()).hexdigest()[:21]
    found = bcrypt.hashpw(password.encode(), f"$2b${MACHINE_COST:02}${salt}O".encode())
    return Account(MACHINE, found.decode())
