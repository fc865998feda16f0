"""A copy of the tree with one more component, as docs/architecture.md says: its file, its native files, its entry."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples/component"
LISTED = "stack/components/__init__.py"


def copy_with_apache_exporter(folder: Path) -> tuple[Path, list[str]]:
    """The copy, and the files that were touched in it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    tree = folder / "tree"
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    added = {"apache_exporter.py": "stack/components/apache_exporter.py"}
    for path in (EXAMPLE / "prometheus").rglob("*.yml"):
        name = path.relative_to(EXAMPLE).as_posix()
        added[name] = name
    for source, target in added.items():
        shutil.copy2(EXAMPLE / source, tree / target)
    _enter(tree / LISTED)
    return tree, sorted([*added.values(), LISTED])


def _enter(path: Path) -> None:
    """Its entry in the list, with the import."""
    text = path.read_text(encoding="utf-8")
    before = "COMPONENTS: tuple[Component, ...] = ("
    assert text.count(before) == 1
    line = f"from stack.components.apache_exporter import APACHE_EXPORTER\n\n{before}APACHE_EXPORTER, "
    path.write_text(text.replace(before, line), encoding="utf-8")
