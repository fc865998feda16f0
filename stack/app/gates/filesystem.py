"""filesystem_gate: may this relative path be used inside a root? The value is the path in NFC with single
slashes and without dot segments; it always stays inside the root.

Order of the checks: traversal, path length, depth, segment length, portability, collision, symbolic links. The
path is judged in every form that a later decoder could give it: percent-decoding until nothing changes,
overlong UTF-8 (RFC 3629), ``%u`` escapes and compatibility characters (NFKC). With a root the folders on disk
are read; without one it is pure. It must never create, open or change a file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import unquote_to_bytes

from stack.app.gates.names import collision_key, why_not_portable
from stack.app.gates.policy import PathPolicy
from stack.app.gates.types import Accepted, Rejected

GATE: Final = "filesystem_gate"

_DRIVE: Final = re.compile(r"[A-Za-z]:")
_UNICODE_ESCAPE: Final = re.compile(r"%u([0-9A-Fa-f]{4})")
_OVERLONG: Final = re.compile(rb"[\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]")
_MAX_DECODINGS: Final = 8
_MAX_CHARACTERS: Final = 65536


def check_path(
    path: str, policy: PathPolicy, root: Path | None = None, siblings: Iterable[str] = ()
) -> Accepted[str]:
    """Accept a relative path. ``siblings`` are names in the same folder, or whole paths under the root.

    Raises Rejected with one of the six codes of filesystem_gate; an empty path is E_TRAVERSAL, since it names
    the root itself.
    """
    if len(path) > _MAX_CHARACTERS:
        _reject("E_PATH_LEN", path, f"a path must have at most {policy.max_path_bytes} bytes")
    _refuse_traversal(path)
    given = [segment for segment in path.split("/") if segment not in ("", ".")]
    segments = [unicodedata.normalize("NFC", segment) for segment in given]
    if not segments:
        _reject("E_TRAVERSAL", path, "name a file or folder inside the root")
    _refuse_size(path, segments, policy)
    for segment in segments:
        why = why_not_portable(segment)
        if why is not None:
            _reject("E_PORTABILITY", path, why)
    _refuse_collision(path, given, siblings)
    if root is not None:
        _refuse_on_disk(path, segments, root)
    return Accepted(GATE, "/".join(segments))


def _refuse_traversal(path: str) -> None:
    if path.startswith("/"):
        _reject("E_TRAVERSAL", path, "use a relative path, not an absolute one")
    if path.split("/", 1)[0] == "~":
        _reject("E_TRAVERSAL", path, "use a relative path; a shell reads ~ as a home folder")
    _refuse_readings(path, path)
    if not path.isascii():
        _refuse_readings(path, unicodedata.normalize("NFKC", path))


def _refuse_readings(path: str, form: str) -> None:
    """Refuses what later decoders could make of one form of a path."""
    _refuse_form(path, form)
    for _ in range(_MAX_DECODINGS):
        decoded = _decoded(path, form)
        if decoded == form:
            return
        if decoded.count("/") != form.count("/"):
            _reject("E_TRAVERSAL", path, "remove the encoded separators")
        _refuse_form(path, decoded)
        form = decoded
    _reject("E_TRAVERSAL", path, "remove the repeated percent-encoding")


def _refuse_form(path: str, form: str) -> None:
    """Refuses one of the readings of a path."""
    if "\\" in form or "\0" in form:
        _reject("E_TRAVERSAL", path, "remove backslashes and NUL, which others read as separator and end")
    if _DRIVE.match(form):
        _reject("E_TRAVERSAL", path, "use a relative path, not one on a drive")
    if ".." in form and any(_climbs(segment) for segment in form.split("/")):
        _reject("E_TRAVERSAL", path, "remove the .. segments")


def _climbs(segment: str) -> bool:
    """``..`` also with what some parsers strip from it: blanks, more dots, path parameters."""
    return ".." in segment and not segment.partition(";")[0].strip(" .\t")


def _decoded(path: str, form: str) -> str:
    if "%" not in form:
        return form
    data = unquote_to_bytes(
        _UNICODE_ESCAPE.sub(lambda match: chr(int(match[1], 16)), form).encode("utf-8", "replace")
    )
    if _OVERLONG.search(data):
        _reject("E_TRAVERSAL", path, "remove the overlong UTF-8 sequence (RFC 3629)")
    return data.decode("utf-8", "replace")


def _refuse_size(path: str, segments: list[str], policy: PathPolicy) -> None:
    sizes = [len(segment.encode("utf-8", "surrogatepass")) for segment in segments]
    if sum(sizes) + len(sizes) - 1 > policy.max_path_bytes:
        _reject("E_PATH_LEN", path, f"a path must have at most {policy.max_path_bytes} bytes")
    if len(segments) > policy.max_depth:
        _reject("E_DEPTH", path, f"a path must have at most {policy.max_depth} levels")
    if max(sizes) > policy.max_segment_bytes:
        _reject("E_SEGMENT_LEN", path, f"a name must have at most {policy.max_segment_bytes} bytes")


def _refuse_collision(path: str, segments: list[str], siblings: Iterable[str]) -> None:
    names = list(siblings)
    if not names:
        return
    full, last = "/".join(segments), segments[-1]
    full_key, last_key = collision_key(full), collision_key(last)
    for sibling in names:
        own, key = (full, full_key) if "/" in sibling else (last, last_key)
        if sibling != own and collision_key(sibling) == key:
            _reject("E_CASEFOLD_COLLISION", path, f"differs from {sibling!r} only by case or Unicode form")


def _refuse_on_disk(path: str, segments: list[str], root: Path) -> None:
    """Refuses symbolic links that leave the root, and names that collide with what is on disk."""
    top = root.resolve()
    folder = top
    for segment in segments:
        if folder.is_dir():
            _refuse_collision(path, [segment], (entry.name for entry in folder.iterdir()))
        folder /= segment
        if folder.is_symlink():
            folder = _followed(folder)
            if not folder.is_relative_to(top):
                _reject("E_TRAVERSAL", path, f"{segment!r} is a symbolic link that leaves the root")


def _followed(link: Path) -> Path:
    """Where a link leads in the end; outside of every root when it never ends."""
    try:
        target = link.resolve()
        return Path() if target.is_symlink() else target
    except (OSError, RuntimeError):
        return Path()


def _reject(error_code: str, path: str, hint: str) -> NoReturn:
    raise Rejected(GATE, error_code, path, hint)
