"""What Grafana would take badly: files that its own start or reload answers with silence, a stop, or a mere warning.

Pure. The files are YAML and JSON already, which was checked before; no rule here may need a running server.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from stack.errors import ConfigurationInvalid
from stack.spec import ConfigFile
from stack.yaml_text import load_yaml

SOURCES, PROVIDERS = "provisioning/datasources/", "provisioning/dashboards/"
SOURCE_KEYS = ("uid", "name", "type")


def check_provisioning(files: tuple[ConfigFile, ...]) -> None:
    """Dashboards, data sources and providers; ``ConfigurationInvalid`` names the file and the remedy."""
    boards = [
        (file.path, _board(file))
        for file in files
        if file.path.startswith("dashboards/") and file.path.endswith(".json")
    ]
    for key in ("uid", "title"):
        _distinct(boards, key)
    _sources(list(_listed(files, SOURCES, "datasources")))
    for path, provider in _listed(files, PROVIDERS, "providers"):
        if not isinstance(provider.get("options"), dict) or not provider["options"].get("path"):
            raise _fault(path, "a provider without options.path", "name the folder of its dashboards")


def _board(file: ConfigFile) -> dict[str, Any]:
    board = json.loads(file.content)
    if not isinstance(board, dict) or not isinstance(board.get("panels"), list):
        raise _fault(file.path, "no dashboard", "a dashboard is a JSON object with a list of panels")
    return board


def _distinct(boards: Iterable[tuple[str, dict[str, Any]]], key: str) -> None:
    """Grafana write-blocks a provider with two dashboards of one uid or title, with a mere warning in its log."""
    owners: dict[str, str] = {}
    for path, board in boards:
        value = board.get(key)
        if not isinstance(value, str) or not value:
            raise _fault(path, f"no {key}", "give the dashboard a fixed one")
        if value in owners:
            raise _fault(path, f"{key} {value!r} is that of {owners[value]}", "choose another")
        owners[value] = path


def _listed(files: tuple[ConfigFile, ...], folder: str, key: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """The objects that the files of a folder list under ``key``; a file of another shape is refused."""
    for file in files:
        if file.path.startswith(folder) and file.path.endswith((".yml", ".yaml")):
            document = load_yaml(file.content)
            if not isinstance(document, dict) or document.get("apiVersion") != 1:
                raise _fault(file.path, "no apiVersion: 1", "Grafana would ignore every uid")
            found = document.get(key) or []
            if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
                raise _fault(file.path, f"{key} is no list of objects", "see the files beside it")
            yield from ((file.path, one) for one in found)


def _sources(found: list[tuple[str, dict[str, Any]]]) -> None:
    """Two defaults, or two sources of one uid, end Grafana's process at start."""
    defaults = [path for path, source in found if source.get("isDefault")]
    if len(defaults) > 1:
        raise _fault(defaults[1], "a second default data source", "keep isDefault on one")
    uids: set[str] = set()
    for path, source in found:
        if missing := [key for key in SOURCE_KEYS if not isinstance(source.get(key), str) or not source[key]]:
            raise _fault(path, f"a data source without {missing[0]}", "give it one")
        if source["uid"] in uids:
            raise _fault(path, f"uid {source['uid']!r} is taken", "choose another")
        uids.add(source["uid"])


def _fault(path: str, what: str, hint: str) -> ConfigurationInvalid:
    return ConfigurationInvalid(f"grafana/{path}: {what}", hint=hint)
