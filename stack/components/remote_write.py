"""Where samples go beside this Prometheus, as settings say it: ``[remote_write.NAME]`` of stack.toml. Pure.

One table is one address. Its words are those of ``read``, and else options of Prometheus' own ``remote_write``, so that
a new one needs no code; promtool judges them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from msgspec import Struct

from stack.common import yaml_edit as edit
from stack.components.build import Build
from stack.components.own_toml import Fault, Wrong
from stack.components.receivers import NAME, NAMES, SETTINGS

TABLE = "remote_write"
LABELS = "external_labels"
KEY = "remote_write"
LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ADDRESS = re.compile(r"https?://[^\s/?#]+(?:[/?]\S*)?")
TLS = ("ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify")


class Remote(Struct, frozen=True):
    """One address. ``origin`` is the place that says so; ``options`` are Prometheus' own."""

    name: str
    origin: str
    options: Mapping[str, Any]


def labels_of(build: Build) -> dict[str, str]:
    """What whoever gets samples or alerts of this Prometheus tells it by; only what can be used."""
    found = build.settings.words(LABELS).items()
    return {name: value for name, value in found if isinstance(value, str) and LABEL.fullmatch(name)}


def remotes(build: Build) -> tuple[Remote, ...]:
    """Those that can be used, in the order of the settings."""
    return tuple(one for one in _all(build) if isinstance(one, Remote))


def faults(build: Build) -> Iterator[Fault]:
    """What of the settings cannot be used."""
    yield from (one for one in _all(build) if isinstance(one, Fault))
    for name, value in build.settings.words(LABELS).items():
        place = f"{SETTINGS} [{LABELS}]"
        if not LABEL.fullmatch(name):
            yield Fault(place, f"{name!r} is no name of a label", "A-Z, a-z, 0-9 and _, no digit first")
        elif not isinstance(value, str):
            yield Fault(place, f"{name}: {value!r} is no text", "put it in quotes")


def _all(build: Build) -> Iterator[Remote | Fault]:
    for name, table in build.settings.words(TABLE).items():
        place = f"{SETTINGS} [{TABLE}.{name}]"
        try:
            yield read(name, place, table)
        except Wrong as wrong:
            yield Fault(place, str(wrong), wrong.hint)


def read(name: str, origin: str, table: Any) -> Remote:
    """The address that a table says; ``Wrong`` with the remedy."""
    if not isinstance(table, dict):
        raise Wrong(f"{name} is no table", f"write [{TABLE}.NAME] above its keys")
    if not NAME.fullmatch(name):
        raise Wrong(f"an address cannot be called {name!r}", NAMES)
    left = dict(table)
    url = left.pop("url", "")
    if not isinstance(url, str) or not ADDRESS.fullmatch(url):
        raise Wrong(
            "url is missing" if not url else f"url {url!r} is no address",
            'url = "https://HOST/api/v1/write", as the receiving product documents it',
        )
    options = {"name": name, "url": url, **_login(left), **_headers(left), **_tls(left), **_dropped(left)}
    queue = left.pop("queue", None)
    if queue is not None:
        options["queue_config"] = queue
    clash = sorted(options.keys() & left.keys())
    if clash:
        raise Wrong(f"{clash[0]} is said twice", f"keep one of {clash[0]} and its short words")
    found = {**options, **left}
    try:
        json.dumps(found, allow_nan=False)
    except (TypeError, ValueError):
        raise Wrong("a value is no text or number", "put it in quotes") from None
    return Remote(name, origin, found)


def _login(left: dict[str, Any]) -> dict[str, Any]:
    user, password, token = (left.pop(word, "") for word in ("username", "password_file", "token_file"))
    if token and (user or password):
        raise Wrong("token_file and username are two logins", "keep one of the two")
    if bool(user) != bool(password):
        missing = "password_file" if user else "username"
        raise Wrong(
            f"{missing} is missing", 'write both: username = "...", password_file = "own/secrets/..."'
        )
    if token:
        return {"authorization": {"credentials_file": token}}
    return {"basic_auth": {"username": user, "password_file": password}} if user else {}


def _headers(left: dict[str, Any]) -> dict[str, Any]:
    headers = left.pop("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise Wrong(
            f"headers: {headers!r} is no table of texts", 'write headers = {"X-Scope-OrgID" = "tenant"}'
        )
    return {"headers": headers} if headers else {}


def _tls(left: dict[str, Any]) -> dict[str, Any]:
    found = {word: left.pop(word) for word in TLS if word in left}
    return {"tls_config": found} if found else {}


def _dropped(left: dict[str, Any]) -> dict[str, Any]:
    """``drop``: patterns of metric names that are not sent, anchored as Prometheus' own."""
    value = left.pop("drop", [])
    patterns = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) and one for one in patterns):
        raise Wrong(f"drop: {value!r} is no list of texts", 'write drop = ["go_.*"]')
    rules = [{"source_labels": ["__name__"], "regex": one, "action": "drop"} for one in patterns]
    return {"write_relabel_configs": rules} if rules else {}


def with_remotes(content: bytes, found: tuple[Remote, ...], labels: Mapping[str, str]) -> bytes:
    """Prometheus' main file with these addresses before its own, and these labels of whatever leaves it.

    What stands in the file stays to the byte; a label that it has already is left as it is.
    """
    text = content.decode(errors="surrogateescape")
    document = edit.compose(text)
    if not isinstance(document, yaml.MappingNode):
        return content
    if found:
        text = edit.edited(text, [_sent(text, document, found)])
        document = edit.compose(text)
    if labels:
        text = _labelled(text, document, labels)
    return text.encode(errors="surrogateescape")


def _sent(text: str, document: yaml.MappingNode, found: tuple[Remote, ...]) -> edit.Edit:
    """The addresses, on lines of their own where the file has lines, so that a complaint leads to the settings."""
    entries, notes = [edit.flow(dict(one.options)) for one in found], [one.origin for one in found]
    if document.flow_style or edit.member(document, KEY) is not None:
        return edit.put_items(text, document, KEY, entries, notes)
    lines = (f"\n  - {entry}  # {note}" for entry, note in zip(entries, notes, strict=True))
    return edit.put_first(document, f"{KEY}:{''.join(lines)}")


def _labelled(text: str, document: yaml.Node | None, labels: Mapping[str, str]) -> str:
    if not isinstance(document, yaml.MappingNode):
        return text
    top = edit.member(document, "global")
    present, entry = edit.member(top, LABELS), f"{LABELS}: {edit.flow(dict(labels))}"
    if isinstance(present, yaml.MappingNode) and present.value:
        new = (name for name in labels if name not in edit.keys(present))
        return edit.edited(
            text, [edit.put_first(present, f"{name}: {edit.flow(labels[name])}") for name in new]
        )
    if present is not None:
        return edit.edited(text, [edit.replaced(present, f" {edit.flow(dict(labels))}")])
    if isinstance(top, yaml.MappingNode) and top.value:
        return edit.edited(text, [edit.put_first(top, entry)])
    if top is not None:
        return edit.edited(text, [edit.replaced(top, f" {{{entry}}}")])
    return edit.edited(text, [edit.put_first(document, f"global: {{{entry}}}")])
