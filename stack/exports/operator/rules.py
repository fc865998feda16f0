"""Rule files as PrometheusRules. Pure.

Each alert gets the label ``namespace``: the operator lets an AlertmanagerConfig hear of the alerts of its own namespace
only, and rules that sum up have lost that label.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stack.checks.expect_prometheus import groups_in, is_alert, rules_in, text_of
from stack.common.yaml_text import load_yaml
from stack.components.build import belongs
from stack.exports.operator.wish import THEIRS, Going, Json, slug
from stack.model.spec import DIGEST_RULE, ConfigFile

RULES = "rules/"
RUNBOOKS = "{{ $externalURL }}/user/runbooks/"
"""Where Prometheus of a stack serves them; theirs serves none."""
RUNBOOK = "runbook_url"
GROUP = ("name", "interval", "query_offset", "limit")
RULE = ("record", "alert", "for", "keep_firing_for")


def rules(going: Going) -> Iterator[Json]:
    """One object a file."""
    for file in going.spec.service("prometheus").files:
        if file.path.startswith(RULES) and not file.secret and not _is_theirs(file):
            groups = [_group(going, group) for group in groups_in(load_yaml(file.content))]
            if groups := [group for group in groups if group["rules"]]:
                yield going.made(
                    "monitoring.coreos.com/v1/PrometheusRule", _name(file), spec={"groups": groups}
                )


def _is_theirs(file: ConfigFile) -> bool:
    name = file.origin.rpartition("/")[2]
    return not file.origin.startswith("own/") and any(belongs(name, one) for one in THEIRS)


def _name(file: ConfigFile) -> str:
    path = file.origin or file.path
    own = "own-" if path.startswith("own/") else ""
    return slug(own + path.partition(RULES)[2].rpartition(".")[0].replace("/", "-").replace("_", "-"))


def _group(going: Going, group: Json) -> Json:
    told: Json = {key: _plain(key, group[key]) for key in GROUP if key in group}
    if group.get("labels"):
        told["labels"] = _texts(group["labels"])
    told["rules"] = [_rule(going, rule) for rule in rules_in(group) if rule.get("record") != DIGEST_RULE]
    return told


def _rule(going: Going, rule: Json) -> Json:
    told: Json = {key: text_of(rule[key]) for key in RULE if text_of(rule.get(key))}
    told["expr"] = text_of(rule["expr"])
    labels = _texts(rule.get("labels") or {})
    if is_alert(rule):
        labels["namespace"] = going.wish.namespace
    annotations = _texts(rule.get("annotations") or {})
    if annotations.get(RUNBOOK, "").startswith(RUNBOOKS):
        annotations |= _runbook(going, annotations.pop(RUNBOOK).removeprefix(RUNBOOKS))
    return {
        **told,
        **({"labels": labels} if labels else {}),
        **({"annotations": annotations} if annotations else {}),
    }


def _runbook(going: Going, page: str) -> Json:
    if base := going.wish.runbook_base.rstrip("/"):
        return {RUNBOOK: f"{base}/{page}"}
    going.lose(
        "links to runbooks are left out: their Prometheus serves none; publish prometheus/user/runbooks and name the "
        "place with --runbook-base"
    )
    return {}


def _plain(key: str, value: Any) -> Any:
    return value if key == "limit" else text_of(value)


def _texts(values: Json) -> Json:
    return {str(key): text_of(value) for key, value in values.items()}
