"""Networks of others that targets name with the label ``__network__``: Prometheus joins them, blackbox those of probes.

Prometheus drops labels that begin with two underscores once a target is known, so that the label says where a target
lives and changes nothing else. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import yaml

from stack.common import yaml_edit as edit
from stack.components.probes import ADDRESS as BLACKBOX
from stack.model.outer import NETWORK_LABEL, OuterNetwork
from stack.model.spec import ConfigFile


def outer_networks(files: Iterable[ConfigFile], *, probed: bool = False) -> tuple[OuterNetwork, ...]:
    """Each network once, with the first place that names it; a file that is no YAML is for the validation to name.

    With ``probed`` those where blackbox_exporter asks, else those where Prometheus itself does.
    """
    found: dict[str, OuterNetwork] = {}
    for file in files:
        if file.secret or NETWORK_LABEL.encode() not in file.content:
            continue
        text = file.content.decode(errors="surrogateescape")
        for node in _networks(edit.compose(text), probed):
            place = f"{file.origin or file.path}:{node.start_mark.line + 1}"
            found.setdefault(node.value, OuterNetwork(node.value, place))
    return tuple(found[name] for name in sorted(found))


def _networks(document: yaml.Node | None, probed: bool) -> Iterator[yaml.ScalarNode]:
    """Of all jobs of a document that are probes, or are none; a file of targets alone has no job."""
    jobs = edit.items(edit.member(document, "scrape_configs"))
    for node in jobs or (() if probed else (document,)):
        if not jobs or _is_probe(node) == probed:
            yield from _named(node, set())


def _is_probe(job: yaml.Node | None) -> bool:
    rules = edit.items(edit.member(job, "relabel_configs"))
    return any(edit.text_of(edit.member(rule, "replacement")) == BLACKBOX for rule in rules)


def _named(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.ScalarNode]:
    """Values of the label; ``seen``: an alias is the node that it stands for, which may be the one it stands in."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    for item in edit.items(node):
        yield from _named(item, seen)
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value == NETWORK_LABEL and isinstance(value, yaml.ScalarNode) and value.value:
            yield value
        else:
            yield from _named(value, seen)
