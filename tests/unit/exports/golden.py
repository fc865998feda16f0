"""Files of exports compared with ``tests/golden/``; ``python -m tests.unit.exports.golden`` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.exports.export_samples import for_operator, full, on_kubernetes, shipped

GOLDEN = Path(__file__).parents[2] / "golden"
KUBERNETES = (
    "README.md",
    "alertmanager.yaml",
    "kustomization.yaml",
    "namespaces.yaml",
    "network.yaml",
    "node-exporter.yaml",
)
"""Of the shipped stack: what does not change with each dashboard."""
DIGEST = re.compile(rb"(files!=|-[0-9]-)[0-9a-f]{10,16}")
OPERATOR = ("README.md", "receivers.yaml", "scraping.yaml")
"""Of the full one."""


def files() -> dict[Path, bytes]:
    """What they should hold: without what follows from contents, which change with every shipped file."""
    plain, objects = on_kubernetes(shipped()).files, for_operator(full()).files
    found = {GOLDEN / "kubernetes" / name: plain[name] for name in KUBERNETES} | {
        GOLDEN / "operator" / name: objects[name] for name in OPERATOR
    }
    return {path: DIGEST.sub(rb"\1DIGEST", content) for path, content in found.items()}


if __name__ == "__main__":
    for path, content in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
