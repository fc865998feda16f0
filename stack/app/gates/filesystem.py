"""filesystem_gate: may this relative path be used inside a root? The value is the path in NFC with single
slashes and without dot segments; it always stays inside the root.

Order of the checks: traversal, path length, depth, segment length, portability, collision, symbolic links. With
a root the folders on disk are read; without one it is pure. It must never create, open or change a file.
"""

from __future__ import annotations

import errno
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NoReturn

from stack.app.gates.names import collision_key, why_not_portable
from stack.app.gates.policy import PathPolicy
from stack.app.gates.traversal import refuse_disguised_traversal, refuse_traversal
from stack.app.gates.types import Accepted, Rejected

GATE: Final = "filesystem_gate"

_MAX_CHARACTERS: Final = 65536
_MAX_COMPOSED: Final = 4  # characters that NFC makes one of, at most (UAX 15)


def check_path(
    path: str, policy: PathPolicy, root: Path | None = None, siblings: Iterable[str] = ()
) -> Accepted[str]:
    """Accept a relative path. ``siblings`` are names in the same folder, or whole paths under the root.

    Raises Rejected with one of the six codes of filesystem_gate; an empty path is E_TRAVERSAL, since it names
    the root itself.
    """
    _refuse_length(path, len(path), _MAX_CHARACTERS, policy)
    try:
        refuse_traversal(path)
        _refuse_length(path, len(path), _MAX_COMPOSED * policy.max_path_bytes, policy)
        refuse_disguised_traversal(path)
    except ValueError as fault:
        _reject("E_TRAVERSAL", path, str(fault))
    given = [segment for segment in path.split("/") if segment not in ("", ".")]
    segments = [unicodedata.normalize("NFC", segment) for segment in given]
    _refuse_size(path, segments, policy)
    for segment in segments:
        why = why_not_portable(segment)
        if why is not None:
            _reject("E_PORTABILITY", path, why)
    _refuse_collision(path, given, siblings, policy)
    if root is not None:
        _refuse_on_disk(path, segments, root, policy)
    return Accepted(GATE, "/".join(segments))


def _refuse_length(path: str, length: int, limit: int, policy: PathPolicy) -> None:
    if length > limit:
        _reject("E_PATH_LEN", path, f"a path must have at most {policy.max_path_bytes} bytes")


def _refuse_size(path: str, segments: list[str], policy: PathPolicy) -> None:
    sizes = [len(segment.encode("utf-8", "surrogatepass")) for segment in segments]
    _refuse_length(path, sum(sizes) + len(sizes) - 1, policy.max_path_bytes, policy)
    if len(segments) > policy.max_depth:
        _reject("E_DEPTH", path, f"a path must have at most {policy.max_depth} levels")
    if max(sizes) > policy.max_segment_bytes:
        _reject("E_SEGMENT_LEN", path, f"a name must have at most {policy.max_segment_bytes} bytes")


def _refuse_collision(path: str, given: list[str], siblings: Iterable[str], policy: PathPolicy) -> None:
    others = list(siblings)
    own = [(name, collision_key(name)) for name in given] if others else []
    longest = _MAX_COMPOSED * policy.max_segment_bytes
    for sibling in others:
        names = [name for name in sibling.split("/") if name not in ("", ".")]
        for (name, key), other in zip(own if len(names) > 1 else own[-1:], names, strict=False):
            # The value is in NFC: a sibling that is not is another file, even when the path was given like it.
            if other == name and unicodedata.is_normalized("NFC", other):
                continue
            if len(other) <= longest and collision_key(other) == key:
                _reject(
                    "E_CASEFOLD_COLLISION", path, f"differs from {sibling!r} only by case or Unicode form"
                )
            break


def _refuse_on_disk(path: str, segments: list[str], root: Path, policy: PathPolicy) -> None:
    """Refuses symbolic links that leave the root, names that collide with what is on disk, and what can't be read."""
    top = root.resolve()
    folder = top
    try:
        for segment in segments:
            if folder.is_dir():
                _refuse_collision(path, [segment], (entry.name for entry in folder.iterdir()), policy)
            folder /= segment
            if folder.is_symlink():
                folder = _followed(folder)
                if not folder.is_relative_to(top):
                    _reject("E_TRAVERSAL", path, f"{segment!r} is a symbolic link that leaves the root")
    except OSError as fault:
        code = "E_PATH_LEN" if fault.errno == errno.ENAMETOOLONG else "E_TRAVERSAL"
        _reject(code, path, f"cannot be followed on disk ({fault.strerror})")


def _followed(link: Path) -> Path:
    """Where a link leads in the end; outside of every root when it never ends."""
    try:
        target = link.resolve()
        return Path() if target.is_symlink() else target
    except (OSError, RuntimeError):
        return Path()


def _reject(error_code: str, path: str, hint: str) -> NoReturn:
    raise Rejected(GATE, error_code, path, hint)
