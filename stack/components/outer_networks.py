"""Networks of others that Prometheus joins: those that targets name with the label ``__network__``.

Prometheus drops labels that begin with two underscores once a target is known, so that the label says where a target
lives and changes nothing else. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import yaml

from stack.common import yaml_edit as edit
from stack.model.outer import NETWORK_LABEL, OuterNetwork
from stack.model.spec import ConfigFile


def outer_networks(files: Iterable[ConfigFile]) -> tuple[OuterNetwork, ...]:
    """Each network once, with the first place that names it; a file that is no YAML is for the validation to name."""
    found: dict[str, OuterNetwork] = {}
    for file in files:
        if file.secret or NETWORK_LABEL.encode() not in file.content:
            continue
        text = file.content.decode(errors="surrogateescape")
        for node in _named(edit.compose(text), set()):
            place = f"{file.origin or file.path}:{node.start_mark.line + 1}"
            found.setdefault(node.value, OuterNetwork(node.value, place))
    return tuple(found[name] for name in sorted(found))


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
