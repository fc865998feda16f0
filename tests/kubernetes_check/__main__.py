"""Asks the checker, by its path, of whole exports and of each broken object; 1 where it says what it should not.

python -m tests.kubernetes_check PROGRAM
"""

from __future__ import annotations

import copy
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stack.exports.yaml_out import document
from tests.unit.exports.export_samples import full, on_kubernetes, shipped
from tests.unit.exports.test_broken_objects import BROKEN, CORE

ONLY_A_SERVER = frozenset({"immutable map changed", "claim changed"})
"""What is wrong beside what was there before: only what remembers that can tell."""
NOBODY = frozenset({"port name too long", "probe on an unknown port", "removed version"})
"""What Kubernetes' own validation lets pass; our rules do not."""
NAMESPACES = "namespaces.yaml"


def main() -> int:
    """Prints a line an object, and what was not as it should be."""
    program = sys.argv[1]
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for export, files in (
            ("shipped", on_kubernetes(shipped()).files),
            ("full", on_kubernetes(full()).files),
        ):
            paths = [
                folder / path
                for path in sorted(files)
                if path.endswith(".yaml") and "kustomization" not in path
            ]
            for path in paths:
                path.write_bytes(files[path.name])
            began = time.perf_counter()
            ran = ask(program, [folder / NAMESPACES, *(p for p in paths if p.name != NAMESPACES)])
            print(f"{export}: {ran.stdout.splitlines()[-1]}, {time.perf_counter() - began:.2f} s")
            wrong += bool(ran.returncode)
            if ran.returncode:
                print(ran.stdout)
        for case, (kind, _, breaking) in BROKEN.items():
            found = next(
                (o for o in CORE if o["kind"] == kind and o["metadata"]["name"] == "prometheus"), None
            )
            found = found or next((one for one in CORE if one["kind"] == kind), None)
            if found is None or case in ONLY_A_SERVER:
                continue
            broken = copy.deepcopy(found)
            breaking(broken)
            (folder / "broken.yaml").write_text(document(broken))
            ran = ask(program, [folder / NAMESPACES, folder / "broken.yaml"])
            refused = ran.returncode == 1
            wrong += refused == (case in NOBODY)
            said = ran.stdout.splitlines()[0][:140] if refused else "passes"
            print(f"{case:<32} {said}")
    return int(bool(wrong))


def ask(program: str, paths: list[Path]) -> subprocess.CompletedProcess[str]:
    """One run of the checker."""
    return subprocess.run([program, *map(str, paths)], capture_output=True, text=True, check=False)


if __name__ == "__main__":
    raise SystemExit(main())
