"""The files of one receiver as a person would write them, and what is wrong with what was asked for. Pure."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from stack.cli.own_change import OwnFile
from stack.common.errors import UsageError
from stack.common.toml_text import NoToml, load_toml
from stack.components.own_paths import OWN_RECEIVERS, OWN_SECRETS
from stack.components.own_toml import Wrong, parsed
from stack.components.receiver_options import SECRET_WORDS, SHORT
from stack.components.receivers import SUFFIX, read

PRIVATE = 0o600
WORD = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
LISTS = ("severities", "components", "jobs", "matchers", "quiet_hours")


class Wish(Struct, frozen=True):
    """One receiver as it was asked for. ``secret`` is to be kept, ``secret_file`` the path of one in own/ already."""

    name: str
    kind: str
    lists: Mapping[str, list[str]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict)
    secret: bytes = b""
    secret_file: str = ""


def path_of(name: str) -> str:
    """The file of a receiver."""
    return f"{OWN_RECEIVERS}{name}{SUFFIX}"


def kept_secret(name: str) -> str:
    """Where the secret of a receiver is kept that was given from elsewhere."""
    return f"{OWN_SECRETS}receivers/{name}"


def words_of(texts: Iterable[str]) -> dict[str, Any]:
    """``WORD=VALUE`` as values by word: a number, true, false or a list where it is one of TOML, else a text."""
    found: dict[str, Any] = {}
    for text in texts:
        word, equals, value = text.partition("=")
        if not equals or not WORD.fullmatch(word.strip()):
            raise UsageError(f"--set {text}: must be WORD=VALUE", hint="docs/receivers.md lists the words")
        found[word.strip()] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    try:
        value = load_toml(f"value = {text}")["value"]
    except NoToml:
        return text
    return value if isinstance(value, str | bool | int | float | list | dict) else text


def files_of(wish: Wish) -> tuple[OwnFile, ...]:
    """The receiver's file, and its secret where it is to be kept; ``UsageError`` for what it could not say."""
    path = path_of(wish.name)
    secret_file = wish.secret_file or (kept_secret(wish.name) if wish.secret else "")
    told = {"type": wish.kind, **_secret_word(wish, secret_file), **wish.words, **wish.lists, **wish.texts}
    lines = [f"# Receiver {wish.name}: who hears of alerts (docs/receivers.md).", *_lines(told)]
    content = "\n".join((*lines, "")).encode()
    try:
        read(wish.name, path, parsed(content))
    except Wrong as wrong:
        raise UsageError(str(wrong), hint=wrong.hint) from None
    kept = (OwnFile(secret_file, wish.secret, PRIVATE),) if wish.secret else ()
    return (*kept, OwnFile(path, content))


def _secret_word(wish: Wish, secret_file: str) -> dict[str, str]:
    if not secret_file:
        return {}
    word = SECRET_WORDS.get(wish.kind)
    if word is None:
        near = difflib.get_close_matches(wish.kind, SECRET_WORDS, n=1)
        meant = f"did you mean {near[0]}? Else " if near and wish.kind not in SHORT else ""
        hint = f"{meant}name its files with --set OPTION_file=own/secrets/NAME"
        raise UsageError(f"it is not known which option of {wish.kind} --secret-file is", hint=hint)
    return {f"{word}_file": secret_file}


def _lines(told: Mapping[str, Any]) -> Iterable[str]:
    return (f"{word} = {_toml(value)}" for word, value in told.items() if value not in ("", [], None))


def _toml(value: object) -> str:
    """Texts, numbers and lists of them are written alike in JSON and TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
