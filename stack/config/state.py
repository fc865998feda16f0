"""What the client remembers between commands: secrets, the lock, and records of what was validated and proven.

All under ``.stack/<name>/`` (0700; files 0600), written aside and renamed. Losing it costs a repair, never data.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.common.errors import Busy, StackError

# Names of secrets, not secrets:
GRAFANA_PASSWORD = "grafana_admin_password"  # noqa: S105
POSTGRES_PASSWORD = "postgres_password"  # noqa: S105
APP_TOKEN = "app_token"  # noqa: S105


class Secret(str):
    """Text that never shows itself by accident; ``reveal()`` gives it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def reveal(self) -> str:
        """The text itself."""
        return "".join(self)


@dataclass(frozen=True, slots=True)
class State:
    """The folder of one stack."""

    folder: Path

    def secret(self, name: str) -> Secret:
        """The stored secret, generated (144 bits) where there is none yet."""
        path = self.folder / "secrets" / name
        try:
            text = path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            raise StackError(
                f"{path} cannot be read: {getattr(error, 'strerror', None) or 'not text'}",
                hint="mend its permissions, or remove it: start makes another and repairs",
            ) from error
        if not text:
            text = secrets.token_urlsafe(18)
            self.write(f"secrets/{name}", text + "\n")
        return Secret(text)

    def read(self, name: str) -> Any:
        """A JSON record; None where it is missing or unreadable, since a record may always be made anew."""
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def record(self, name: str, value: Any) -> None:
        """Stores a JSON record."""
        self.write(name, json.dumps(value, sort_keys=True))

    def write(self, name: str, text: str) -> None:
        """Writes a private file whole or not at all."""
        path = self.folder / name
        try:
            _private(path.parent, self.folder.parent)
            handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
            Path(aside).replace(path)
        except OSError as error:
            raise StackError(
                f"{path} cannot be written: {error.strerror}", hint="free space or mend the permissions"
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One changing command at a time; ``Busy`` names the other. The kernel lifts it when the holder dies."""
        self.write(".keep", "")
        path = self.folder / "lock"
        with path.open("a+", encoding="utf-8") as handle:
            path.chmod(0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                handle.seek(0)
                holder = handle.read().strip() or "unknown"
                raise Busy(
                    f"another command works on this stack (process {holder})", hint="wait for it to end"
                ) from error
            handle.truncate(0)
            handle.write(str(os.getpid()))
            handle.flush()
            yield


def _private(folder: Path, top: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in (folder, *folder.parents):
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
        if path == top:
            break
