"""Text that never shows itself by accident."""

from __future__ import annotations


class Secret(str):
    """A password or token; ``reveal()`` gives the text, everything else hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def reveal(self) -> str:
        """The text itself."""
        return "".join(self)
