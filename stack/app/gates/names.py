"""What a single name of a path may contain so that every file system takes it and nobody misreads it.

Windows' naming rules ("Naming Files, Paths, and Namespaces"), bidi controls (CVE-2021-42574), canonical caseless
matching (Unicode 3.13, D145) and the joiners that HFS+ ignores (CVE-2014-9390). It judges text and must never
touch a disk.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_RESERVED: Final = re.compile(r"(CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(COM|LPT)[0-9])", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(r'[<>:"|?*]')
_INVISIBLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\uffff\U000e0001\ud800-\udfff]"
)


def why_not_portable(name: str) -> str | None:
    """The reason why some operating system refuses or misreads a name; None when all take it."""
    if _INVISIBLE.search(name):
        return "remove control, bidi and invisible characters"
    if _FORBIDDEN.search(name):
        return 'remove the characters < > : " | ? *, which Windows refuses'
    if name.endswith(".") or name != name.rstrip():
        return "a name must not end with a dot or a blank, which Windows drops"
    # Windows takes COM¹ for COM1, and its best-fit conversion makes CON of full-width letters.
    plain = name if name.isascii() else unicodedata.normalize("NFKC", name)
    if _RESERVED.fullmatch(plain.partition(".")[0].rstrip(" ")):
        return "rename it; Windows reserves this name for a device"
    return None


def collision_key(name: str) -> str:
    """Equal for names that a caseless or normalising file system takes for one."""
    visible = name.replace("\u200c", "").replace("\u200d", "")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", visible).casefold())
