"""Data sources from files: insert, update, delete and prune, with the mistakes that end the real server."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from .database import Database
from .log import log

TWO_DEFAULTS = (
    "datasource.yaml config is invalid. Only one datasource per organization can be marked as default"
)


class ProvisioningError(Exception):
    """The files cannot be applied: at start the server ends, at a reload nothing changes."""


def documents(folder: Path) -> list[Any]:
    """All YAML files of a provisioning folder in order of name; others are ignored."""
    if not folder.is_dir():
        log("provisioning", f"can't read provisioning files from directory {folder}", "error")
        return []
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix in (".yml", ".yaml"):
            try:
                text = path.read_text(encoding="utf-8")
                _check_keys(yaml.compose(text, yaml.SafeLoader))
                found.append(yaml.safe_load(text) or {})
            except yaml.YAMLError as error:
                raise ProvisioningError(f"yaml: {' '.join(str(error).split())}") from error
    return found


def _check_keys(node: Any) -> None:
    """Go's YAML takes no key twice."""
    below = node.value if isinstance(node, yaml.CollectionNode) else []
    keys = [pair[0].value for pair in below] if isinstance(node, yaml.MappingNode) else []
    if doubled := next((key for key in keys if keys.count(key) > 1), None):
        raise ProvisioningError(f'yaml: unmarshal errors: mapping key "{doubled}" already defined')
    for part in below:
        _check_keys(part[1] if isinstance(part, tuple) else part)


def expanded(value: Any, env: Mapping[str, str] = os.environ) -> Any:
    """``$NAME`` and ``${NAME}`` replaced by the environment, by nothing where unset; ``$$`` is a dollar."""
    if isinstance(value, dict):
        return {key: expanded(item, env) for key, item in value.items()}
    if isinstance(value, list):
        return [expanded(item, env) for item in value]
    if isinstance(value, str) and "$" in value:
        parts = value.split("$$")
        return "$".join(_known(part, env) for part in parts)
    return value


def _known(text: str, env: Mapping[str, str]) -> str:
    out, rest = "", text
    while "$" in rest:
        before, _, rest = rest.partition("$")
        braced = rest.startswith("{")
        body = rest[1:] if braced else rest
        length = next((i for i, c in enumerate(body) if not (c.isalnum() or c == "_")), len(body))
        out += before + env.get(body[:length], "")
        rest = body[length + braced :]
    return out + rest


def apply_sources(database: Database, folder: Path) -> None:
    """Makes the database as the files in ``folder/datasources`` say; ``ProvisioningError`` changes nothing."""
    files = documents(folder / "datasources")
    wanted = [s for document in files for s in expanded(document.get("datasources") or [])]
    if sum(bool(s.get("isDefault")) for s in wanted) > 1:
        raise ProvisioningError(TWO_DEFAULTS)
    with database.transaction():
        _prune(database, {s["name"] for s in wanted})
        for document in files:
            for gone in document.get("deleteDatasources") or []:
                database.rows("DELETE FROM data_source WHERE name = ?", (gone["name"],))
            for source in expanded(document.get("datasources") or []):
                _save(database, source, prunable=bool(document.get("prune")))


def generated_uid(name: str) -> str:
    """P and sixteen hex digits from the name."""
    return "P" + sha256(name.encode()).hexdigest()[:16].upper()


def _prune(database: Database, kept: set[str]) -> None:
    for row in database.rows("SELECT name FROM data_source WHERE is_prunable = 1"):
        if row["name"] not in kept:
            database.rows("DELETE FROM data_source WHERE name = ?", (row["name"],))


def _save(database: Database, source: Mapping[str, Any], *, prunable: bool) -> None:
    uid = source.get("uid") or generated_uid(source["name"])
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", uid):
        raise ProvisioningError(f"invalid UID for datasource {source['name']}")
    values = (
        uid,
        source.get("type", ""),
        source.get("access", "proxy"),
        source.get("url", ""),
        int(bool(source.get("isDefault"))),
        json.dumps(source.get("jsonData") or {}),
        int(not source.get("editable")),
    )
    other = database.row("SELECT name FROM data_source WHERE uid = ?", (uid,))
    if other is not None and other["name"] != source["name"]:
        raise ProvisioningError("data source with the same uid already exists")
    held = database.row("SELECT uid FROM data_source WHERE name = ?", (source["name"],))
    if held is not None and held["uid"] != uid:
        raise ProvisioningError("data source with the same name already exists")
    if held is None:
        database.rows(
            "INSERT INTO data_source"
            " (uid, type, access, url, is_default, json_data, read_only, name, version, is_prunable)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 0)",
            (*values, source["name"]),
        )
    else:
        database.rows(
            "UPDATE data_source SET uid = ?, type = ?, access = ?, url = ?, is_default = ?, json_data = ?,"
            " read_only = ?, is_prunable = ?, version = version + 1 WHERE name = ?",
            (*values, prunable, source["name"]),
        )
