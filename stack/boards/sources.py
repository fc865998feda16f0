"""References to data sources, from whatever Grafana a dashboard comes, made those of this stack. Pure.

Where the dashboard has a variable for its data source, or an input of the export, that is what its panels name. Else
they get one, ``datasource``. Sources of another type are left as they are: they are not Prometheus'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stack.boards.model import (
    BUILT_IN,
    LIKE_PROMETHEUS,
    PROMETHEUS,
    inner,
    objects,
    panels,
    source_name,
    templates,
)
from stack.common.logql import LOGQL

VARIABLE = "datasource"
LOKI = "loki"
OURS = {"selected": True, "text": "Prometheus", "value": "prometheus"}


def ours(board: dict[str, Any], inputs: Mapping[str, str]) -> dict[str, list[str]]:
    """Names a data source of this stack wherever one is named; returns, by type, the panels that ask another one.

    ``inputs``: the names of the export's inputs and the type of each.
    """
    name = _variable(board, inputs)
    variables = {v["name"]: str(v.get("query")) for v in templates(board) if v.get("type") == VARIABLE}
    sources = _Sources(name, inputs, variables, _others(board))
    for owner, asks in _owners(board):
        sources.name(owner, asks)
    foreign: dict[str, list[str]] = {}
    for panel in panels(board):
        for one in (panel, *objects(panel.get("targets"))):
            kind = sources.kind_of(one.get("datasource"))
            if kind and kind not in LIKE_PROMETHEUS:
                title = str(panel.get("title") or panel.get("id"))
                if title not in foreign.setdefault(kind, []):
                    foreign[kind].append(title)
    return foreign


def _variable(board: dict[str, Any], inputs: Mapping[str, str]) -> str:
    """The name of the variable that chooses Prometheus; made where there is none and something may ask it."""
    found = [v for v in templates(board) if v.get("type") == VARIABLE]
    for variable in found:
        if variable.get("query") in LIKE_PROMETHEUS:
            variable["query"] = PROMETHEUS
            if variable.get("regex"):
                variable["regex"] = ""  # the names of somebody else's data sources
            variable["current"] = dict(OURS)
            variable.pop("options", None)
    listed = board.setdefault("templating", {})
    listed = listed if isinstance(listed, dict) else {}
    board["templating"] = listed
    kept = objects(listed.get("list"))
    named = {v.get("name") for v in kept}
    for name, kind in inputs.items():
        if kind not in LIKE_PROMETHEUS and name not in named:
            kept.insert(
                0, {"type": VARIABLE, "name": name, "label": name, "query": kind, "current": {}, "hide": 0}
            )
    chosen = next((str(v["name"]) for v in found if v.get("query") == PROMETHEUS), "")
    if not chosen:
        chosen = VARIABLE if VARIABLE not in named else "prometheus_datasource"
        made = {"type": VARIABLE, "name": chosen, "label": "Data Source", "query": PROMETHEUS, "hide": 0}
        kept.insert(0, {**made, "current": dict(OURS), "refresh": 1, "multi": False, "includeAll": False})
    listed["list"] = kept
    return chosen


class _Sources:
    """What a reference means, and what it becomes."""

    def __init__(
        self, name: str, inputs: Mapping[str, str], variables: Mapping[str, str], others: Mapping[str, str]
    ) -> None:
        self._others = others
        self._ours = {"type": PROMETHEUS, "uid": f"${{{name}}}"}
        self._inputs = inputs
        self._variables = variables

    def name(self, owner: dict[str, Any], asks: bool) -> None:
        """Replaces the reference of ``owner``; one that asks nothing of its own needs none."""
        found = owner.get("datasource")
        if found in (None, "", {}) or source_name(found) == "default":
            if asks or found not in (None, "", {}):
                owner["datasource"] = dict(self._ours)
            return
        kind = self.kind_of(found)
        if kind in LIKE_PROMETHEUS:
            named = _plain(source_name(found))
            keeps = isinstance(found, dict) and self._variables.get(named) in LIKE_PROMETHEUS
            owner["datasource"] = {"type": PROMETHEUS, "uid": f"${{{named}}}"} if keeps else dict(self._ours)
        elif kind == LOKI and not inner(found).get("type"):  # else its queries would be taken for PromQL
            owner["datasource"] = {"type": LOKI, "uid": source_name(found)}

    def kind_of(self, found: object) -> str:
        """The type that is meant: what is said, else that of the variable or input, else Prometheus.

        Empty for what every Grafana has of its own, and where nothing is named.
        """
        uid = source_name(found)
        if uid in BUILT_IN or inner(found).get("type") in ("datasource", "__expr__", "grafana"):
            return ""
        named = _plain(uid)
        known = self._inputs.get(named) or self._variables.get(named)
        if known:
            return known
        said = str(inner(found).get("type") or "")
        if said or not uid:
            return said
        return self._others.get(uid, PROMETHEUS)


def _others(board: Mapping[str, Any]) -> dict[str, str]:
    """The names without a type, as before Grafana 8.3, of what is not asked in PromQL: Loki, or as they are called."""
    asked: dict[str, list[dict[str, Any]]] = {}
    for panel in panels(board):
        for target in objects(panel.get("targets")):
            found = target.get("datasource") or panel.get("datasource")
            if source_name(found) and not inner(found).get("type"):
                asked.setdefault(source_name(found), []).append(target)
    others: dict[str, str] = {}
    for name, targets in asked.items():
        if any(LOGQL.search(str(one.get("expr") or "")) for one in targets):
            others[name] = LOKI
        elif not any("expr" in one for one in targets):
            others[name] = name
    return others


def _plain(reference: str) -> str:
    """The name of the variable that a reference is."""
    return reference.strip("$").strip("{}[]").partition(":")[0] if reference[:1] in "$[" else ""


def _owners(board: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Everything that may name a data source, and whether it asks something in PromQL that needs one."""
    for panel in panels(board):
        targets = objects(panel.get("targets"))
        mixed = source_name(panel.get("datasource")) in BUILT_IN
        yield panel, any("expr" in one for one in targets)
        for target in targets:
            yield target, mixed and "expr" in target and not target.get("datasource")
    for variable in templates(board):
        yield variable, variable.get("type") == "query"
    for one in objects(inner(board.get("annotations")).get("list")):
        yield one, bool(one.get("expr"))
