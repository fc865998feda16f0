"""Says which native files are not used, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import to_builtins

from stack.cli.printer import Printer
from stack.model.left_out import LeftOut, shown

SHOWN = 5


def line_of(one: LeftOut) -> str:
    """The file, the reason and the remedy."""
    return f"{one}: {one.hint}" if one.hint else str(one)


def tell_left_out(printer: Printer, found: Iterable[LeftOut]) -> None:
    """A warning for each file that somebody may expect to be used."""
    unexpected = [one for one in found if one.weight == "unused"]
    for one in unexpected[:SHOWN]:
        printer.warning(f"not used: {line_of(one)}")
    if len(unexpected) > SHOWN:
        printer.warning(f"not used: {len(unexpected) - SHOWN} more files; validate names them")


def left_out_document(found: Iterable[LeftOut]) -> list[dict[str, Any]]:
    """The same for JSON."""
    return [{**to_builtins(one), "path": shown(one.path)} for one in found]
