"""What would make each notification fail: a template that nobody defines. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import yaml

from stack.common import yaml_edit as edit
from stack.common.go_templates import BUILT_IN, named
from stack.model.patterns import loaded_templates, names_in
from stack.model.spec import ConfigFile
from stack.validation.native import known_place, text_of, wrong

MAIN = "alertmanager.yml"
TEMPLATES = "templates/"
SIGN = "{{"
SAMPLE_LABELS = {
    "alertname": "ServiceSlow",
    "severity": "warning",
    "component": "shop",
    "job": "shop",
    "instance": "shop:8000",
}
SAMPLE_TEXTS = {
    "summary": "shop answers slowly",
    "description": "95 % of the answers of shop:8000 take 2.5 s (limit 1 s).",
    "runbook_url": "https://example.com/runbook",
    "dashboard": "/d/shop",
}
SAMPLE_ALERT = {
    "status": "firing",
    "labels": SAMPLE_LABELS,
    "annotations": SAMPLE_TEXTS,
    "startsAt": "2026-01-02T03:04:05Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "https://example.com/graph",
    "fingerprint": "0123456789abcdef",
}
SAMPLE = {
    "receiver": "sample",
    "status": "firing",
    "alerts": [SAMPLE_ALERT],
    "groupLabels": {"alertname": "ServiceSlow"},
    "commonLabels": SAMPLE_LABELS,
    "commonAnnotations": SAMPLE_TEXTS,
    "externalURL": "https://example.com",
}
"""What a notification is made of, of one alert as rules make it."""


def check_templates(files: Iterable[ConfigFile]) -> None:
    """Each template that a receiver, or a loaded template, names is defined; Alertmanager tells it too late."""
    listed = tuple(files)
    found = next((file for file in listed if file.path == MAIN), None)
    if found is None:
        return
    document = edit.compose(text_of(found))
    loaded = loaded_templates(found.content, (f for f in listed if f.path.startswith(TEMPLATES)))
    known = names_in(loaded)
    for _, node in keyed(edit.member(document, "receivers")):
        for name in named(node.value):
            if name not in known and not BUILT_IN.fullmatch(name):
                raise wrong(found, *_undefined(name, known), int(node.start_mark.line) + 1)
    for file in loaded:
        text = text_of(file)
        for name in named(text):
            if name not in known and not BUILT_IN.fullmatch(name):
                line = text[: text.index(name)].count("\n") + 1
                raise wrong(file, *_undefined(name, known), line)


def written_for_samples(files: Iterable[ConfigFile]) -> tuple[str, ...]:
    """A sample of alerts as JSON, then place, kind and text of each message that a receiver of the main file has."""
    main = next((file for file in files if file.path == MAIN), None)
    if main is None:
        return ()
    receivers = edit.member(edit.compose(text_of(main)), "receivers")
    found: dict[tuple[str, str], str] = {}
    for key, node in keyed(receivers):
        if SIGN in node.value:
            kind = "html" if key == "html" else "text"
            found.setdefault((kind, node.value), known_place(main, int(node.start_mark.line) + 1))
    if not found:
        return ()
    return (json.dumps(SAMPLE), *(word for (kind, text), at in found.items() for word in (at, kind, text)))


def _undefined(name: str, known: Iterable[str]) -> tuple[str, str]:
    import difflib  # what is right needs none

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "define it in a file of own/alertmanager/templates/"
    return f"template {name} is not defined, so that no notification could be written", hint


def keyed(
    node: yaml.Node | None, key: str = "", seen: frozenset[int] = frozenset()
) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """Every text below a node, with the key that it is the value of."""
    if isinstance(node, yaml.ScalarNode):
        yield key, node
    elif isinstance(node, yaml.MappingNode) and id(node) not in seen:
        for name, value in node.value:
            yield from keyed(value, str(name.value), seen | {id(node)})
    elif isinstance(node, yaml.SequenceNode) and id(node) not in seen:
        for value in node.value:
            yield from keyed(value, key, seen | {id(node)})
