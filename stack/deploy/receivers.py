"""Alertmanager's receivers as a description has them: their identity, and which were never tested. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from stack.common.yaml_paths import named_files
from stack.common.yaml_text import load_yaml
from stack.model.receivers import tried_in
from stack.model.spec import CONFIG_ROOT, CURRENT, TEST_RECEIVER, TRIED_RECEIVER, ConfigFile, StackSpec
from stack.model.state import StackState

MAIN = "alertmanager.yml"
INSIDE = f"{CONFIG_ROOT}/{CURRENT}/"


def _files(spec: StackSpec) -> Mapping[str, ConfigFile]:
    found = (s.files for s in spec.services if s.component == "alertmanager")
    return {file.path: file for files in found for file in files}


def receivers_in(spec: StackSpec) -> dict[str, Mapping[str, Any]]:
    """Those that can be tried, by name: they tell somebody beside the application."""
    main = _files(spec).get(MAIN)
    text = main.content.decode() if main else ""
    if TRIED_RECEIVER not in text:
        return {}
    config = load_yaml(text)
    led = tried_in(config) - {TEST_RECEIVER}
    return {one["name"]: one for one in config["receivers"] if one["name"] in led}


def identity_of(spec: StackSpec, name: str) -> str:
    """Changes with the receiver's options and with the secrets that it names."""
    files = _files(spec)
    told = json.dumps(receivers_in(spec).get(name, {}), sort_keys=True)
    digest = hashlib.sha256(told.encode())
    for named in named_files(told):
        if (secret := files.get(named.value.removeprefix(INSIDE))) is not None:
            digest.update(secret.content)
    return digest.hexdigest()[:16]


def untested(spec: StackSpec, state: StackState) -> Iterator[str]:
    """A line for each receiver that has not taken a test alert as it is now."""
    for name in receivers_in(spec):
        known, hint = state.tested.get(name), f"monitoring-stack receiver test {name}"
        if known is None:
            yield f"receiver {name} was never tested: {hint}"
        elif known.identity != identity_of(spec, name):
            yield f"receiver {name} was changed since its test of {known.when}: {hint}"
