"""Variables of a shell in files of products that replace none: sent as they stand, and rarely meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import yaml

from stack.common import yaml_edit as edit
from stack.model.spec import ConfigFile, StackSpec
from stack.validation.native import known_place, text_of

VARIABLE = re.compile(r"\$\{[A-Za-z_]\w*\}")
OF_PATTERNS = ("regex", "replacement", "target_label")
"""Keys of relabelling, where ``${name}`` is a group of the pattern."""
REPLACED = ("external_labels",)
"""Where Prometheus replaces them."""
READ = (("prometheus", ("prometheus.yml", "scrape/")), ("alertmanager", ("alertmanager.yml",)))
HINT = "write the value, or name a file below own/secrets/ by the key with _file"


def told(spec: StackSpec) -> Iterator[str]:
    """A sentence for each line with a variable that stays one."""
    for component, paths in READ:
        files = (f for s in spec.services if s.component == component for f in s.files)
        yield from _in_files((f for f in files if f.path.startswith(paths)), component.title())


def _in_files(files: Iterable[ConfigFile], product: str) -> Iterator[str]:
    for file in files:
        text = text_of(file)
        for node in _scalars(edit.compose(text), set()) if "${" in text else ():
            where = known_place(file, int(node.start_mark.line) + 1)
            yield f"{where}: {product} replaces no {VARIABLE.findall(node.value)[0]}: {HINT}"


def _scalars(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.ScalarNode]:
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode) and VARIABLE.search(node.value):
        yield node
    for item in edit.items(node):
        yield from _scalars(item, seen)
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value not in (*OF_PATTERNS, *REPLACED):
            yield from _scalars(value, seen)
