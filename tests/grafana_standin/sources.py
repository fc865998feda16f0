"""Routes about data sources: lists, health, the raw proxy and the resources that variables ask for."""

from __future__ import annotations

import json
from sqlite3 import Row
from typing import Any

from . import upstream
from .answers import PLUGIN_UNAVAILABLE, WEB_JSON, Answer, fault
from .database import Database

UNKNOWN = Answer(404, {"message": "Data source not found"})
NO_METADATA = Answer(500, {"message": "Unable to load datasource metadata"})
READ_ONLY = "Cannot {} read-only data source"
LOGOS = {
    "prometheus": "public/plugins/prometheus/img/prometheus_logo.svg",
    "alertmanager": "public/plugins/alertmanager/img/logo.svg",
}
POSTS = (
    "/api/v1/query",
    "/api/v1/query_range",
    "/api/v1/series",
    "/api/v1/labels",
    "/api/v1/query_exemplars",
)


def listed(database: Database) -> Answer:
    """All data sources in order of name."""
    rows = database.rows("SELECT * FROM data_source ORDER BY name COLLATE NOCASE")
    return Answer(200, [_summary(row) for row in rows])


def by(database: Database, column: str, value: str) -> Answer:
    """One data source by uid or name."""
    row = database.row(f"SELECT * FROM data_source WHERE {column} = ?", (value,))
    return UNKNOWN if row is None else Answer(200, _details(row))


def id_of(database: Database, name: str) -> Answer:
    """The number of a name."""
    row = database.row("SELECT id FROM data_source WHERE name = ?", (name,))
    return UNKNOWN if row is None else Answer(200, {"id": row["id"]})


def changed(database: Database, uid: str, verb: str) -> Answer:
    """Those from files can be neither changed nor deleted."""
    row = database.row("SELECT id FROM data_source WHERE uid = ?", (uid,))
    return UNKNOWN if row is None else Answer(403, {"message": READ_ONLY.format(verb)})


def health(database: Database, uid: str) -> Answer:
    """Prometheus is queried; Alertmanager's kind has no backend part and always fails."""
    row = database.row("SELECT * FROM data_source WHERE uid = ?", (uid,))
    if row is None:
        return NO_METADATA
    if row["type"] == "alertmanager":
        return PLUGIN_UNAVAILABLE
    if row["type"] != "prometheus":
        return fault(404, "plugin.notRegistered", "Plugin not registered")
    try:
        reply = upstream.form(row["url"], "/api/v1/query", query="1+1")
        text = "" if reply.status == 200 else f"{reply.status}"
    except upstream.Down as down:
        text = str(down)
    if text:
        message = f"{text} - There was an error returned querying the Prometheus API."
        return Answer(400, {"message": message, "status": "ERROR"})
    details = {"application": "Prometheus", "features": {"rulerApiEnabled": False}}
    message = "Successfully queried the Prometheus API."
    return Answer(200, {"details": details, "message": message, "status": "OK"})


def proxy(database: Database, uid: str, method: str, path: str, body: bytes, content_type: str) -> Answer:
    """The raw proxy; nobody behind it gives 502 with an empty body."""
    row = database.row("SELECT * FROM data_source WHERE uid = ?", (uid,))
    if row is None:
        return Answer(404, {"message": "Unable to find datasource", "traceID": ""}, WEB_JSON)
    allowed = method == "GET" or (method == "POST" and path.partition("?")[0] in POSTS)
    if row["type"] == "prometheus" and not allowed:
        message = f"non allow-listed {method}s not allowed on proxied Prometheus datasource"
        return Answer(403, {"message": message}, WEB_JSON)
    try:
        reply = upstream.call(row["url"], method, path, body, content_type)
    except upstream.Down:
        return Answer(502, b"", "")
    return Answer(reply.status, reply.body, reply.content_type)


def resource(database: Database, uid: str, path: str) -> Answer:
    """What the data source's backend part answers."""
    row = database.row("SELECT * FROM data_source WHERE uid = ?", (uid,))
    if row is None:
        return Answer(500, {"message": "Unable to load datasource meta data", "traceID": ""}, WEB_JSON)
    if row["type"] != "prometheus":
        return PLUGIN_UNAVAILABLE
    try:
        reply = upstream.call(row["url"], "GET", path)
    except upstream.Down:
        return fault(500, "plugin.requestFailureError", "An error occurred within the plugin")
    return Answer(reply.status, reply.body)


def _summary(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "uid": row["uid"],
        "orgId": 1,
        "name": row["name"],
        "type": row["type"],
        "typeName": row["type"].title(),
        "typeLogoUrl": LOGOS.get(row["type"], ""),
        "access": row["access"],
        "url": row["url"],
        "user": "",
        "database": "",
        "basicAuth": False,
        "isDefault": bool(row["is_default"]),
        "jsonData": json.loads(row["json_data"]),
        "readOnly": bool(row["read_only"]),
    }


def _details(row: Row) -> dict[str, Any]:
    summary = {key: value for key, value in _summary(row).items() if key != "typeName"}
    return {
        **summary,
        "basicAuthUser": "",
        "withCredentials": False,
        "secureJsonFields": {},
        "version": row["version"],
        "apiVersion": "",
    }
