"""Commands of the stack as a person at the node runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.kubernetes_node.node import Node
from tests.kubernetes_node.parts import ROOT


class Stack:
    """Commands of the stack, inside the node's network, with a home of their own."""

    def __init__(self, node: Node, home: Path, refs: Mapping[str, str]) -> None:
        self.node, self.home = node, home
        self.named = {f"STACK_{name.upper()}_IMAGE": ref for name, ref in refs.items()}

    def at(self, home: Path) -> Stack:
        """The same in another home."""
        other = Stack(self.node, home, {})
        other.named = self.named
        return other

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """How it ended."""
        told = {**self.named, "STACK_HOME": str(self.home), "PYTHONPATH": str(ROOT)}
        argv = (*self.node.inside, sys.executable, "-m", "stack", *words)
        environment = {**self.node.environment, **told}
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)

    def export(self, *words: str) -> Any:
        """What an export says; a failure ends everything."""
        made = self.run("export", *words, "--json")
        if made.returncode:
            raise SystemExit(f"export {' '.join(words)}: {made.stdout}{made.stderr}")
        return json.loads(made.stdout)
