"""How much of a long work is done, read from the engine's own lines: layers of a pull, steps of a build.

A line that says nothing of the kind is left as it is; nothing is guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LAYER = re.compile(
    r"(?P<layer>\w+) (?P<doing>Downloading|Reading|Download complete|Extracting|Pull complete|Already exists)\b"
)
SIZES = re.compile(r"(?P<done>[\d.]+) ?(?P<unit>[kMGT]?B)/(?P<total>[\d.]+) ?(?P<of>[kMGT]?B)")
STEP = re.compile(r"Step (?P<number>\d+)/(?P<count>\d+) : (?P<text>.*)")
UNITS = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
MEGA = 1e6
BUILDER = ("--->", "Removing intermediate container")
"""Beginnings of lines in which the builder speaks of its own containers and images."""
IN_PLACE = ("Download complete", "Extracting", "Pull complete")


@dataclass
class Amount:
    """What the lines of one image have told so far. ``share`` is 0 to 1, None while nobody knows."""

    share: float | None = None
    _step: str = ""
    _layers: dict[str, tuple[float, float]] = field(default_factory=dict)

    def hear(self, line: str) -> str:
        """Takes the line in and returns what to show for it."""
        if step := STEP.fullmatch(line):
            self.share = (int(step["number"]) - 1) / int(step["count"])
            self._step = step["text"]
            return self._step
        if self._step and line.lstrip().startswith(BUILDER):
            return self._step
        if layer := LAYER.match(line):
            return self._layer(layer["layer"], layer["doing"], SIZES.search(line)) or line
        return line

    def _layer(self, layer: str, doing: str, sizes: re.Match[str] | None) -> str:
        """Bytes of the layers whose size the registry has told; empty while it has told none."""
        if doing in ("Downloading", "Reading") and sizes:
            self._layers[layer] = (_bytes(sizes["done"], sizes["unit"]), _bytes(sizes["total"], sizes["of"]))
        elif doing in IN_PLACE and layer in self._layers:
            self._layers[layer] = (self._layers[layer][1],) * 2
        total = sum(of for _, of in self._layers.values())
        if not total:
            return ""
        done = sum(held for held, _ in self._layers.values())
        self.share = done / total
        return f"{done / MEGA:.1f} of {total / MEGA:.1f} MB"


def _bytes(number: str, unit: str) -> float:
    return float(number) * UNITS[unit]
