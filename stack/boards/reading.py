"""What a file holds that is said to be a dashboard: JSON, or YAML as Grafana 13 and kubectl write it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from stack.boards.model import inner, objects
from stack.common.errors import ConfigurationInvalid
from stack.common.json_text import NoJson, load_json
from stack.common.yaml_text import line_of, load_json_like

EXPORT = "in Grafana: Export, as a file, Classic model (Export as code with Grafana 13)"
RESOURCE = re.compile(r"^(?:apiVersion|kind|spec|panels|dashboard):(?:\s|$)", re.MULTILINE)
"""Begins a line of YAML that is meant as a dashboard, and none of JSON."""
LONE = re.compile(r"[\ud800-\udfff]")


class Refused(ConfigurationInvalid):
    """The file is no dashboard that can be taken; ``hint`` says which is."""


def document(content: bytes, name: str) -> Any:
    """The document in a file called ``name``."""
    if content.startswith(b"\x1f\x8b"):
        raise Refused(f"{name}: it is compressed (gzip)", hint="gunzip it first")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"{name}: not UTF-8 text", hint=EXPORT) from error
    if not text.strip():
        raise Refused(f"{name}: an empty file", hint=EXPORT)
    return _of_yaml(text, name) if RESOURCE.search(text) else _of_json(text, name)


def _of_json(text: str, name: str) -> Any:
    try:
        return _sound(load_json(text))
    except NoJson as error:
        page = text.lstrip().startswith("<")
        what = "a web page, no JSON" if page else f"no JSON: {error}"
        hint = "download the file itself (raw), not the page that shows it" if page else EXPORT
        raise Refused(f"{name}{error.place}: {what}", hint=hint) from error


def _of_yaml(text: str, name: str) -> Any:
    try:
        return _sound(load_json_like(text))
    except yaml.YAMLError as error:
        line = line_of(error, text)
        what = getattr(error, "problem", "") or str(error).partition("\n")[0]
        raise Refused(f"{name}{f':{line}' if line else ''}: no YAML: {what}", hint=EXPORT) from error


def _sound(found: Any) -> Any:
    """Halves of characters, which no UTF-8 has, as the mark that Go puts for them."""
    if isinstance(found, str):
        return LONE.sub("\ufffd", found)
    if isinstance(found, list):
        return [_sound(one) for one in found]
    if isinstance(found, dict):
        return {LONE.sub("\ufffd", str(key)): _sound(value) for key, value in found.items()}
    return found


def texts_of(found: Mapping[str, Any]) -> dict[str, str]:
    """The dashboards as text in an object of Kubernetes: of the operator, or in the ConfigMaps of a list, or in one."""
    kind = str(found.get("kind") or "")
    if kind in ("List", "ConfigMapList"):
        maps = objects(found.get("items"))
        names = [str(inner(one.get("metadata")).get("name") or number) for number, one in enumerate(maps, 1)]
        parts = zip(names, map(texts_of, maps), strict=True)
        return {f"{name}/{key}": text for name, part in parts for key, text in part.items()}
    data = inner(found.get({"ConfigMap": "data", "GrafanaDashboard": "spec"}.get(kind, "")))
    return {
        key: text for key, text in data.items() if isinstance(text, str) and text.lstrip().startswith("{")
    }


def other(found: Any, name: str) -> Refused:
    """What it is instead of a dashboard, as far as it can be told."""
    if isinstance(found, list):
        return Refused(f"{name}: a list, no dashboard", hint="give one dashboard a file")
    known = found if isinstance(found, dict) else {}
    kind = str(known.get("kind") or known.get("apiVersion") or "")
    if kind == "LibraryPanel" or isinstance(known.get("model"), dict):
        what, hint = "a library panel", "export a dashboard that shows it"
    elif kind == "GrafanaDashboard":
        what, hint = f"a {kind} that only says where its dashboard is", "give the JSON that lies there"
    elif "groups" in known or "alertRules" in known:
        what, hint = "alert rules", EXPORT
    elif "url" in known and "access" in known:
        what, hint = "a data source", EXPORT
    elif kind:
        what, hint = f"a resource {kind}", EXPORT
    else:
        return Refused(f"{name}: no dashboard: it has no list of panels", hint=EXPORT)
    return Refused(f"{name}: {what}, no dashboard", hint=hint)
