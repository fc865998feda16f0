"""Templates in the labels and annotations of an alert: what Go takes and what shows nothing, or an error. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from stack.checks.model import Rule
from stack.checks.promql import tree_of
from stack.checks.rule_labels import Labels, labels_of

ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
LABEL = re.compile(r"(?:\$labels|(?<![\w$.)])\.Labels)\.(\w+)")
INDEXED = re.compile(r"""index\s+(?:\$labels|\.Labels)\s+["`](\w+)["`]""")
VALUE = re.compile(r"\$value\b|(?<![\w$.)])\.Value\b")
FIELD = re.compile(r"(?<![\w$.)\]])\.([A-Z]\w*)")
INNER = re.compile(r"\b(?:range|with|define|block)\b")
QUERY = re.compile(r"""\bquery\s+["`]([^"`{}%]+)["`]""")
HELM = re.compile(r"\{\{-?\s*`")
QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`')
KNOWN = frozenset({"Labels", "ExternalLabels", "ExternalURL", "Value"})
ALERT_NAME = "alertname"


def faults(rule: Rule, tree: Any) -> Iterator[str]:
    """Of all its texts; ``tree`` is its expression."""
    there = labels_of(tree)
    for kind, texts in (("label", rule.labels), ("annotation", rule.annotations)):
        for name, text in texts:
            for said in dict.fromkeys(_of_text(text, there, identity=kind == "label")):
                yield f"{kind} {name}: {said}"


def _of_text(text: str, there: Labels, *, identity: bool) -> Iterator[str]:
    if HELM.search(text):
        yield "{{` is an escape for Helm, which is shown as it stands: render the chart first (helm template)"
        return
    plain = not INNER.search(text)
    for action in ACTION.findall(text):
        told = QUOTED.sub('""', action)
        for label in (*LABEL.findall(told), *INDEXED.findall(action)):
            if not there.possible(label) or label == ALERT_NAME:
                yield _gone(label, there)
        for query in QUERY.findall(action):
            if tree_of(query) is None:
                yield f'query "{query}" cannot be parsed, so that the text is an error'
        if plain:
            for field in FIELD.findall(told):
                if field not in KNOWN:
                    yield f".{field} is not known here: there are .Labels, .Value, .ExternalLabels and .ExternalURL"
        if identity and VALUE.search(told):
            yield "with the value in a label each turn makes another alert, whose for begins anew: use an annotation"


def _gone(label: str, there: Labels) -> str:
    if label == ALERT_NAME:
        return "$labels.alertname is not known while an alert is made: write its name"
    if there.only == frozenset():
        return f"$labels.{label} is empty: the expression yields no labels"
    if there.only is None:
        return f"$labels.{label} is empty: the expression leaves that label out"
    return f"$labels.{label} is empty: the expression yields only {', '.join(sorted(there.only))}"
