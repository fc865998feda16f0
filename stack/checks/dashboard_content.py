"""Whether a server holds the dashboard of a file: uid, title, time, variables, panels and their queries.

How a server writes it is its own affair: order of keys, added defaults, a newer schemaVersion, rows, the short forms of
data sources and queries that older files use, and panel types that it replaces. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Model = Mapping[str, Any]
EMPTY: tuple[Any, ...] = (None, "", False, [], {})
WRITTEN_ANEW = ("datasource",)
"""Keys of a query that are compared by themselves."""
VARIABLE_KEYS = ("type", "regex", "multi", "includeAll", "allValue")
REPLACED_TYPES = (
    "graph",
    "singlestat",
    "table-old",
    "grafana-piechart-panel",
    "grafana-singlestat-panel",
    "grafana-worldmap-panel",
)
"""Panel types that servers since 11 show as another one."""


def difference(wanted: Model, held: Model) -> str:
    """The first thing of the file that the server's model lacks or has otherwise; empty where it holds all."""
    return next(_differences(wanted, held), "")


def _differences(wanted: Model, held: Model) -> Iterator[str]:
    for key in ("uid", "title", "refresh", "time"):
        if key in wanted and not _contains(held.get(key), wanted[key]):
            yield key
    yield from _variables(_named(wanted), _named(held))
    yield from _panels(list(panels(wanted)), list(panels(held)))


def panels(model: Model) -> Iterator[Model]:
    """All panels that show something, those inside rows too; the rows themselves are layout."""
    for panel in _objects(model.get("panels")):
        if panel.get("type") != "row":
            yield panel
        yield from panels(panel)


def _named(model: Model) -> dict[str, Model]:
    templating = model.get("templating")
    listed = _objects(templating.get("list")) if isinstance(templating, Mapping) else []
    return {str(variable.get("name")): variable for variable in listed}


def _objects(value: Any) -> list[Model]:
    """The objects in a list; none where it is something else."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _variables(wanted: Mapping[str, Model], held: Mapping[str, Model]) -> Iterator[str]:
    if list(wanted) != list(held):
        yield f"variables: {', '.join(held) or 'none'} instead of {', '.join(wanted) or 'none'}"
        return
    for name, variable in wanted.items():
        other = held[name]
        alike = all(_same(variable.get(key), other.get(key)) for key in VARIABLE_KEYS)
        asked = _same(_question(variable.get("query")), _question(other.get("query")))
        if not alike or not asked or not _same_source(variable.get("datasource"), other.get("datasource")):
            yield f"variable {name}"


def _question(query: Any) -> Any:
    """What a variable asks: older files have it as text, newer ones inside an object."""
    return query.get("query", query) if isinstance(query, Mapping) else query


def _panels(wanted: list[Model], held: list[Model]) -> Iterator[str]:
    if len(wanted) != len(held):
        yield f"panels: {len(held)} instead of {len(wanted)}"
        return
    numbers = {str(panel.get("id")) for panel in wanted}
    by_id = {str(panel.get("id")): panel for panel in held}
    known = len(numbers) == len(wanted) and numbers == by_id.keys()
    for place, panel in enumerate(wanted):
        other = by_id[str(panel.get("id"))] if known else held[place]
        if what := _panel(panel, other):
            yield f"panel {panel.get('title') or panel.get('id')}: {what}"


def _panel(wanted: Model, held: Model) -> str:
    if not _same(wanted.get("title"), held.get("title")):
        return "title"
    if wanted.get("type") not in (held.get("type"), *REPLACED_TYPES):
        return "type"
    if not _same_source(wanted.get("datasource"), held.get("datasource")):
        return "data source"
    queries, others = _objects(wanted.get("targets")), _objects(held.get("targets"))
    if len(queries) != len(others):
        return f"{len(others)} queries instead of {len(queries)}"
    for one, other in zip(queries, others, strict=True):
        asked, told = (t.get("datasource") or p.get("datasource") for t, p in ((one, wanted), (other, held)))
        if not _same_source(asked, told) or not _contains(other, one):
            return f"query {one.get('refId') or other.get('refId')}"
    return ""


def _same_source(wanted: Any, held: Any) -> bool:
    """Only the present form, an object with a uid, says which data source is meant: what is less, servers fill in."""
    if not isinstance(wanted, Mapping) or not isinstance(held, Mapping):
        return True
    return bool(wanted.get("uid") == held.get("uid") or not wanted.get("uid"))


def _same(wanted: Any, held: Any) -> bool:
    """Equal, or both as good as left out."""
    return bool(wanted == held or (wanted in EMPTY and held in EMPTY))


def _contains(held: Any, wanted: Any) -> bool:
    """Whether ``held`` has all that ``wanted`` says; keys that it has besides were added by the server."""
    if isinstance(wanted, Mapping) and isinstance(held, Mapping):
        asked = {key: value for key, value in wanted.items() if key not in WRITTEN_ANEW}
        return all(_contains(held.get(key), value) for key, value in asked.items())
    return _same(wanted, held)
