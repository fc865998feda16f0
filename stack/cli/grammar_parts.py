"""What the grammar of the command line is made of: commands and their options, as values."""

from __future__ import annotations

import argparse
from typing import Any

from msgspec import Struct


class Option(Struct, frozen=True):
    """One argument: its flags and what argparse is told about it."""

    flags: tuple[str, ...]
    told: dict[str, Any]


class Command(Struct, frozen=True):
    """One command: its words, purpose, handler as ``module:function`` below ``stack.cli``, and its own options.

    ``only_shows``: it has nothing to finish once nobody reads its output any more.
    ``actions``: the commands below it, such as ``add``; then it has no handler of its own.
    """

    name: str
    purpose: str
    handler: str = ""
    options: tuple[Option, ...] = ()
    only_shows: bool = False
    actions: tuple[Command, ...] = ()


def flag(*flags: str, **told: Any) -> Option:
    """An option that is there or not."""
    return Option(flags, {"action": "store_true", **told})


def value(*flags: str, **told: Any) -> Option:
    """An option or argument with a value."""
    return Option(flags, told)


DRY_RUN = flag("--dry-run", help="print the plan and change nothing")

OUTPUT = value("-o", "--output", metavar="DIR", help="folder that is written")
COMPONENTS_HELP = "component (docs/settings.md lists them)"
CHOICE = (
    value("--with", dest="with_", action="append", default=[], metavar="C", help=f"add a {COMPONENTS_HELP}"),
    value("--without", action="append", default=[], metavar="C", help=f"leave out a {COMPONENTS_HELP}"),
)
"""Components that are switched for once."""


def given(options: argparse.Namespace) -> dict[str, str]:
    """What the command line says in place of settings, by path; ``upgrade`` names images."""
    named: dict[str, str] = getattr(options, "images", {})
    return {k: getattr(options, k) for k in ("name", "port_base", "bind") if getattr(options, k)} | named
