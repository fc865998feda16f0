"""config_gate: is this document a policy? The value is the typed ``Policy``; what it leaves out keeps its default.

The dataclasses of ``policy`` are the schema: their fields are the keys, their annotations the types, their
metadata the ranges. E_CONFIG_INVALID: not parseable or a wrong type. E_CONFIG_VALIDATION: a value out of range
or an unknown key. It must never read a file: the caller passes the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, NoReturn, get_args, get_type_hints

from stack.app.gates.document import read_document
from stack.app.gates.hosts import check_pattern
from stack.app.gates.policy import Policy
from stack.app.gates.types import Accepted, Rejected, shown

GATE: Final = "config_gate"
_HOST_LISTS: Final = frozenset(("url.allowed_hosts", "url.denied_hosts"))
_TYPE_NAMES: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    type(None): "nothing",
    dict: "a mapping",
    list: "a list",
}


def check_config(document: str) -> Accepted[Policy]:
    """Accept a policy document in YAML. Raises Rejected whose hint starts with the path of the faulty key."""
    try:
        value = read_document(document)
    except ValueError as fault:
        raise Rejected(GATE, "E_CONFIG_INVALID", document, str(fault)) from None
    policy: Policy = _section("", Policy, value)
    if policy.archive.max_file_bytes > policy.archive.max_total_bytes:
        _out_of_range(
            "archive.max_file_bytes", "at most archive.max_total_bytes", policy.archive.max_file_bytes
        )
    return Accepted(GATE, policy)


def _section(path: str, kind: type, value: object) -> Any:
    if not isinstance(value, dict):
        _wrong_type(path or "the document", "a mapping of keys to values", value)
    known = _schema(kind)
    for key in value:
        if key not in known:
            _unknown(_join(path, _text(key)), _text(key), known)
    return kind(**{key: _value(_join(path, key), *known[key], item) for key, item in value.items()})


@cache
def _schema(kind: Any) -> dict[str, tuple[Field[Any], Any]]:
    hints = get_type_hints(kind)
    return {field.name: (field, hints[field.name]) for field in fields(kind)}


def _value(path: str, field: Field[Any], kind: Any, value: object) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        return _section(path, kind, value)
    bounds = field.metadata.get("range")
    items = get_args(kind)
    if not items:
        return _scalar(path, kind, bounds, value)
    if not isinstance(value, list):
        _wrong_type(path, "a list", value)
    checked = tuple(_scalar(f"{path}[{i}]", items[0], bounds, item) for i, item in enumerate(value))
    if path in _HOST_LISTS:
        _refuse_patterns(path, checked)
    return checked


def _scalar(path: str, kind: Any, bounds: tuple[float, float] | None, value: object) -> Any:
    if type(value) is not kind and not (kind is float and type(value) is int):
        _wrong_type(path, _TYPE_NAMES[kind], value)
    if bounds is not None and isinstance(value, (int, float)):
        low, high = bounds
        if not low <= value <= high:  # holds for NaN too
            _out_of_range(path, f"{low}-{high}", value)
    return float(value) if kind is float and isinstance(value, int) else value


def _refuse_patterns(path: str, patterns: tuple[str, ...]) -> None:
    for i, pattern in enumerate(patterns):
        wrong = check_pattern(pattern)
        if wrong is not None:
            raise Rejected(GATE, "E_CONFIG_VALIDATION", pattern, f"{path}[{i}]: {wrong}")


def _unknown(path: str, key: str, known: Mapping[str, object]) -> NoReturn:
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    raise Rejected(GATE, "E_CONFIG_VALIDATION", key, f"{path}: unknown key; {hint}")


def _wrong_type(path: str, wanted: str, value: object) -> NoReturn:
    found = _TYPE_NAMES.get(type(value), type(value).__name__)
    raise Rejected(GATE, "E_CONFIG_INVALID", _text(value), f"{path}: must be {wanted}, got {found}")


def _out_of_range(path: str, wanted: str, value: object) -> NoReturn:
    text = _text(value)
    raise Rejected(GATE, "E_CONFIG_VALIDATION", text, f"{path}: must be {wanted}, got {shown(text)}")


def _text(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # more digits than Python prints (CVE-2020-10735)
        return "a number of thousands of digits"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
