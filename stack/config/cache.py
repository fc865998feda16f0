"""What the client remembers to be faster or to show: records under ``.stack/NAME/``, which may be deleted at any time.

Private (0700; files 0600), written aside and renamed. Nothing here may be needed to manage a stack.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from stack.common.errors import StackError
from stack.common.files import private_folder, write_atomically


class Cache(Struct, frozen=True):
    """The folder of one stack."""

    folder: Path

    def read(self, name: str) -> Any:
        """A JSON record; None where it is missing or unreadable, since a record may always be made anew."""
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def record(self, name: str, value: Any) -> None:
        """Stores a JSON record, where that is possible: a disk that is full or read-only costs a memory only."""
        with suppress(StackError):
            self.write(name, json.dumps(value, sort_keys=True))

    def text(self, name: str) -> str:
        """A file's text without the white space around it; empty where it is missing or unreadable."""
        try:
            return (self.folder / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def write(self, name: str, text: str) -> Path:
        """Writes a private file whole or not at all, and returns its path."""
        path = self.folder / name
        try:
            private_folder(path.parent, self.folder.parent)
            write_atomically(path, text.encode())
        except OSError as error:
            raise StackError(
                f"{path} cannot be written: {error.strerror}", hint="free space or mend the permissions"
            ) from error
        return path
