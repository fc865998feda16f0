"""The addresses that the watched files of targets have for each scrape job. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from stack.common.json_text import load_json
from stack.common.yaml_text import load_yaml
from stack.model.patterns import last_part_matches
from stack.model.spec import CONFIG_ROOT, TARGETS, ConfigFile


def listed(documents: Mapping[str, Any], assets: Iterable[ConfigFile]) -> dict[str, tuple[str, ...]]:
    """By job; a job that finds targets elsewhere too has those of its files all the same."""
    inside, below = f"{CONFIG_ROOT}/{TARGETS}/", f"{TARGETS}/"
    found: dict[str, list[str]] = {}
    files = {file.path.removeprefix(below): file for file in assets if file.path.startswith(below)}
    for document in documents.values() if files else ():
        for job in (document or {}).get("scrape_configs") or ():
            patterns = [p.removeprefix(inside) for p in _patterns(job) if p.startswith(inside)]
            named = (
                file for path, file in files.items() if any(last_part_matches(path, p) for p in patterns)
            )
            found.setdefault(str(job["job_name"]), []).extend(a for file in named for a in _addresses(file))
    return {name: tuple(dict.fromkeys(addresses)) for name, addresses in found.items()}


def _patterns(job: Mapping[str, Any]) -> Iterator[str]:
    for group in job.get("file_sd_configs") or ():
        yield from (str(one) for one in (group or {}).get("files") or ())


def _addresses(file: ConfigFile) -> Iterator[str]:
    """None where it is broken, which the validation names."""
    try:
        groups = load_json(file.content.decode()) if file.path.endswith(".json") else load_yaml(file.content)
    except (ValueError, yaml.YAMLError):
        return
    for group in groups if isinstance(groups, list) else ():
        targets = group.get("targets") if isinstance(group, dict) else None
        yield from (str(one) for one in targets or ())
