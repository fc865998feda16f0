"""``python -m stack.dashboards``: renders every generated file into the checkout that this package lies in.

It writes only what ``render`` names and must never touch another file.
"""

from __future__ import annotations

from pathlib import Path

from stack.dashboards import render

ROOT = Path(__file__).parents[2]


def write(root: Path = ROOT) -> tuple[str, ...]:
    """Writes each rendered file that differs from what is there; the paths written."""
    changed = []
    for path, text in render().items():
        target = root / path
        if not target.is_file() or target.read_text("utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
            changed.append(path)
    return tuple(changed)


if __name__ == "__main__":
    write()
