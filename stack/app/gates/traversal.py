"""Whether a reader of a path would leave the root: the path is judged in every form that a later decoder could
give it.

Decoders are percent-decoding until nothing changes (overlong UTF-8 of RFC 3629 and ``%u`` escapes included),
character references (HTML), compatibility characters (NFKC) and the best fits of Windows' code pages. It judges
text and must never touch a disk. Every refusal is a ValueError with a hint.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from html import unescape
from typing import Final
from urllib.parse import unquote_to_bytes

_MAX_DECODINGS: Final = 8
_UNICODE_ESCAPE: Final = re.compile(r"%u([0-9A-Fa-f]{4})")
# Lax decoders take [\x40-\x5f] for a continuation byte too (%e0%40%ae).
_OVERLONG: Final = re.compile(
    rb"[\xc0\xc1]|\xe0[\x40-\x5f\x80-\x9f]|\xf0[\x80-\x8f]|\xf8[\x80-\x87]|\xfc[\x80-\x83]"
)

# A shell reads ~ and ~name as a home folder, ~+ and ~- as working folders; a leading ./ changes nothing.
_ELSEWHERE: Final = re.compile(r"(?:\.?/)*(?:[A-Za-z]:|~[\w+-]*(?:/|\Z))", re.ASCII)
# Compatibility characters stand in ordinary names, too: a full-width colon follows many a single letter.
_ELSEWHERE_ALIKE: Final = re.compile(r"(?:\.?/)*(?:[A-Za-z]:|~)(?:/|\Z)")

_DOT: Final = r"(?:\.|0x2e)"
_SEPARATOR: Final = r"(?:0x2f|0x5c|[/∕⁄∖⧵⧸⧹¥₩\uefc8\uf025])"
_BLANKS: Final = r"[\x00-\x20\x7f-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*"
# Two dots or more, with what some parsers strip from them: blanks, and what follows ; ? # or a broken escape.
_CLIMB: Final = re.compile(
    rf"(?:\A|{_SEPARATOR}){_BLANKS}(?:{_DOT}{_BLANKS}){{2,}}(?={_SEPARATOR}|[;?#%]|\Z)", re.IGNORECASE
)


def refuse_traversal(path: str) -> None:
    """Raises ValueError with a hint when a reader of the path would leave the root, or arrive at the root itself."""
    _refuse_readings(path, str, _ELSEWHERE)


def refuse_disguised_traversal(path: str) -> None:
    """The same with character references and compatibility characters; for paths of bounded length only, since
    normalising a long run of combining marks takes quadratic time."""
    if not path.isascii() or "%" in path or "&" in path:
        _refuse_readings(path, _compatible, _ELSEWHERE_ALIKE)


def _compatible(form: str) -> str:
    return unicodedata.normalize("NFKC", unescape(form))


def _refuse_readings(path: str, fold: Callable[[str], str], elsewhere: re.Pattern[str]) -> None:
    form = fold(path)
    for _ in range(_MAX_DECODINGS):
        _refuse_form(form, elsewhere)
        decoded = _decoded(form)
        if decoded.count("/") != form.count("/"):
            raise ValueError("remove the encoded separators")
        decoded = fold(decoded)
        if decoded == form:
            return
        form = decoded
    raise ValueError("remove the repeated encoding")


def _refuse_form(form: str, elsewhere: re.Pattern[str]) -> None:
    """Refuses one of the readings of a path."""
    if form.startswith("/"):
        raise ValueError("use a relative path, not an absolute one")
    if "\\" in form or "\0" in form:
        raise ValueError("remove backslashes and NUL, which others read as separator and end")
    if elsewhere.match(form):
        raise ValueError("use a relative path, not one on a drive or in a home folder (~)")
    if _CLIMB.search(form):
        raise ValueError("remove the .. segments")
    if not form.strip("./"):
        raise ValueError("name a file or folder inside the root")


def _decoded(form: str) -> str:
    if "%" not in form:
        return form
    data = unquote_to_bytes(
        _UNICODE_ESCAPE.sub(lambda match: chr(int(match[1], 16)), form).encode("utf-8", "replace")
    )
    if _OVERLONG.search(data):
        raise ValueError("remove the overlong UTF-8 sequence (RFC 3629)")
    return data.decode("utf-8", "replace")
