"""Reads the native configuration folders into memory, bounded and in a stable order; never writes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from stack.common.errors import ConfigurationInvalid

FOLDERS = ("prometheus", "alertmanager", "grafana")
NEEDED = ("prometheus/prometheus.yml", "alertmanager/alertmanager.yml")
LEFT_OUT = ("prometheus/tests/",)
MAX_BYTES = 8 * 1024 * 1024


def read_tree(root: Path) -> dict[str, bytes]:
    """Every file of the configuration folders below ``root`` by its path with forward slashes; no hidden ones."""
    tree: dict[str, bytes] = {}
    for folder in FOLDERS:
        if not (root / folder).is_dir():
            raise ConfigurationInvalid(f"{root / folder} is missing", hint="run from a whole checkout")
        for path in sorted((root / folder).rglob("*")):
            place = path.relative_to(root)
            hidden = any(part.startswith(".") for part in place.parts)
            if path.is_file() and not hidden and not place.as_posix().startswith(LEFT_OUT):
                tree[place.as_posix()] = _read(path)
    if missing := [name for name in NEEDED if name not in tree]:
        raise ConfigurationInvalid(f"{root / missing[0]} is missing", hint="restore it from the checkout")
    return tree


def read_plotly() -> bytes:
    """The script of the quick-look page, from the installed plotly package without importing it."""
    spec = importlib.util.find_spec("plotly")
    folders = spec.submodule_search_locations if spec else None
    script = Path(next(iter(folders))) / "package_data" / "plotly.min.js" if folders else None
    return script.read_bytes() if script and script.is_file() else b""


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationInvalid(f"{path}: {error.strerror}", hint="mend its permissions") from error
    if len(content) > MAX_BYTES:
        raise ConfigurationInvalid(f"{path}: {len(content)} bytes", hint=f"at most {MAX_BYTES}")
    return content
