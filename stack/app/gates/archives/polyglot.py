"""Refuses a file that is two archives at once: which of them a reader opens is its own choice (CWE-436).

It must never judge the archive that its name and first bytes promise: the reader of that format does.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from typing import BinaryIO, Final

from stack.app.gates.archives.budget import unsound
from stack.app.gates.archives.tar_header import has_checksum
from stack.app.gates.archives.zip_end import trailing_directory
from stack.app.gates.archives.zip_headers import Record, directory_records
from stack.app.gates.traversal import refuse_traversal

_MOST_RECORDS: Final = 10_000
_ISO_9660: Final = (32769, b"CD001")  # libarchive prefers it to zip


def refuse_second_format(source: BinaryIO, head: bytes, name: str, first: str) -> None:
    """Raises Rejected when a file of the format ``first`` (zip, tar or packed) may be opened as another one too.

    A tar may hold a zip near its end, which unzip would open, as long as that stays inside its target as well.
    """
    source.seek(_ISO_9660[0])
    iso = source.read(len(_ISO_9660[1])) == _ISO_9660[1]
    if iso or (first != "tar" and has_checksum(head)) or (first != "zip" and _has_unsafe_zip(source)):
        unsound("E_SPECIAL_TYPE", name, "two archives in one file; pack it again")


def _has_unsafe_zip(source: BinaryIO) -> bool:
    """Whether the file ends with a zip that leaves its target; what is before such a zip, readers skip."""
    try:
        records = enumerate(directory_records(trailing_directory(source)))
        return any(number == _MOST_RECORDS or _leaves(record) for number, record in records)
    except (zipfile.BadZipFile, struct.error):
        return False
    except ValueError:
        return True


def _leaves(record: Record) -> bool:
    try:
        refuse_traversal(record.name.decode("cp437"))
    except ValueError:
        return True
    return stat.S_IFMT(record.attributes >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR)
