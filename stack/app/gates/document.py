"""Reads an untrusted YAML document into plain values.

Bounded in size and depth; aliases (the "billion laughs" of CVE-2003-1564), duplicate keys, merge keys, tags
beyond the plain ones and second documents are refused. JSON is read as well, being YAML. It must never build
an object of a class that the document names.
"""

from __future__ import annotations

from typing import Any, Final

import yaml

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 16
MAX_VALUES: Final = 5_000
"""A list of as many hosts as fit has fewer; a value costs a hundred times its two bytes."""
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE: Final = "tag:yaml.org,2002:merge"


def read_document(text: str) -> Any:
    """The document's value. Raises ValueError with one line that says what is wrong and where."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise ValueError(f"must have at most {MAX_BYTES} bytes")
    try:
        _refuse_tricks(text)
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            _refuse_duplicates(node)
            return None if node is None else _constructed(loader, node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(f"{where}not valid YAML: {fault.problem}") from None
    except (yaml.YAMLError, UnicodeError) as fault:
        raise ValueError(f"not valid YAML: {str(fault).splitlines()[0]}") from None


def _constructed(loader: Any, node: yaml.Node) -> Any:
    """PyYAML's constructors trust an explicit tag: of ``!!int ""`` or ``!!bool x`` they fail with any of these."""
    try:
        return loader.construct_document(node)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as fault:
        raise ValueError(f"a value that its type does not allow: {fault}") from None


def _refuse_tricks(text: str) -> None:
    """Reads events only, so that nothing is built from a document that is refused."""
    depth = values = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"{_line(event)}: write the value out; aliases are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError(f"{_line(event)}: must be at most {MAX_DEPTH} levels deep")
        values += isinstance(event, yaml.NodeEvent)
        if values > MAX_VALUES:
            raise ValueError(
                f"{_line(event)}: must hold at most {MAX_VALUES} values, keys and lists included"
            )


def _line(where: yaml.Event | yaml.Node) -> str:
    return f"line {where.start_mark.line + 1}" if where.start_mark else "somewhere"


def _refuse_duplicates(node: yaml.Node | None) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_duplicates(item)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.tag == _MERGE or not isinstance(key, yaml.ScalarNode):
                raise ValueError(f"{_line(key)}: a key must be plain text")
            if key.value in seen:
                raise ValueError(f"{_line(key)}: the key {key.value!r:.80} is there twice")
            seen.add(key.value)
            _refuse_duplicates(value)
