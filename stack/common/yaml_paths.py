"""Values in a product's YAML that name files: ``*_file``, and ``files`` of headers and of service discovery. Pure."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator

import yaml
from msgspec import Struct

from stack.common.yaml_edit import Edit, compose, items, member

SUFFIX = "_file"
PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")


class NamedFile(Struct, frozen=True):
    """A value that names a file. ``discovery``: a pattern of targets' files."""

    key: str
    value: str
    node: yaml.ScalarNode
    discovery: bool = False

    @property
    def line(self) -> int:
        """Where it stands, counted from 1."""
        return int(self.node.start_mark.line) + 1


def named_files(text: str) -> list[NamedFile]:
    """All of them in a document, each once; none where the text is no YAML."""
    return list(_below(compose(text), set())) if SUFFIX in text or "files" in text else []


def _below(node: yaml.Node | None, seen: set[int]) -> Iterator[NamedFile]:
    """``seen``: an alias is the node that it stands for, which may be the one it stands in."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    for item in items(node):
        yield from _below(item, seen)
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        name = str(key.value)
        if name.endswith(SUFFIX) and isinstance(value, yaml.ScalarNode):
            yield NamedFile(name, value.value, value)
        elif name == "http_headers" and isinstance(value, yaml.MappingNode):
            for _, header in value.value:
                yield from _listed(member(header, "files"), discovery=False)
        elif name == "file_sd_configs":
            for one in items(value):
                yield from _listed(member(one, "files"), discovery=True)
        else:
            yield from _below(value, seen)


def _listed(node: yaml.Node | None, *, discovery: bool) -> Iterator[NamedFile]:
    for item in items(node):
        if isinstance(item, yaml.ScalarNode):
            yield NamedFile("files", item.value, item, discovery)


def renamed(text: str, named: NamedFile, path: str) -> Edit:
    """Another path in its place, on the same line; an anchor of the value stays."""
    start, end = named.node.start_mark.index, named.node.end_mark.index
    properties = PROPERTIES.match(text, start)
    return Edit(properties.end() if properties else start, end, json.dumps(path, ensure_ascii=False))


def meant(value: str, beside: str, top: str) -> str:
    """The path below ``top`` that a value means; empty where it means something else.

    It may begin with ``top``, or lead there from ``beside``, the path of the file in which it stands.
    """
    found = posixpath.normpath(value)
    if not found.startswith(top):
        found = posixpath.normpath(posixpath.join(posixpath.dirname(beside), value))
    return found if found.startswith(top) and not value.startswith("/") else ""
