"""A dashboard from elsewhere, in any form that Grafana gives away, as a file that this stack's Grafana takes. Pure.

What was done to it, and what a person should know of it, is said in notes. What cannot be taken is refused with the
export that can.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stack.boards.board import UID_LENGTH, Board, slug
from stack.boards.durations import is_relative, seconds_of
from stack.boards.model import inner, objects, panels, some, title_of
from stack.boards.old_panels import foreign, modern, replacement
from stack.boards.reading import EXPORT, Refused, document, other, texts_of
from stack.boards.resources import classic, is_v2
from stack.boards.rows import on_a_grid
from stack.boards.sources import ours

RESOURCE = "dashboard.grafana.app/"
APART = "give the JSON of each a file of its own"
LEAST_REFRESH = 5.0
DROPPED = (
    "id", "version", "iteration", "gnetId", "__inputs", "__requires", "__elements", "meta", "inputs", "overwrite",
    "folderId", "folderUid", "preload",
)  # fmt: skip


def imported(content: bytes, name: str, *, uid: str = "", title: str = "") -> Board:
    """The dashboard in a file called ``name``. ``uid`` and ``title``: what it is to have instead of its own."""
    return _board(document(content, name), name, uid, title)


def all_imported(content: bytes, name: str) -> tuple[Board, ...]:
    """Each dashboard in a file that may hold several, as a list or in ConfigMaps, under the names that they have."""
    return tuple(_board(found, where) for found, where in _each(document(content, name), name))


def _each(found: Any, name: str) -> Iterator[tuple[Any, str]]:
    if isinstance(found, list) and len(found) > 1:
        for number, one in enumerate(found, 1):
            yield from _each(one, f"{name}, {number}")
    elif isinstance(found, dict) and len(inside := texts_of(found)) > 1:
        for key, text in inside.items():
            yield document(text.encode(), f"{name}, {key}"), f"{name}, {key}"
    else:
        yield found, name


def _board(found: Any, name: str, uid: str = "", title: str = "") -> Board:
    found, notes = _unwrapped(found, name)
    board: dict[str, Any] = json.loads(json.dumps(found))  # a copy, nothing shared
    inputs = _with_inputs(board, notes)
    if on_a_grid(board):
        notes.append("its rows became a grid of panels")
    if not isinstance(board.get("panels"), list):
        raise Refused(f"{name}: no dashboard: it has no list of panels", hint=EXPORT)
    board["panels"] = objects(board["panels"])
    _with_library(board, notes)
    _modernised(board, notes)
    foreign = ours(board, inputs)
    for kind, titles in foreign.items():
        asks = f"{_panels(len(titles))} ask{'s' if len(titles) == 1 else ''} a {kind} data source"
        notes.append(f"{asks}, which is none of this stack: {some(titles)}")
    _framed(board, name, uid, title, notes)
    return Board(board, tuple(notes))


def _unwrapped(found: Any, name: str) -> tuple[dict[str, Any], list[str]]:
    """The model inside whatever it came in, and what was lost on the way."""
    for _ in range(5):
        if isinstance(found, list) and len(found) == 1:
            (found,) = found
        if not isinstance(found, dict):
            break
        spec, kind = found.get("spec"), str(found.get("kind") or "")
        api = str(found.get("apiVersion") or "")
        if is_v2(found):
            return _from_v2(found, str(found.get("uid") or ""))
        if kind == "Dashboard" and isinstance(inner(spec).get("panels"), dict):
            raise Refused(f"{name}: a dashboard of Perses, not of Grafana", hint=EXPORT)
        if isinstance(spec, dict) and (api.startswith(RESOURCE) or kind == "Dashboard"):
            uid = str(inner(found.get("metadata")).get("name") or "")
            if is_v2(spec):
                return _from_v2(spec, uid)
            found = {**spec, "uid": spec.get("uid") or uid}
        elif inside := texts_of(found):
            key, text = _only(inside, name)
            name = f"{name}, {key}"
            found = document(text.encode(), name)
        elif isinstance(found.get("dashboard"), dict):
            found = _with_outer_inputs(found)
        elif isinstance(found.get("json"), dict) and "panels" not in found:
            found = found["json"]
        else:
            break
    if not isinstance(found, dict) or not ("panels" in found or "rows" in found):
        raise other(found, name)
    return found, []


def _only(inside: Mapping[str, str], name: str) -> tuple[str, str]:
    if len(inside) > 1:
        what = f"{len(inside)} dashboards in one file: {some([*inside])}"
        raise Refused(f"{name}: {what}", hint=APART)
    (one,) = inside.items()
    return one


def _from_v2(spec: Mapping[str, Any], uid: str) -> tuple[dict[str, Any], list[str]]:
    board, lost = classic(spec, uid)
    return board, ["converted from the format of resources, version 2", *lost]


def _with_outer_inputs(found: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs beside the dashboard are those of the API's import; they have values already."""
    board = dict(found["dashboard"])
    given = {one["name"]: one.get("value") for one in objects(found.get("inputs")) if one.get("name")}
    told = objects(board.get("__inputs"))
    for one in told:
        if one.get("name") in given and one.get("type") == "constant":
            one["value"] = given[one["name"]]
    return board


