"""What differs between the rendered prometheus.yml and the one that Prometheus shows as loaded.

The shown one has defaults filled in, paths made absolute and secrets masked, so what the file says must be found in it;
of what only the shown one has, sections and values other than the default are told. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from stack.checks.expect_prometheus import INTERVAL, MAIN, TIMEOUT, text_of
from stack.checks.model import OF_PROMETHEUS
from stack.common.durations import seconds
from stack.common.yaml_text import load_yaml

FILE = f"{OF_PROMETHEUS}{MAIN}"
MASKED = "<secret>"
SECTIONS = frozenset({"alerting", "rule_files", "scrape_config_files", "scrape_configs"})
SECTIONS_OF_STORAGE = frozenset({"remote_write", "remote_read", "tracing"})
DEFAULTS: Mapping[str, str] = {
    "scrape_interval": INTERVAL,
    "scrape_timeout": TIMEOUT,
    "evaluation_interval": INTERVAL,
}
SIZE = re.compile(r"(\d+)(B|[KMGTPE]i?B)")


def differences(rendered: str, shown: str) -> Iterator[str]:
    """Each difference in words."""
    try:
        ours, theirs = load_yaml(rendered) or {}, load_yaml(shown) or {}
    except yaml.YAMLError as error:
        yield f"the loaded configuration cannot be read: {' '.join(str(error).split())}"
        return
    if not isinstance(theirs, Mapping):
        yield "the loaded configuration cannot be read: it is no mapping"
        return
    yield from _missing(ours, theirs, "")
    whole, loaded = _mapping(ours.get("global")), _mapping(theirs.get("global"))
    for key in sorted((SECTIONS | SECTIONS_OF_STORAGE) & theirs.keys()):
        if theirs[key] and not ours.get(key):
            yield f"{key} is set in Prometheus and not in {FILE}"
    for key, default in DEFAULTS.items():
        if key in loaded and key not in whole and not _default(key, loaded, default):
            yield f"global.{key} is {loaded[key]} in Prometheus, {default} by default in {FILE}"
    given, shown_labels = (_mapping(g.get("external_labels")) for g in (whole, loaded))
    for key in sorted(shown_labels.keys() - given.keys()):
        yield f"global.external_labels.{key} is set in Prometheus and not in {FILE}"


def _default(key: str, loaded: Mapping[str, Any], default: str) -> bool:
    """Whether the value is the default; the timeout's is never longer than the interval."""
    value = _as(seconds, text_of(loaded[key]))
    shortest = _as(seconds, text_of(loaded.get("scrape_interval") or INTERVAL)) or 0.0
    return value == seconds(default) or (key == "scrape_timeout" and value == min(seconds(default), shortest))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _missing(ours: Any, theirs: Any, path: str) -> Iterator[str]:
    """What the file says and the loaded configuration has not."""
    if isinstance(ours, Mapping):
        there = theirs if isinstance(theirs, Mapping) else {}
        for key, value in ours.items():
            if value not in (None, "", {}, []):
                yield from _missing(value, there.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(ours, list):
        shown = theirs if isinstance(theirs, list) else []
        if len(shown) != len(ours):
            yield f"{path} has {len(shown)} entries in Prometheus, {len(ours)} in {FILE}"
            return
        for number, (mine, other) in enumerate(zip(ours, shown, strict=True)):
            yield from _missing(mine, other, f"{path}[{number}]")
    elif not _same(text_of(ours), text_of(theirs)):
        yield f"{path} is {text_of(theirs) or 'missing'} in Prometheus, {text_of(ours)} in {FILE}"


def _same(ours: str, theirs: str) -> bool:
    if theirs in (ours, MASKED):
        return True
    if theirs.startswith("/") and theirs.endswith(f"/{ours.removeprefix('./')}"):
        return True
    return any(_as(form, ours) == _as(form, theirs) is not None for form in (seconds, _bytes, float))


def _as(form: Callable[[str], float], text: str) -> float | None:
    try:
        return form(text)
    except ValueError:
        return None


def _bytes(text: str) -> float:
    found = SIZE.fullmatch(text)
    if not found:
        raise ValueError(text)
    return float(int(found[1]) * 1024 ** " KMGTPE".index(found[2][0] if found[2] != "B" else " "))
