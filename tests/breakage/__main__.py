"""``python -m tests.breakage [NAME] [--leave]``: lists the rows, or breaks a stack of its own by one and judges it.

The stack lies below .stack/breakage of the checkout and runs on, for the next NAME; ``--away`` removes it.
"""

from __future__ import annotations

import argparse
import sys

from tests.breakage.breakage import Breakage
from tests.breakage.conftest import BASES, NAMES, anew, extras
from tests.breakage.hands import python_image
from tests.breakage.judge import judge
from tests.breakage.server import gone
from tests.breakage.table import ALL, BY_NAME
from tests.e2e.stack_command import ROOT, Stack
from tests.grafana_standin.image import build_image

HOME = ROOT / ".stack" / "breakage"


def stack_of(row: Breakage) -> Stack:
    """The stack for a row, running and proven."""
    from tests.breakage.hands import api

    home = HOME / row.on
    extra = extras(row.on, build_image(api(), base=python_image()) if row.on == "whole" else "")
    if (home / "prometheus").is_dir():
        stack = Stack(NAMES[row.on], BASES[row.on], home, extra)
    else:
        home.mkdir(parents=True, exist_ok=True)
        stack = Stack.make(NAMES[row.on], BASES[row.on], home, **extra)
    if stack("start").code:
        anew(stack)
    return stack


def practise(row: Breakage, leave: bool) -> None:
    """Breaks it, and either leaves it so with the way to ask, or judges the whole row aloud."""
    stack = stack_of(row)
    if not leave:
        print(judge(stack, row, told=print))
        return
    row.how(stack)
    own = ("STACK_NAME", "STACK_PORT_BASE", "STACK_HOME", *stack.extra, *row.environment)
    values = {**stack.environment, **row.environment}
    print(" ".join(f"{name}={values[name]}" for name in own), stack.script, "smoke")


def away() -> None:
    """Removes the stacks of all kinds."""
    for kind, name in NAMES.items():
        if (HOME / kind).is_dir():
            stack = Stack(name, BASES[kind], HOME / kind)
            gone(stack)
            stack.away()


def main() -> int:
    """0 where the row holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.breakage", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(BY_NAME), metavar="NAME")
    parser.add_argument("--leave", action="store_true", help="break only, and print how to ask")
    parser.add_argument("--away", action="store_true", help="remove the stacks of this command")
    options = parser.parse_args()
    if options.away:
        away()
    elif options.name:
        practise(BY_NAME[options.name], options.leave)
    else:
        for row in ALL:
            print(f"{row.name:<34} {row.start:<9} {row.entry}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
