"""Reads YAML safely and as the products do: one value a key; 17:00, 0123456, ``=`` and ``yes`` are texts.

With the C parser where PyYAML has it: ten times as fast, and each command reads a dozen files.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, ClassVar

import yaml

from stack.common.yaml_bounds import LOADER, bounded

TAG = "tag:yaml.org,2002:"
TRUTH = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
UNQUOTED = re.compile(r""":\s+(?:\{\{|[{[](?!.*[}\]]\s*(?:#.*)?$))""")
"""A template, or a selector and what is done with it, where YAML sees the beginning of a mapping or list."""
WHOLE = re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$")
FRACTION = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")
"""A number of YAML 1.2 that is not whole, asked after whole ones."""


class _Loader(LOADER):  # type: ignore[misc]
    """A safe loader. As in Go's YAML a repeated key is an error, and what a text field gets is its text.

    So only truth values, null and plain whole numbers are told from texts: nothing of ours needs more.
    """

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in found if tag in (f"{TAG}null", f"{TAG}merge")]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"{key.value!r} stands twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return found


_Loader.add_implicit_resolver(f"{TAG}bool", TRUTH, list("tTfF"))
_Loader.add_implicit_resolver(f"{TAG}int", WHOLE, list("-+0123456789"))


class _JsonLike(_Loader):
    """With fractions too, where a value is no text because a reader wants one, but because it is written as one."""

    yaml_implicit_resolvers: ClassVar = {
        first: list(found) for first, found in _Loader.yaml_implicit_resolvers.items()
    }


_JsonLike.add_implicit_resolver(f"{TAG}float", FRACTION, list("-+.0123456789"))


def load_json_like(text: str) -> Any:
    """A document that is JSON written as YAML; ``yaml.YAMLError`` with its place where it is none."""
    return _load(text, _JsonLike)


def load_yaml(text: str | bytes) -> Any:
    """The document; ``yaml.YAMLError`` with its place where it is none."""
    return _load(text, _Loader)


def _load(text: str | bytes, loader: type[Any]) -> Any:
    try:
        return yaml.load(bounded(text), Loader=loader)  # noqa: S506 - a safe loader
    except RecursionError as error:
        raise yaml.YAMLError("nested too deep") from error
    except ValueError as error:  # a number of thousands of digits, a date that there is not
        raise yaml.YAMLError(f"a value that cannot be read: {error}") from error


def remedy(error: yaml.YAMLError, text: str) -> str:
    """What to do about a text that is no YAML."""
    problem = str(getattr(error, "problem", ""))
    mark = getattr(error, "problem_mark", None)
    line = "".join(text.splitlines()[mark.line : mark.line + 1]) if mark else ""
    if "\t" in line and ("cannot start any token" in problem or "tab character" in problem):
        return "spaces indent YAML, not tabs"
    if UNQUOTED.search(line):
        return "a value that begins with { or [ needs quotes"
    if "mapping values are not allowed" in problem:
        return "a text with a colon and a blank needs quotes"
    if "<document start>" in problem:
        return "is a line before it indented otherwise?"
    return "correct the YAML"


def line_of(error: yaml.YAMLError, text: str) -> int:
    """The line of the fault, from 1; 0 where it is not known."""
    if mark := getattr(error, "problem_mark", None):
        return int(mark.line) + 1
    place = getattr(error, "position", None)  # of a character that YAML does not take
    return text.count("\n", 0, place) + 1 if isinstance(place, int) else 0
