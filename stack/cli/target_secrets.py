"""Files that a target is given: read, judged, and kept below own/secrets/ where they lie elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from stack.cli.own_change import OwnFile
from stack.common.errors import UsageError
from stack.targets.files import free_path
from stack.targets.jobs import SECRETS

SECRET_MODE = 0o600
MOST_BYTES = 1 << 20
CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


class Given(Struct, frozen=True):
    """Paths below own/secrets/ as the job names them; ``files`` are those to be written there."""

    token: str = ""
    user: str = ""
    password: str = ""
    authority: str = ""
    files: tuple[OwnFile, ...] = ()


def given_files(options: argparse.Namespace, name: str, tree: Mapping[str, bytes]) -> Given:
    """What the options name; ``UsageError`` where a file holds no such thing, never with its content."""
    given = Given()
    if options.token_file and options.basic_auth_file:
        raise UsageError("--token-file and --basic-auth-file are two ways to log in", hint="give one of them")
    if options.token_file:
        content = _line("--token-file", options.token_file)
        if content.lower().startswith(b"bearer "):
            said = f"--token-file {options.token_file}: it begins with Bearer, which is sent before it anyway"
            raise UsageError(said, hint="the token alone")
        path, files = _kept(options.token_file, f"{name}.token", content, tree)
        given = replace(given, token=path, files=files)
    if options.basic_auth_file:
        user, sign, password = _line("--basic-auth-file", options.basic_auth_file).decode().partition(":")
        if not sign or not user or not password:
            raise UsageError(f"--basic-auth-file {options.basic_auth_file}: not of the form user:password")
        path, files = _copied(f"{name}.password", password.encode(), tree)
        given = replace(given, user=user, password=path, files=files)
    if options.ca_file:
        content = _read("--ca-file", options.ca_file)
        if CERTIFICATE not in content:
            hint = "a file in PEM format, as openssl writes it"
            raise UsageError(f"--ca-file {options.ca_file}: it holds no certificate", hint=hint)
        path, files = _kept(options.ca_file, f"{name}.ca.pem", content, tree)
        given = replace(given, authority=path, files=(*given.files, *files))
    return given


def _kept(file: str, name: str, content: bytes, tree: Mapping[str, bytes]) -> tuple[str, tuple[OwnFile, ...]]:
    """The path as the job names it; a file that lies there already is named, not copied."""
    there = Path(file).as_posix()
    if there.startswith(SECRETS) and there in tree:
        return there, ()
    return _copied(name, content, tree)


def _copied(name: str, content: bytes, tree: Mapping[str, bytes]) -> tuple[str, tuple[OwnFile, ...]]:
    path = f"{SECRETS}{name}"
    if path in tree and tree[path].rstrip(b"\r\n") != content.rstrip(b"\r\n"):
        stem, dot, ending = name.rpartition(".")
        path = free_path(tree, SECRETS, stem, f"{dot}{ending}")
    return path, (OwnFile(path, content, SECRET_MODE),)


def _line(option: str, file: str) -> bytes:
    """The one line of a secret."""
    content = _read(option, file).strip()
    if not content or not content.isascii() or any(byte < ord(" ") for byte in content):
        what = "it holds what it may not" if content else "it is empty"
        raise UsageError(f"{option} {file}: {what}", hint="one line of plain text")
    return content


def _read(option: str, file: str) -> bytes:
    try:
        with Path(file).open("rb") as opened:
            return opened.read(MOST_BYTES)
    except OSError as error:
        raise UsageError(
            f"{option} {file}: {error.strerror or error}", hint="name a file that can be read"
        ) from None
