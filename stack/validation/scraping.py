"""Prometheus' files beyond what promtool says: names of jobs, named files, files that nothing would load. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stack.common import yaml_edit as edit
from stack.common.errors import ConfigurationInvalid
from stack.common.yaml_text import load_yaml
from stack.model.spec import TARGETS, ConfigFile
from stack.validation.native import check_loaded, check_named_files, place, text_of, wrong
from stack.validation.secrets import check_secrets

MAIN = "prometheus.yml"
SCRAPE = "scrape/"
RULES = "rules/"


def check_scraping(files: tuple[ConfigFile, ...]) -> None:
    """``ConfigurationInvalid`` names the file, the line and the remedy."""
    check_loaded(files, MAIN, "scrape_config_files", SCRAPE)
    check_loaded(files, MAIN, "rule_files", RULES)
    check_named_files(files)
    check_secrets(files)
    _distinct_jobs(files)
    for file in files:
        if file.path.startswith(f"{TARGETS}/"):
            _are_targets(file)
        if file.path.startswith(RULES):
            _are_rules(file)


def _are_targets(file: ConfigFile) -> None:
    """promtool names the pattern that leads to a file of another shape, not the file."""
    groups = load_yaml(file.content) or []
    if not isinstance(groups, list) or not all(_is_group(group) for group in groups):
        hint = 'it is a list of groups like {"targets": ["host:9100"], "labels": {"team": "a"}}'
        raise ConfigurationInvalid(f"{place(file)}: no list of targets", hint=hint)


def _are_rules(file: ConfigFile) -> None:
    """promtool tells the fields of an object of Kubernetes one by one, and not what to do with it."""
    text = text_of(file)
    kind = edit.text_of(edit.member(edit.compose(text), "kind")) if "kind" in text else ""
    if kind:
        hint = f"monitoring-stack rules add FILE takes the rules out of it; {place(file)} is not the place for it"
        raise ConfigurationInvalid(f"{place(file)}: a {kind} is no rule file of Prometheus", hint=hint)


def _is_group(group: object) -> bool:
    if not isinstance(group, dict) or not group.keys() <= {"targets", "labels"}:
        return False
    targets, labels = group.get("targets") or [], group.get("labels") or {}
    texts = isinstance(targets, list) and all(isinstance(target, str) for target in targets)
    return texts and isinstance(labels, dict)


def _distinct_jobs(files: Iterable[ConfigFile]) -> None:
    """Prometheus refuses a second job of a name and tells but one of the two files."""
    owners: dict[str, ConfigFile] = {}
    for file in files:
        for name, line in _jobs(file):
            if name in owners:
                what = f"job_name {name!r} is that of {place(owners[name])}"
                raise wrong(file, what, "choose another name", line)
            owners[name] = file


def _jobs(file: ConfigFile) -> Iterator[tuple[str, int]]:
    if file.path != MAIN and not file.path.startswith(SCRAPE):
        return
    for job in edit.items(edit.member(edit.compose(text_of(file)), "scrape_configs")):
        if (name := edit.member(job, "job_name")) is not None:
            yield edit.text_of(name), int(name.start_mark.line) + 1
