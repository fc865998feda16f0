"""The values from which a variable chooses: those of its file, and what was found, cut and sorted as it asks. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from stack.boards.variables import AUTO, Variable

CUSTOM = re.compile(r"((?:\\,|[^,])+)")


def fixed_options(variable: Variable) -> list[tuple[str, str]]:
    """The options of a variable that asks nobody, as (text, value)."""
    text = variable.query if isinstance(variable.query, str) else json.dumps(variable.query)
    if variable.kind == "interval":
        parts = [part.strip().strip("\"'") for part in re.split(r",", text) if part.strip()]
        auto = [("auto", AUTO)] if variable.auto else []
        return auto + [(part, part) for part in parts]
    if variable.kind == "custom":
        return list(_custom(text))
    if variable.kind in ("constant", "textbox"):
        return [(text, text)]
    return [(one, one) for one in variable.chosen]


def _custom(text: str) -> Iterator[tuple[str, str]]:
    if text.lstrip().startswith("["):
        try:
            listed = json.loads(text)
        except ValueError:
            listed = []
        for one in listed:
            found = one if isinstance(one, dict) else {"value": one}
            yield str(found.get("text", found.get("value", ""))), str(found.get("value", ""))
        return
    for part in CUSTOM.findall(text):
        plain = part.replace("\\,", ",").strip()
        key, separator, value = plain.partition(" : ")
        yield (key.strip(), value.strip()) if separator else (plain, plain)


def filtered(variable: Variable, found: Sequence[str]) -> list[tuple[str, str]]:
    """What was found, cut and chosen by the variable's expression and sorted as it asks, as (text, value)."""
    options = [(one, one) for one in found]
    if variable.regex:
        pattern = _pattern(variable.regex)
        options = [pair for one in found if (pair := _cut(pattern, one)) is not None]
    return _sorted(list(dict.fromkeys(options)), variable.sort)


def _pattern(text: str) -> re.Pattern[str]:
    """A JavaScript expression, perhaps with its flags, as Python's; one that Python does not know fits everything."""
    body, flags = text, 0
    if text.startswith("/") and "/" in text[1:]:
        body, _, told = text[1:].rpartition("/")
        flags = re.IGNORECASE if "i" in told else 0
    try:
        return re.compile(re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", body), flags)
    except re.error:
        return re.compile("")


def _cut(pattern: re.Pattern[str], one: str) -> tuple[str, str] | None:
    match = pattern.search(one)
    if match is None:
        return None
    named = match.groupdict()
    if "value" in named or "text" in named:
        value = named.get("value") or named.get("text") or ""
        return named.get("text") or value, value
    whole = match[1] if pattern.groups and match[1] is not None else one
    return whole, whole


def _sorted(options: list[tuple[str, str]], order: int) -> list[tuple[str, str]]:
    if order in (1, 2):
        options.sort(key=lambda one: one[0])
    elif order in (3, 4):
        options.sort(key=lambda one: _number(one[0]))
    elif order in (5, 6):
        options.sort(key=lambda one: one[0].lower())
    elif order in (7, 8):
        options.sort(
            key=lambda one: [int(p) if p.isdigit() else p.lower() for p in re.split(r"(\d+)", one[0])]
        )
    return options[::-1] if order in (2, 4, 6, 8) else options


def _number(text: str) -> float:
    found = re.search(r"\d+", text)
    return float(found[0]) if found else -1.0
