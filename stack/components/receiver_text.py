"""Receivers of the settings in the text of Alertmanager's file: who they are, what they are told, and when.

Pure: text in, text out. What stands in the file stays to the byte; each line that is added names the place that it is
made of. Values are written as JSON, which is YAML too, so that each text stays the text that it is.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import yaml

from stack.common import yaml_edit as edit
from stack.common.yaml_text import load_yaml
from stack.components.alertmanager_text import with_ways
from stack.components.receiver_options import staying, with_messages
from stack.components.receivers import Receiver
from stack.model.receivers import HTTP, NOT_THE_BUNDLES

CONFIGS = "_configs"
ASKED_FOR = "alertname"


def with_receivers(content: bytes, receivers: Sequence[Receiver], names: Container[str]) -> bytes:
    """The file with these receivers, their routes and quiet hours, before its own; ``names`` are its templates.

    As it is where they cannot be added: amtool tells then what it lacks.
    """
    notes = [one.origin for one in receivers]
    general = _general(content)
    entries = [_receiver(one, names, general) for one in receivers]
    routes = [_route(one) for one in receivers]
    edited = with_ways(content, entries, routes, notes)
    quiet = [one for one in receivers if one.quiet]
    # On the new text, since both may be put before the same key.
    return _with_hours(edited, quiet) if quiet and edited != content else edited


def _with_hours(content: bytes, quiet: Sequence[Receiver]) -> bytes:
    text = content.decode(errors="surrogateescape")
    document = edit.compose(text)
    if not isinstance(document, yaml.MappingNode):
        return content
    hours = [edit.flow({"name": _hours(one), "time_intervals": list(one.quiet)}) for one in quiet]
    put = edit.put_items(text, document, "time_intervals", hours, [one.origin for one in quiet])
    return edit.edited(text, [put]).encode(errors="surrogateescape")


def _general(content: bytes) -> Mapping[str, Any]:
    """How receivers are asked that say nothing of it themselves; nothing where the file says nothing, or is none."""
    try:
        found = load_yaml(content)
    except yaml.YAMLError:
        return {}
    for key in ("global", HTTP):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _receiver(one: Receiver, defined: Container[str], general: Mapping[str, Any]) -> str:
    options = with_messages(one.kind, staying(one.kind, one.options, general), defined)
    return edit.flow({"name": one.name, f"{one.kind}{CONFIGS}": [options]})


def _route(one: Receiver) -> str:
    """Goes on to the next: each receiver hears of all that it asks for, whoever else does."""
    asked = any(matcher.lstrip(' {"').startswith(ASKED_FOR) for matcher in one.matchers)
    matchers = [*one.matchers, *(NOT_THE_BUNDLES[:1] if asked else NOT_THE_BUNDLES)]
    told: dict[str, Any] = {"receiver": one.name, "matchers": matchers, **one.route}
    if one.quiet:
        told["mute_time_intervals"] = [*told.get("mute_time_intervals", []), _hours(one)]
    return edit.flow({**told, "continue": True})


def _hours(one: Receiver) -> str:
    return f"quiet-hours-{one.name}"
