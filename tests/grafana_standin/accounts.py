"""Users: the password of the first start, logins, and the lock after five wrong passwords within five minutes."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from .database import Database
from .log import log

ATTEMPTS = 5
WINDOW = 300.0
POLICY_LENGTH = 4
BLOCKED = "too many consecutive incorrect login attempts for user - login for user temporarily blocked"


class Accounts:
    """Users of one database; ``now`` gives Unix seconds."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    def provide(self, login: str, password: str) -> None:
        """The administrator, made only where there is no user yet: later changes of the setting count for nothing."""
        if self._database.row("SELECT id FROM user") is None:
            created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            values = (login, _hashed(password), created)
            self._database.rows("INSERT INTO user (login, secret, created) VALUES (?, ?, ?)", values)

    def check(self, login: str, password: str) -> Literal["ok", "wrong"]:
        """A locked name is refused whatever the password; only the log says why. A right one clears no count."""
        since = self._now() - WINDOW
        wrong = self._database.row(
            "SELECT count(*) AS n FROM login_attempt WHERE login = ? AND at > ?", (login, since)
        )
        if wrong is not None and wrong["n"] >= ATTEMPTS:
            log(
                "authn.service",
                "Failed to authenticate request",
                "warn",
                client="auth.client.basic",
                error=BLOCKED,
            )
            return "wrong"
        user = self._database.row("SELECT secret FROM user WHERE login = ?", (login,))
        if user is not None and _matches(password, user["secret"]):
            return "ok"
        self._database.rows("INSERT INTO login_attempt (login, at) VALUES (?, ?)", (login, self._now()))
        return "wrong"

    def reset(self, password: str) -> bool:
        """Sets the administrator's password; False where the policy refuses it. A lock is not lifted."""
        if len(password) < POLICY_LENGTH:
            return False
        self._database.rows("UPDATE user SET secret = ? WHERE id = 1", (_hashed(password),))
        return True


def _hashed(password: str) -> str:
    salt = secrets.token_hex(8)
    return f"{salt}:{_digest(salt, password)}"


def _matches(password: str, secret: str) -> bool:
    salt, _, digest = secret.partition(":")
    return secrets.compare_digest(digest, _digest(salt, password))


def _digest(salt: str, password: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), 1000).hex()
