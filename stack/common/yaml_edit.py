"""Edits of YAML as text: what is not edited stays as it is, to the byte, whatever a loader would make of it.

Positions come from PyYAML's nodes, which say where a value stands without deciding what it means.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import yaml
from msgspec import Struct

from stack.common.yaml_bounds import LOADER, bounded

BYTE_ORDER_MARK = "\ufeff"
EMPTY = yaml.SequenceNode("tag:yaml.org,2002:seq", [])


class Edit(Struct, frozen=True):
    """The text between two positions is replaced; equal positions insert."""

    start: int
    end: int
    text: str


def compose(text: str) -> yaml.Node | None:
    """The document's nodes with their places; None where it is empty or no YAML."""
    if text.startswith(BYTE_ORDER_MARK):  # it would not be counted
        text = "\n" + text[1:]
    try:
        return yaml.compose(bounded(text), Loader=LOADER)
    except (yaml.YAMLError, UnicodeError, RecursionError):  # bytes that are no text; brackets in thousands
        return None


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits, which must not overlap."""
    for edit in sorted(set(edits), key=lambda e: (e.start, e.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def member(node: yaml.Node | None, name: str) -> yaml.Node | None:
    """The value of a mapping's key; None where there is no such key, or no mapping."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for key, value in pairs if key.value == name), None)


def keys(node: yaml.Node | None) -> set[str]:
    """The keys of a mapping; none where it is no mapping."""
    return {str(key.value) for key, _ in node.value} if isinstance(node, yaml.MappingNode) else set()


def items(node: yaml.Node | None) -> list[yaml.Node]:
    """The items of a sequence; none where it is no sequence."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def text_of(node: yaml.Node | None) -> str:
    """A scalar's text; empty for anything else."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def put_first(mapping: yaml.MappingNode, entry: str) -> Edit:
    """One more entry, in flow style such as ``key: {a: b}``, before all others of a mapping."""
    if not mapping.value:
        return Edit(mapping.end_mark.index - 1, mapping.end_mark.index - 1, entry)
    place = mapping.value[0][0].start_mark
    rest = ", " if mapping.flow_style else "\n" + " " * place.column
    return Edit(place.index, place.index, entry + rest)


def flow(value: object) -> str:
    """A value on one line: JSON, which is YAML too, with characters that YAML has no place for escaped as it does."""
    written = json.dumps(value, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08X}" for one in written)


def put_items(
    text: str, mapping: yaml.MappingNode, name: str, entries: Sequence[str], notes: Sequence[str] = ()
) -> Edit:
    """More items, in flow style, before all others of the list under a key, which is made where there is none.

    ``notes`` are comments, one behind each item, where the list has lines to put them on.
    """
    found = member(mapping, name)
    flow = f"[{', '.join(entries)}]"
    if found is None:
        return put_first(mapping, f"{name}: {flow}")
    if not isinstance(found, yaml.SequenceNode) or not found.value:  # an empty list, or no value at all
        return replaced(found, f" {flow}")
    place = found.value[0].start_mark.index
    if found.flow_style:
        return Edit(place, place, "".join(f"{entry}, " for entry in entries))
    dash = text.rindex("-", 0, place)
    indent = " " * (dash - (text.rfind("\n", 0, dash) + 1))
    comments = [f"  # {note}" for note in notes] or [""] * len(entries)
    pairs = zip(entries, comments, strict=True)
    return Edit(dash, dash, "".join(f"- {entry}{comment}\n{indent}" for entry, comment in pairs))


def replaced(node: yaml.Node, text: str) -> Edit:
    """Another text in place of a scalar."""
    return Edit(node.start_mark.index, node.end_mark.index, text)


def without(text: str, sequence: yaml.SequenceNode, unwanted: Iterable[yaml.Node]) -> Iterator[Edit]:
    """The sequence lacks some of its items; one that lacks all of them is ``[]``."""
    gone = [id(node) for node in unwanted]
    kept = [node for node in sequence.value if id(node) not in gone]
    if len(kept) == len(sequence.value):
        return
    first, last = sequence.start_mark.index, _end(text, sequence)
    if not kept or sequence.flow_style:
        inside = ", ".join(text[node.start_mark.index : _end(text, node)] for node in kept)
        yield Edit(first, last, f"[{inside}]")
        return
    starts = [text.rindex("-", 0, node.start_mark.index) for node in sequence.value]
    for node, start, end in zip(sequence.value, starts, [*starts[1:], last], strict=True):
        if id(node) in gone:
            yield Edit(start, end, "")


def _end(text: str, node: yaml.Node) -> int:
    """Where a node's text ends: a block's mark stands at whatever comes next."""
    start = int(node.start_mark.index)
    return start + len(text[start : node.end_mark.index].rstrip())


def without_item(text: str, sequence: yaml.SequenceNode, item: yaml.Node) -> Iterator[Edit]:
    """The sequence lacks one item, with the comment right above it; all other lines stay, other comments too."""
    if sequence.flow_style or len(sequence.value) == 1:
        yield from _without_only(text, sequence, item)
        return
    yield Edit(*_lines_of(text, item), "")


def _without_only(text: str, sequence: yaml.SequenceNode, item: yaml.Node) -> Iterator[Edit]:
    """Where the sequence is in flow style, or empty afterwards."""
    if sequence.flow_style:
        yield from without(text, sequence, [item])
        return
    start, end = _lines_of(text, item)
    key = text.rindex(":", 0, sequence.start_mark.index) + 1
    between = text[key:start]
    if between.strip():  # comments of others stand between the key and the item
        yield Edit(key, key, " []")
        yield Edit(start, end, "")
    else:
        yield Edit(key, end, " []\n")


def _lines_of(text: str, item: yaml.Node) -> tuple[int, int]:
    """An item of a block from its comment to its last line."""
    dash = text.rindex("-", 0, item.start_mark.index)
    start = text.rindex("\n", 0, dash) + 1 if "\n" in text[:dash] else 0
    indent = dash - start
    while start and _is_comment(above := text[text.rfind("\n", 0, start - 1) + 1 : start], indent, indent):
        start -= len(above)
    end = _line_after(text, int(item.end_mark.index))
    lines = text[dash:end].splitlines(keepends=True)
    while len(lines) > 1 and (not lines[-1].strip() or _is_comment(lines[-1], indent)):
        lines.pop()
    return start, dash + sum(map(len, lines))


def _line_after(text: str, index: int) -> int:
    """Where the first line after a node begins that ends at ``index``: a block ends where the next begins."""
    begin = text.rfind("\n", 0, index) + 1
    if not text[begin:index].strip():
        return begin if text[index:].strip() else len(text)
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _is_comment(line: str, indent: int, least: int = 0) -> bool:
    """Whether a line is a comment that is indented by so many blanks at most, and at least."""
    content = line.lstrip(" ")
    return content.startswith("#") and least <= len(line) - len(content) <= indent
