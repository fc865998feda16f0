"""What Prometheus' own files promise: its rules with all that they say, its jobs with the defaults filled in.

Pure: texts in, values out. A document is read as Prometheus reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from stack.checks.model import Job, Pairs, Rule
from stack.checks.native_lines import job_lines, rule_lines
from stack.checks.pint import Requests, requests_in
from stack.common.durations import seconds
from stack.model.outer import NETWORK_LABEL
from stack.model.spec import DIGEST_RULE

MAIN = "prometheus.yml"
OWN = ("own/", "~own+")
"""Begins what is the user's, in the tree and as it is rendered."""
INTERVAL, TIMEOUT = "1m", "10s"
DISCOVERY = "_sd_configs"
CHOOSING = frozenset({"keep", "drop", "keepequal", "dropequal"})
READ_FILES = ("ca_file", "cert_file", "key_file", "credentials_file", "password_file", "username_file")
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def global_of(documents: Mapping[str, Any]) -> Mapping[str, Any]:
    """The main file's ``global``; an empty one is fine."""
    found: Mapping[str, Any] = (documents.get(MAIN) or {}).get("global") or {}
    return found


def with_variables(text: str, environment: Mapping[str, str]) -> str:
    """The main file with the variables that Prometheus replaces in external labels; an unknown one is empty.

    Elsewhere in the file a dollar stays one, so only the lines of that section are touched.
    """
    lines, inside = [], -1
    for line in text.splitlines(keepends=True):
        indent = len(line) - len(line.lstrip())
        if inside >= 0 and line.strip() and indent <= inside:
            inside = -1
        if inside >= 0 or "external_labels" in line:
            lines.append(VARIABLE.sub(lambda m: environment.get(m[1] or m[2], ""), line))
            inside = inside if inside >= 0 else indent
        else:
            lines.append(line)
    return "".join(lines)


def digest_of(documents: Mapping[str, Any]) -> str:
    """What the digest rule carries; empty where there is none."""
    for _, group in _groups(documents):
        for rule in rules_in(group):
            if rule.get("record") == DIGEST_RULE:
                return str(rule["labels"]["digest"])
    return ""


def rules_of(
    documents: Mapping[str, Any], texts: Mapping[str, str], components: Iterable[str]
) -> Iterator[Rule]:
    """All rules in the order in which Prometheus shows them: by file, then as they stand."""
    shipped = tuple(components)
    default = global_of(documents).get("evaluation_interval", INTERVAL)
    for path in sorted({path for path, _ in _groups(documents)}):
        groups = [(group, rules_in(group)) for group in groups_in(documents[path])]
        lines = rule_lines(texts.get(path, ""), sum(len(rules) for _, rules in groups))
        requests = requests_in(texts.get(path, ""), lines)
        own = _owner(path, shipped) is None and not _is_digest(documents[path])
        number = 0
        for group, rules in groups:
            for rule in rules:
                place = lines[number] if number < len(lines) else 0
                yield _rule(path, group, rule, default, place=place, own=own, requests=requests)
                number += 1


def _rule(
    path: str,
    group: Mapping[str, Any],
    rule: Mapping[str, Any],
    default: object,
    *,
    place: int,
    own: bool,
    requests: Requests,
) -> Rule:
    alerting = is_alert(rule)
    return Rule(
        group=str(group["name"]),
        name=str(rule["alert"] if alerting else rule["record"]),
        kind="alerting" if alerting else "recording",
        expr=text_of(rule["expr"]),
        file=path,
        line=place,
        duration=seconds(rule.get("for") or "0"),
        keep_firing_for=seconds(rule.get("keep_firing_for") or "0"),
        labels=_pairs({**(group.get("labels") or {}), **(rule.get("labels") or {})}),
        annotations=_pairs(rule.get("annotations") or {}),
        interval=seconds(group.get("interval") or default),
        limit=int(group.get("limit") or 0),
        own=own,
        unchecked=requests.of(place),
        left=requests.left_at(place),
    )


