"""Texts of others, as a terminal or a log may show them: on one line, and without control characters."""

from __future__ import annotations

import re

LOGIN = re.compile(r"\A(\w+://)?.*@", re.DOTALL)


def printable(text: str) -> str:
    """The text with line breaks as spaces and each character that is not printable as its escape."""
    line = " ".join(text.splitlines()) if "\n" in text or "\r" in text else text
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)


def without_login(text: str) -> str:
    """An address or URL without what may be a password in it."""
    return LOGIN.sub(r"\1...@", text)
