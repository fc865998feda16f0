"""Reads TOML; what is none has one error, whatever is wrong with it."""

from __future__ import annotations

from typing import Any


class NoToml(ValueError):
    """The text is no TOML: why, with line and column where they are known."""


def load_toml(text: str) -> dict[str, Any]:
    """The document; ``NoToml`` where it is none."""
    import tomllib

    try:
        return tomllib.loads(text)
    except ValueError as error:  # a number of thousands of digits, too
        raise NoToml(str(error)) from error
    except RecursionError as error:
        raise NoToml("nested too deep") from error
