"""Probes as scrape files have them: jobs that go through blackbox_exporter, which asks their addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from msgspec import Struct

from stack.common.yaml_text import load_yaml

PORT = 9115
ADDRESS = f"blackbox:{PORT}"
SCRAPE = ("own/prometheus/scrape/", "prometheus/scrape/")
DEFAULT_MODULE = "http_2xx"
"""What blackbox_exporter takes where a job names none."""


class ProbeJob(Struct, frozen=True):
    """One job that goes through blackbox_exporter. ``interval`` as it is written, empty where the global one counts."""

    name: str
    module: str
    targets: tuple[str, ...]
    interval: str
    origin: str


def needed(tree: Mapping[str, bytes]) -> bool:
    """Whether a scrape file sends something to blackbox_exporter."""
    return any(_probes(content, path) for path, content in tree.items() if path.startswith(SCRAPE))


def probe_jobs(tree: Mapping[str, bytes]) -> tuple[ProbeJob, ...]:
    """All probes of all scrape files, by name."""
    found = (job for path, text in tree.items() if path.startswith(SCRAPE) for job in _probes(text, path))
    return tuple(sorted(found, key=lambda job: job.name))


def _probes(content: bytes, origin: str) -> tuple[ProbeJob, ...]:
    if ADDRESS.encode() not in content:
        return ()
    try:
        document = load_yaml(content)
    except (yaml.YAMLError, UnicodeError):  # the validation of files names it
        return ()
    jobs = document.get("scrape_configs") if isinstance(document, dict) else None
    return tuple(_probe(job, origin) for job in _mappings(jobs) if _goes_through(job))


def _goes_through(job: Mapping[str, Any]) -> bool:
    return any(
        rule.get("target_label") == "__address__" and rule.get("replacement") == ADDRESS
        for rule in _mappings(job.get("relabel_configs"))
    )


def _probe(job: Mapping[str, Any], origin: str) -> ProbeJob:
    params = job.get("params")
    named = params.get("module") if isinstance(params, dict) else None
    targets = (t for group in _mappings(job.get("static_configs")) for t in group.get("targets") or ())
    return ProbeJob(
        name=str(job.get("job_name", "")),
        module=str(named[0]) if isinstance(named, list) and named else DEFAULT_MODULE,
        targets=tuple(str(target) for target in targets),
        interval=str(job.get("scrape_interval") or ""),
        origin=origin,
    )


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()
