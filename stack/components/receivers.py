"""Who hears of alerts, as settings say it: ``[receivers.NAME]`` of stack.toml, and own/receivers/NAME.toml. Pure.

One table is one receiver with one integration. Its words are those of ``WORDS``, which say when it is told, and else
options of the integration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from stack.components.build import Build
from stack.components.own_paths import OWN_RECEIVERS
from stack.components.own_toml import Fault, Wrong, parsed
from stack.components.quiet_hours import intervals
from stack.components.receiver_options import SHORT, options_of
from stack.model.spec import TEST_RECEIVER

SUFFIX = ".toml"
SETTINGS = "stack.toml"
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
NAMES = "1-63 of A-Z, a-z, 0-9, . _ and -"
KIND = re.compile(r"[a-z0-9]+")
LABELS = {"severities": "severity", "components": "component", "jobs": "job"}
"""Words that choose alerts by the values of a label."""
ROUTE = {
    "group_by": "group_by",
    "group_wait": "group_wait",
    "group_interval": "group_interval",
    "repeat": "repeat_interval",
    "mute_time_intervals": "mute_time_intervals",
    "active_time_intervals": "active_time_intervals",
}
"""Words about the time, and the route's own for them."""
SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


class Receiver(Struct, frozen=True):
    """One receiver. ``origin`` is the place that says so; ``route`` has keys and values of Alertmanager's route.

    ``quiet``: entries of the time interval in which it is told nothing.
    """

    name: str
    origin: str
    kind: str
    options: Mapping[str, Any]
    matchers: tuple[str, ...]
    route: Mapping[str, Any]
    quiet: tuple[Mapping[str, Any], ...]


def receivers(build: Build) -> tuple[Receiver, ...]:
    """Those that can be used, by name."""
    return tuple(one for one in _all(build) if isinstance(one, Receiver))


def faults(build: Build) -> tuple[Fault, ...]:
    """What cannot be used."""
    return tuple(one for one in _all(build) if isinstance(one, Fault))


def files(tree: Mapping[str, bytes]) -> dict[str, str]:
    """The files of receivers: path > name."""
    found = (path for path in sorted(tree) if path.startswith(OWN_RECEIVERS) and path.endswith(SUFFIX))
    names = {path: path.removeprefix(OWN_RECEIVERS).removesuffix(SUFFIX) for path in found}
    return {path: name for path, name in names.items() if "/" not in name}


def _all(build: Build) -> Iterator[Receiver | Fault]:
    tables = build.settings.words("receivers")
    for name, table in tables.items():
        yield _read(name, f"{SETTINGS} [receivers.{name}]", table)
    for path, name in files(build.tree).items():
        if name in tables:
            yield Fault(path, f"{SETTINGS} has [receivers.{name}] too", "keep one of the two")
            continue
        try:
            table = parsed(build.tree[path])
        except Wrong as wrong:
            yield Fault(path, str(wrong), wrong.hint)
        else:
            yield _read(name, path, table)


def _read(name: str, origin: str, table: Any) -> Receiver | Fault:
    try:
        return read(name, origin, table)
    except Wrong as wrong:
        return Fault(origin, str(wrong), wrong.hint)


def read(name: str, origin: str, table: Any) -> Receiver:
    """The receiver that a table says; ``Wrong`` with the remedy."""
    if not isinstance(table, dict):
        raise Wrong(f"{name} is no table", "write [receivers.NAME] above its keys")
    if not NAME.fullmatch(name) or name == TEST_RECEIVER:
        raise Wrong(f"a receiver cannot be called {name!r}", f"{NAMES}, and not {TEST_RECEIVER}")
    left = dict(table)
    kind = left.pop("type", "")
    if not isinstance(kind, str) or not KIND.fullmatch(kind):
        raise Wrong("type is missing" if not kind else f"type {kind!r} is none", f"one of {', '.join(SHORT)}")
    quiet = intervals(_texts(left, "quiet_hours"), _text(left, "timezone"))
    matchers = (*_chosen(left), *_texts(left, "matchers"))
    route = {ROUTE[word]: left.pop(word) for word in ROUTE if word in left}
    more = left.pop("options", {})
    if not isinstance(more, dict):
        raise Wrong("options is no table", f"write [receivers.{name}.options] above its keys")
    found = Receiver(name, origin, kind, {**options_of(kind, left), **more}, matchers, route, tuple(quiet))
    for value in (found.options, found.route):
        _plain(value)
    return found


def _chosen(table: dict[str, Any]) -> Iterator[str]:
    for word, label in LABELS.items():
        if values := _texts(table, word):
            yield f"{label}={_quoted(values[0])}" if len(values) == 1 else f"{label}=~{_any_of(values)}"


def _any_of(values: tuple[str, ...]) -> str:
    return _quoted("|".join(SPECIAL.sub(r"\\\1", value) for value in values))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _text(table: dict[str, Any], word: str) -> str:
    value = table.pop(word, "")
    if not isinstance(value, str):
        raise Wrong(f"{word}: {value!r} is no text", "put it in quotes")
    return value


def _texts(table: dict[str, Any], word: str) -> tuple[str, ...]:
    """A list of texts, for which one text is good too."""
    value = table.pop(word, [])
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) and one for one in listed):
        raise Wrong(f"{word}: {value!r} is no list of texts", f'write {word} = ["..."]')
    return tuple(listed)


def _plain(value: Mapping[str, Any]) -> None:
    """``Wrong`` for what Alertmanager's YAML has no word for, such as TOML's dates and times."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        odd = [key for key, one in value.items() if not isinstance(one, str | int | float | list | dict)]
        raise Wrong(f"{', '.join(odd) or 'a value'} is no text or number", "put it in quotes") from None
