"""TOML files of the user's own: one thing each, such as a server that is watched, or why it cannot be used. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from stack.common.toml_text import NoToml, load_toml

CALLED: dict[type, str] = {str: "text", int: "number", list: "list of texts", dict: "table"}


class Fault(Struct, frozen=True):
    """Why a file cannot be used, and the remedy."""

    path: str
    why: str
    hint: str


class Wrong(Exception):
    """What is wrong with a value, and the remedy."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.hint = hint


@lru_cache(maxsize=64)
def parsed(content: bytes) -> dict[str, Any]:
    """The document; ``Wrong`` where it is none."""
    try:
        return load_toml(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Wrong(f"it is no UTF-8 text: {error}", "save it as UTF-8") from error
    except NoToml as error:
        raise Wrong(f"it is no TOML: {error}", "correct the TOML") from error


def document_of(content: bytes, words: Mapping[str, type]) -> dict[str, Any]:
    """The document, whose keys are among ``words`` and have values of their kind; ``Wrong`` where one has not."""
    document: dict[str, Any] = parsed(content)
    for key, value in document.items():
        if key not in words:
            raise Wrong(f"unknown key {key}", f"known are {', '.join(words)}")
        if not isinstance(value, words[key]) or isinstance(value, bool):
            raise Wrong(f"{key}: {value!r} is no {CALLED[words[key]]}", "correct the value")
    return document
