"""Variables set in the user's .env file: where they stand if they do, else at its end; the rest stays to the byte."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stack.common.files import write_atomically
from stack.config import env_file


def set_in_env(home: Path, values: Mapping[str, str]) -> Path:
    """Sets them in the .env of this folder, which is made where there is none; returns where it lies."""
    path = home / ".env"
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    before = path.read_bytes() if path.exists() else b""
    write_atomically(path.resolve(), env_file.merged(before.decode(), dict(values)).encode(), mode)
    return path
