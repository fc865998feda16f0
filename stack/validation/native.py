"""What native files say of each other: files that they name, and whether the main file's patterns load them. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from stack.common import yaml_edit as edit
from stack.common.errors import ConfigurationInvalid
from stack.common.yaml_paths import NamedFile, named_files
from stack.model.found import FileFound
from stack.model.left_out import shown
from stack.model.patterns import loads
from stack.model.spec import CONFIG_ROOT, CURRENT, SECRETS, TARGETS, ConfigFile

INSIDE = f"{CONFIG_ROOT}/{CURRENT}/{SECRETS}/"
TARGETS_INSIDE = f"{CONFIG_ROOT}/{TARGETS}/"
OF_THE_IMAGE = ("/etc/ssl/", "/etc/pki/", "/usr/", f"{CONFIG_ROOT}/")
"""Where an absolute path can lead to something: a container sees no file of any machine."""
NAME_IT = "put the file into own/secrets/ and name it own/secrets/NAME"
OWN = "own/"
MADE_OF = re.compile(rb"  # ((?:own/receivers/|stack\.toml \[).*)$")
"""Ends a line of ours that is made of something else than the file it stands in."""
KIND = re.compile(rb'"([a-z0-9]+)_configs"')
LACKING = re.compile(r"no global \w+ ([\w ]+?) set\b")
OPTION = re.compile(rb'"([a-z0-9_]+)": ')
SPOKEN_OF = {b"email": ("email", "smtp")}
"""How amtool calls an integration where not by its name."""
WILD = "*?["
TLS = (b"ca_file", b"cert_file")


def check_named_files(files: Iterable[ConfigFile]) -> None:
    """Every file that a value names is there, and a certificate or key is one; ``ConfigurationInvalid`` names key,
    file and line.
    """
    listed = tuple(files)
    there = {file.path for file in listed}
    secrets = {f"{INSIDE}{f.path.removeprefix(f'{SECRETS}/')}": f for f in listed if f.secret}
    for file in listed:
        if file.secret or not file.path.endswith((".yml", ".yaml")):
            continue
        for named in named_files(text_of(file)):
            if fault := _fault(named, there):
                raise wrong(file, f"{named.key}: {fault[0]}", fault[1], named.line)
        if any(word in file.content for word in TLS):
            from stack.validation.certificates import faults

            for key, what, hint, line in faults(text_of(file), secrets):
                raise wrong(file, f"{key}: {what}", hint, line)


def outside(files: Iterable[ConfigFile], ours: Iterable[str]) -> Iterator[tuple[ConfigFile, NamedFile]]:
    """The values that name files of the image itself; ``ours`` are the paths of files that the bundle puts there."""
    known = {f"{CONFIG_ROOT}/{path}" for path in ours}
    for file in files:
        if not file.secret and file.path.endswith((".yml", ".yaml")):
            for named in named_files(text_of(file)):
                in_image = not named.discovery and named.value.startswith(OF_THE_IMAGE)
                if in_image and posixpath.normpath(named.value) not in known:
                    yield file, named


def check_outside(
    named: Iterable[tuple[ConfigFile, NamedFile]], seen: Iterable[FileFound | None], image: str, user: str
) -> None:
    """What values name in the image is a file there that ``user`` (UID:GID) may read; ``seen`` in the same order."""
    for (file, value), found in zip(named, seen, strict=True):
        if fault := _unusable(found, user):
            raise wrong(
                file, f"{value.key}: {shown(value.value)} {fault} in image {image}", NAME_IT, value.line
            )


def _unusable(found: FileFound | None, user: str) -> str:
    if found is None:
        return "is not there"
    if found.kind != "file":
        return f"is a {found.kind}" if found.kind == "folder" else "is no file"
    uid = user.partition(":")[0]
    theirs = found.uid is None or uid == str(found.uid)
    everybody, owner = found.mode & 0o044, found.mode & 0o400 and theirs
    return "" if everybody or owner or uid in ("", "0") else f"is not readable for user {uid}"


def _fault(named: NamedFile, there: set[str]) -> tuple[str, str] | None:
    value = named.value
    if named.discovery:
        path = value.removeprefix(TARGETS_INSIDE)
        if path == value:
            hint = "put the file into own/prometheus/targets/ and name it own/prometheus/targets/NAME"
            return f"{shown(value)} is not in the container", hint
        if not any(sign in value for sign in WILD) and f"{TARGETS}/{path}" not in there:
            return f"own/prometheus/targets/{shown(path)} is missing", "put it there, or correct its name"
    elif value.startswith(INSIDE):
        name = value.removeprefix(INSIDE)
        if f"{SECRETS}/{name}" not in there:
            return f"own/secrets/{shown(name)} is missing or no file", "put it there, or correct its name"
    elif value and not value.startswith(OF_THE_IMAGE):
        return f"{shown(value)} is not in the container", NAME_IT
    return None


def check_loaded(files: Iterable[ConfigFile], main: str, key: str, folder: str) -> None:
    """Every file of the folder is loaded by a pattern that the main file has under ``key``.

    A main file of the user's own need not load what is shipped.
    """
    listed = tuple(files)
    found = next((file for file in listed if file.path == main), None)
    if found is None:
        return
    value = edit.member(edit.compose(text_of(found)), key)
    patterns = [edit.text_of(item) for item in edit.items(value)]
    needed = [f for f in listed if f.origin.startswith(OWN) or not found.origin.startswith(OWN)]
    for file in needed:
        if file.path.startswith(folder) and not loads(patterns, file.path):
            raise ConfigurationInvalid(
                f"{place(file)}: no pattern under {key} of {place(found)} loads it",
                hint=f"it needs {folder}*{file.path[file.path.rindex('.') :]} there",
            )


def text_of(file: ConfigFile) -> str:
    """Its text, with what is none escaped."""
    return file.content.decode(errors="surrogateescape")


def place(file: ConfigFile, component: str = "") -> str:
    """The file by the path that people know."""
    return shown(file.origin or f"{component}/{file.path}".lstrip("/"))


def wrong(file: ConfigFile, what: str, hint: str, line: int) -> ConfigurationInvalid:
    """The error that names file and line; ``line`` is that of the rendered file."""
    return ConfigurationInvalid(f"{known_place(file, line)}: {what}", hint=hint)


def known_place(file: ConfigFile, line: int) -> str:
    """Where people find what stands in ``line`` of ours: their file and line, or the place that the line names."""
    lines = file.content.splitlines()
    made = MADE_OF.search(lines[line - 1]) if file.source and 0 < line <= len(lines) else None
    return made[1].decode(errors="replace") if made else f"{place(file)}:{known_line(file, line)}"


def known_line(file: ConfigFile, line: int) -> int:
    """The line of the file as people have it that became ``line`` of ours; the one before it where none did."""
    if not file.source:
        return line
    ours, theirs = file.content.splitlines(), file.source.splitlines()
    import difflib  # what is right needs none

    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    for _, first, last, other, end in matcher.get_opcodes():
        if first < line <= last:
            return min(other + line - first, max(end, other))
    return line


def made_of(files: Iterable[ConfigFile], said: str) -> str:
    """The places whose lines of ours are of a kind that a tool speaks of without a line, such as Slack; else empty.

    Of a sentence about an option that is missing only those are meant that lack it.
    """
    words, lacking = said.lower(), LACKING.search(said)
    found: dict[str, bool] = {}
    for file in files:
        for line in file.content.splitlines() if file.source else ():
            place_of, kind = MADE_OF.search(line), KIND.search(line)
            if place_of and kind and any(one in words for one in SPOKEN_OF.get(kind[1], (kind[1].decode(),))):
                has = lacking is not None and _has(line[: place_of.start()], lacking[1])
                found[place_of[1].decode(errors="replace")] = has
    return " or ".join([one for one, has in found.items() if not has] or found)


def _has(line: bytes, option: str) -> bool:
    """Whether a receiver of ours has an option, which is called as amtool does: ``API Key``."""
    wanted = option.replace(" ", "").lower()
    names = (name.decode().removesuffix("_file").replace("_", "") for name in OPTION.findall(line))
    return any(name.endswith(wanted) for name in names)
