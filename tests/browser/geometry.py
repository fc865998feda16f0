"""Whether what is drawn can be read: boxes of a page, asked of the browser, and a coarse look at its picture."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tests.browser.chromium import Chromium

HERE = Path(__file__).parent
OVERLAPS = (HERE / "geometry.js").read_text("utf-8")
GRID = (HERE / "shades.js").read_text("utf-8").rstrip()
COLUMNS, ROWS = 26, 20


def faults_of(browser: Chromium) -> list[str]:
    """What overlaps, leaves its place or is not drawn; empty where all can be read."""
    found: list[str] = browser.run(OVERLAPS)
    return sorted(set(found))


def shades(browser: Chromium, picture: bytes) -> list[int]:
    """The picture as few grey cells: what stays the same whatever the fonts of a machine are."""
    text = json.dumps(base64.b64encode(picture).decode())
    found: list[int] = browser.run(f"{GRID}({text}, {COLUMNS}, {ROWS})")
    return found


def difference(one: list[int], other: list[int]) -> dict[str, Any]:
    """How far two pictures are apart: on the average of all cells, and the share of cells that differ a lot."""
    apart = [abs(a - b) for a, b in zip(one, other, strict=True)]
    return {"mean": sum(apart) / len(apart), "far": sum(gap > 40 for gap in apart) / len(apart)}
