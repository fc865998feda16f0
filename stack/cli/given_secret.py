"""A secret that a command was given by the name of its file."""

from __future__ import annotations

from pathlib import Path

from stack.cli.session import Session
from stack.common.errors import UsageError
from stack.components.own_paths import OWN_SECRETS


def given_secret(session: Session, name: str | None) -> tuple[bytes, str]:
    """The content of a file from elsewhere, or the path of one that lies in own/secrets/ already."""
    if not name:
        return b"", ""
    path = Path(name).expanduser()
    own = (session.plain.home / OWN_SECRETS).resolve()
    place = path if path.is_absolute() or path.exists() else session.plain.home / path
    try:
        content = place.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{name}: {error.strerror}",
            hint="name a file with the secret (a password, key or address) as its one line",
        ) from None
    if not content.strip():
        raise UsageError(f"{name}: it is empty", hint="the secret as its one line")
    if place.resolve().is_relative_to(own):
        return b"", OWN_SECRETS + place.resolve().relative_to(own).as_posix()
    return content, ""