def jobs_of(
    documents: Mapping[str, Any], texts: Mapping[str, str], components: Iterable[str]
) -> Iterator[Job]:
    """All scrape jobs of the main file and of those beside it."""
    shipped, whole = tuple(components), global_of(documents)
    for path, document in sorted(documents.items()):
        if path != MAIN and not path.startswith("scrape/"):
            continue
        jobs = (document or {}).get("scrape_configs") or ()
        lines = job_lines(texts.get(path, ""), len(jobs))
        component = _owner(path, shipped) or ""
        for number, job in enumerate(jobs):
            yield _job(path, job, whole, lines[number] if number < len(lines) else 0, component)


def _job(path: str, job: Mapping[str, Any], whole: Mapping[str, Any], line: int, component: str) -> Job:
    interval = seconds(job.get("scrape_interval") or whole.get("scrape_interval") or INTERVAL)
    given = job.get("scrape_timeout")
    timeout = seconds(given) if given else min(seconds(whole.get("scrape_timeout") or TIMEOUT), interval)
    relabels = job.get("relabel_configs") or ()
    labels = {name: value for _, pairs in _statics(job) for name, value in pairs}
    return Job(
        name=str(job["job_name"]),
        file=path,
        line=line,
        component=component,
        interval=interval,
        timeout=timeout,
        path=str(job.get("metrics_path") or "/metrics"),
        scheme=str(job.get("scheme") or "http"),
        params=tuple(
            (str(name), text_of(value))
            for name, values in sorted((job.get("params") or {}).items())
            for value in tuple(values or ())[:1]
        ),
        addresses=tuple(address for address, _ in dict.fromkeys(_statics(job))),
        discovered=bool(found := tuple(_discoveries(job))),
        by=found,
        chosen=any(str((r or {}).get("action", "")).lower() in CHOOSING for r in relabels),
        renamed=bool(job.get("honor_labels") or job.get("metric_relabel_configs")),
        files=tuple(_files_read(job)),
        reserved=tuple(sorted(name for name in labels if name.startswith("__"))),
        network=labels.get(NETWORK_LABEL, ""),
    )


def _discoveries(job: Mapping[str, Any]) -> Iterator[str]:
    """The kinds of service discovery that a job uses."""
    return (key.removesuffix(DISCOVERY) for key, value in job.items() if key.endswith(DISCOVERY) and value)


def _statics(job: Mapping[str, Any]) -> Iterator[tuple[str, Pairs]]:
    """Each address that is written down, with its labels; a repeated one is one target."""
    for group in job.get("static_configs") or ():
        labels = _pairs((group or {}).get("labels") or {})
        yield from ((str(target), labels) for target in (group or {}).get("targets") or ())


def _files_read(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in READ_FILES and value:
                yield str(value)
            else:
                yield from _files_read(value)


def groups_in(document: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The groups of a rule file; Go's YAML leaves items of a list that are null out."""
    return [group for group in (document or {}).get("groups") or () if group is not None]


def rules_in(group: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rules of a group, as Prometheus has them."""
    return [rule for rule in group.get("rules") or () if rule is not None]


def is_alert(rule: Mapping[str, Any]) -> bool:
    """Whether Prometheus takes it for an alert: a key without a value is none to it."""
    return bool(text_of(rule.get("alert")))


def text_of(value: object) -> str:
    """A scalar as Go's YAML gives it to a text field."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pairs(values: Mapping[Any, Any]) -> Pairs:
    """Labels sorted by name; an empty value is no label."""
    told = ((str(name), text_of(value)) for name, value in values.items())
    return tuple(sorted((name, value) for name, value in told if value))


def _groups(documents: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, document in documents.items():
        if path.startswith("rules/"):
            for group in groups_in(document):
                yield path, group


def _is_digest(document: Mapping[str, Any]) -> bool:
    rules = [rule for group in groups_in(document) for rule in rules_in(group)]
    return [r.get("record") for r in rules] == [DIGEST_RULE]


def _owner(path: str, components: tuple[str, ...]) -> str | None:
    """The component that a shipped file is about, by its name; None for a file of the user's."""
    if path == MAIN or path.partition("/")[2].startswith(OWN):
        return None
    stem = PurePosixPath(path).stem.rpartition("+")[2]  # behind its folders
    known = sorted(components, key=len, reverse=True)
    return next((name for name in known if stem == name or stem.startswith(f"{name}-")), None)
