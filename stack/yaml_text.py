"""Reads YAML safely, with the C parser where PyYAML has it: ten times as fast, and each command reads a dozen files."""

from __future__ import annotations

from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str | bytes) -> Any:
    """The document; ``yaml.YAMLError`` with its place where it is none."""
    return yaml.load(text, Loader=LOADER)  # noqa: S506 - a safe loader
