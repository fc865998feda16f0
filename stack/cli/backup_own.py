"""What a backup takes of the user's own files and the secrets: the open ones as they are, the others closed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Self

from msgspec import Struct

from stack.archives.entries import packed_files
from stack.archives.manifest import Sealed
from stack.archives.seal import NAME as SEALED
from stack.archives.seal import Key, closing
from stack.archives.writing import Writer
from stack.cli.home_files import files_of, is_secret
from stack.cli.session import Session

SETTINGS = "settings.tar.zst"
STATE = "state.json"
"""Among the secrets: those that the stack's state has."""


class OwnFiles(Struct, frozen=True):
    """A tar of the open files, and that of the secrets, which is being closed; None where they are left out."""

    files: bytes
    closed: Callable[[], bytes] | None
    kind: Sealed

    @classmethod
    def gathered(cls, session: Session, key: Key) -> Self:
        """Reads them, and begins to close what is secret; says what is left out."""
        files = files_of(session.plain.home)
        settings = packed_files((path, *file) for path, file in files.items() if not is_secret(path))
        private = {path: file for path, file in files.items() if is_secret(path)}
        if key.kind == "left out":
            session.printer.warning(
                f"without secrets{f' and {chr(44).join(private)}' if private else ''}: "
                "--passphrase-file FILE or --recipient age1... puts them in, closed"
            )
            return cls(settings, None, key.kind)
        state = json.dumps(dict(session.state.now.secrets)).encode()
        secrets = [(STATE, state, 0o600), *((path, *file) for path, file in private.items())]
        return cls(settings, closing(packed_files(secrets), key), key.kind)

    def write(self, writer: Writer) -> Sealed:
        """Puts both into the archive; returns how the secrets are closed."""
        writer.add(SETTINGS, (self.files,))
        if self.closed is not None:
            writer.add_plain(SEALED, self.closed())
        return self.kind
