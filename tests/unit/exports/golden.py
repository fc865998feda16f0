"""Files of exports compared with ``tests/golden/``; ``python -m tests.unit.exports.golden`` writes them anew."""

from __future__ import annotations

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
OPERATOR = ("README.md", "receivers.yaml", "scraping.yaml")
"""Of the full one."""


def files() -> dict[Path, bytes]:
    """What they should hold."""
    plain, objects = on_kubernetes(shipped()).files, for_operator(full()).files
    return {GOLDEN / "kubernetes" / name: plain[name] for name in KUBERNETES} | {
        GOLDEN / "operator" / name: objects[name] for name in OPERATOR
    }


if __name__ == "__main__":
    for path, content in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
