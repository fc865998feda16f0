"""What Grafana would take badly: files that its own start or reload answers with silence, a stop, or a mere warning.

Pure. The files are YAML and JSON already, which was checked before; no rule here may need a running server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from stack.common.errors import ConfigurationInvalid
from stack.common.yaml_text import load_yaml
from stack.model.spec import ConfigFile
from stack.validation.native import place

SOURCES, PROVIDERS = "provisioning/datasources/", "provisioning/dashboards/"
SOURCE_KEYS = ("uid", "name", "type")
SOURCE_TYPES: Mapping[str, type] = {
    "url": str,
    "isDefault": bool,
    "editable": bool,
    "jsonData": dict,
    "secureJsonData": dict,
}
WORDS: Mapping[type, str] = {str: "text", bool: "true or false", dict: "an object"}
UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
UID_HINT = "at most 40 of a-z, A-Z, 0-9, - and _"
RESOURCE = "dashboard.grafana.app/"
RESOURCE_HINT = (
    "Grafana loads the classic format from files: monitoring-stack dashboard add FILE makes it of this one"
)
NO_BOARD = (
    "a dashboard is a JSON object with a list of panels; "
    "monitoring-stack dashboard add FILE makes one of other forms"
)
ONE_ORGANISATION = (None, 0, 1)
LEAST_REFRESH = 5.0
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|M|y)")
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}

Found = list[tuple[str, dict[str, Any]]]


def check_provisioning(files: tuple[ConfigFile, ...]) -> None:
    """Dashboards, data sources and providers; ``ConfigurationInvalid`` names the file and the remedy."""
    boards = [
        (place(file, "grafana"), _board(file))
        for file in files
        if file.path.startswith("dashboards/") and file.path.endswith(".json")
    ]
    for key in ("uid", "title"):
        _distinct(boards, key)
    _sources(_listed(files, SOURCES, "datasources"))
    _listed(files, SOURCES, "deleteDatasources")
    _providers(_listed(files, PROVIDERS, "providers"))


def _board(file: ConfigFile) -> dict[str, Any]:
    board = json.loads(file.content)
    if isinstance(board, dict) and (RESOURCE in str(board.get("apiVersion")) or "elements" in board):
        raise _fault(place(file, "grafana"), "a dashboard in the format of resources", RESOURCE_HINT)
    if not isinstance(board, dict) or not isinstance(listed := board.get("panels"), list):
        raise _fault(place(file, "grafana"), "no dashboard", NO_BOARD)
    if not _all_objects(listed):
        number = next(n for n, one in enumerate(listed, 1) if not isinstance(one, dict))
        raise _fault(place(file, "grafana"), f"panel {number} of its list is no object", "take it out")
    for key in ("uid", "title"):
        if not isinstance(board.get(key), str) or not board[key].strip():
            raise _fault(place(file, "grafana"), f"no {key}", "give the dashboard a fixed one")
    if not UID.fullmatch(board["uid"]):
        raise _fault(place(file, "grafana"), f"uid {board['uid']!r} is refused by Grafana", UID_HINT)
    if board["title"] != board["title"].strip():
        raise _fault(place(file, "grafana"), "spaces around the title", "Grafana would cut them off")
    if not _keeps(board.get("refresh")):
        raise _fault(
            place(file, "grafana"),
            f"refresh {board['refresh']!r}",
            "Grafana would make it 5s, the least it allows",
        )
    return board


def _keeps(refresh: object) -> bool:
    """Whether Grafana stores this refresh interval as it is."""
    if not isinstance(refresh, str) or refresh in ("", "auto"):
        return True
    parts = DURATION.findall(refresh)
    whole = "".join(number + unit for number, unit in parts) == refresh
    return whole and sum(float(number) * SECONDS[unit] for number, unit in parts) >= LEAST_REFRESH


def _distinct(boards: Iterable[tuple[str, dict[str, Any]]], key: str) -> None:
    """Grafana write-blocks a provider with two dashboards of one uid or title, with a mere warning in its log."""
    owners: dict[str, str] = {}
    for path, board in boards:
        if board[key] in owners:
            raise _fault(path, f"{key} {board[key]!r} is that of {owners[board[key]]}", "choose another")
        owners[board[key]] = path


def _listed(files: tuple[ConfigFile, ...], folder: str, key: str) -> Found:
    """The objects that the files of a folder list under ``key``; a file of another shape is refused."""
    entries: Found = []
    for file in files:
        if file.path.startswith(folder) and file.path.endswith((".yml", ".yaml")):
            document = load_yaml(file.content)
            if not isinstance(document, dict) or document.get("apiVersion") != 1:
                raise _fault(place(file, "grafana"), "no apiVersion: 1", "Grafana would ignore every uid")
            found = document.get(key) or []
            if not _all_objects(found):
                raise _fault(
                    place(file, "grafana"), f"{key} is no list of objects", "see the files beside it"
                )
            entries += ((place(file, "grafana"), one) for one in found)
    return entries


def _all_objects(value: object) -> bool:
    """Whether it is a list of objects, perhaps of none."""
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _sources(found: Found) -> None:
    """Two defaults, two sources of one uid or name, or a value of another kind end Grafana's process at start."""
    defaults = [path for path, source in found if source.get("isDefault") is True]
    if len(defaults) > 1:
        raise _fault(defaults[1], "a second default data source", "keep isDefault on one")
    taken: set[tuple[str, str]] = set()
    for path, source in found:
        _source(path, source)
        for key in ("uid", "name"):
            if (key, source[key]) in taken:
                raise _fault(path, f"{key} {source[key]!r} is taken", "choose another")
            taken.add((key, source[key]))


def _source(path: str, source: Mapping[str, Any]) -> None:
    if missing := [key for key in SOURCE_KEYS if not isinstance(source.get(key), str) or not source[key]]:
        raise _fault(path, f"a data source without {missing[0]}", "give it one")
    if not UID.fullmatch(source["uid"]):
        raise _fault(path, f"uid {source['uid']!r} is refused by Grafana", UID_HINT)
    for key, kind in SOURCE_TYPES.items():
        if not isinstance(source.get(key), kind | None):
            raise _fault(path, f"{key} of {source['name']} is {source[key]!r}", f"it must be {WORDS[kind]}")
    _one_organisation(path, source)


def _providers(found: Found) -> None:
    """Two of one name, another type, or both ways to name folders end Grafana's process at start."""
    names: set[object] = set()
    for path, provider in found:
        options = provider.get("options")
        if not isinstance(options, dict) or not isinstance(options.get("path"), str) or not options["path"]:
            raise _fault(path, "a provider without options.path", "name the folder of its dashboards")
        if provider.get("type", "file") != "file":
            raise _fault(path, f"a provider of type {provider['type']!r}", "Grafana knows file only")
        if options.get("foldersFromFilesStructure") and provider.get("folder") and provider.get("folderUid"):
            raise _fault(path, "folder beside foldersFromFilesStructure", "keep one of the two")
        if provider.get("name") in names:
            raise _fault(path, f"a second provider named {provider.get('name')!r}", "choose another name")
        names.add(provider.get("name"))
        _one_organisation(path, provider)


def _one_organisation(path: str, entry: Mapping[str, Any]) -> None:
    if entry.get("orgId") not in ONE_ORGANISATION:
        raise _fault(path, f"orgId {entry['orgId']!r}", "this Grafana has one organisation, 1")


def _fault(path: str, what: str, hint: str) -> ConfigurationInvalid:
    return ConfigurationInvalid(f"{path}: {what}", hint=hint)