def _with_inputs(board: dict[str, Any], notes: list[str]) -> dict[str, str]:
    """The inputs of an export that are data sources, with their types; constants get their values."""
    sources: dict[str, str] = {}
    constants: dict[str, str] = {}
    for one in objects(board.get("__inputs")):
        name = str(one.get("name") or "")
        if one.get("type") == "datasource":
            sources[name] = str(one.get("pluginId") or "prometheus")
        elif name:
            constants[name] = str(one.get("value") or "")
            if not one.get("value"):
                notes.append(f"the input {name} has no value in the file: it is empty")
    if constants:
        for key, value in list(board.items()):
            if key != "__inputs":
                board[key] = _replaced(value, constants)
    return sources


def _replaced(value: Any, constants: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in constants.items():
            value = value.replace(f"${{{name}}}", text)
        return value
    if isinstance(value, list):
        return [_replaced(one, constants) for one in value]
    if isinstance(value, dict):
        return {key: _replaced(one, constants) for key, one in value.items()}
    return value


def _with_library(board: dict[str, Any], notes: list[str]) -> None:
    """Library panels are put where they are shown; one that the file does not bring is named."""
    brought = inner(board.get("__elements"))
    missing = []
    for panel in panels(board):
        reference = inner(panel.get("libraryPanel"))
        if not reference:
            continue
        model = inner(inner(brought.get(str(reference.get("uid")))).get("model")) or inner(
            reference.get("model")
        )
        if model:
            frame = {key: panel[key] for key in ("id", "gridPos", "title") if panel.get(key)}
            panel.pop("libraryPanel")
            panel.update({**json.loads(json.dumps(model)), **frame})
        elif "targets" not in panel:
            missing.append(str(reference.get("name") or title_of(panel)))
    if missing:
        notes.append(f"library panels are not in the file: {some(missing)}; export it for sharing externally")


def _modernised(board: dict[str, Any], notes: list[str]) -> None:
    old: dict[tuple[str, str], int] = {}
    gone: dict[str, int] = {}
    plugins: dict[str, int] = {}
    for panel in panels(board):
        kind = modern(panel)
        if kind and kind != panel["type"]:
            old[kind, panel["type"]] = old.get((kind, panel["type"]), 0) + 1
        elif kind:
            old[f"old {kind}", kind] = old.get((f"old {kind}", kind), 0) + 1
        elif replacement(str(panel.get("type"))):
            gone[str(panel["type"])] = gone.get(str(panel["type"]), 0) + 1
        elif name := foreign(panel):
            plugins[name] = plugins.get(name, 0) + 1
    for (kind, new), count in old.items():
        notes.append(f"{_panels(count, kind)} became {new}")
    for kind, count in gone.items():
        same = f"which Grafana does not load any more: {replacement(kind)} shows the same"
        notes.append(f"{_panels(count)} of the kind {kind}, {same}")
    for kind, count in plugins.items():
        notes.append(
            f"{_panels(count)} of the kind {kind}, a plug-in that Grafana does not bring: install it there"
        )


def _framed(board: dict[str, Any], name: str, uid: str, title: str, notes: list[str]) -> None:
    """Its names, and what Grafana would change or refuse."""
    for key in DROPPED:
        board.pop(key, None)
    for number, panel in enumerate(panels(board), 1):
        if not isinstance(panel.get("gridPos"), dict) and panel.get("type") != "row":
            panel["gridPos"] = {"x": number % 2 * 12, "y": 8 * number, "w": 12, "h": 8}
    _numbered(board)
    board["title"] = title or str(board.get("title") or "").strip() or _stem(name)
    said = uid or str(board.get("uid") or "")
    board["uid"] = _uid(said) if said else slug(board["title"])
    if said and board["uid"] != said:
        notes.append(f"uid {said!r} is none that Grafana takes: it is {board['uid']}")
    refresh = board.get("refresh")
    if isinstance(refresh, str) and refresh not in ("", "auto"):
        seconds = seconds_of(refresh)
        if seconds is None or seconds < LEAST_REFRESH:
            board["refresh"] = "5s" if seconds else ""
            notes.append(f"refresh {refresh!r} became {board['refresh'] or 'off'}: Grafana's least is 5s")
    elif not isinstance(refresh, str):
        board["refresh"] = ""
    if not is_relative(board.get("time")):
        board["time"] = {"from": "now-1h", "to": "now"}
        notes.append("its time was fixed to moments that are over: it shows the last hour")
    board.setdefault("schemaVersion", 16)


def _numbered(board: Mapping[str, Any]) -> None:
    """Each panel has a number of its own."""
    taken: set[int] = set()
    again = []
    for panel in panels(board):
        number = panel.get("id")
        if isinstance(number, int) and number > 0 and number not in taken:
            taken.add(number)
        else:
            again.append(panel)
    free = _free(taken)
    for panel in again:
        panel["id"] = next(free)


def _free(taken: set[int]) -> Iterator[int]:
    number = 0
    while True:
        number += 1
        if number not in taken:
            yield number


def _uid(said: str) -> str:
    return said if re.fullmatch(rf"[A-Za-z0-9_-]{{1,{UID_LENGTH}}}", said) else slug(said)


def _stem(name: str) -> str:
    return re.sub(r"\.(?:json|ya?ml)$", "", name.replace("\\", "/").rpartition("/")[2]) or "Dashboard"


def _panels(count: int, kind: str = "") -> str:
    word = "panel" if count == 1 else "panels"
    return f"{count} {kind} {word}" if kind else f"{count} {word}"
