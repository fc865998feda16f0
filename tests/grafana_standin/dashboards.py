"""Routes about dashboards and folders: search, read, and the refusal to change what files provide."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from sqlite3 import Row
from typing import Any

from .answers import WEB_JSON, Answer
from .attached import starred
from .database import Database
from .provisioning_dashboards import check_uid, now, slug
from .schema import converted

NOT_FOUND = Answer(404, {"message": "Dashboard not found"})
KINDS = {"dash-db": 0, "dash-folder": 1}
MOST = 5000
TOO_MANY = "Limit is above maximum allowed (5000), use page parameter to access hits beyond limit"
SCHEMA_V2 = 13
NEVER = "0001-01-01T00:00:00Z"


def search(database: Database, params: dict[str, list[str]]) -> Answer:
    """Folders and dashboards in order of kind and title."""
    kind = params.get("type", [""])[0]
    if kind and kind not in KINDS:
        return Answer(500, {"message": "Search failed"})
    limit, page = int(params.get("limit", ["1000"])[0]), int(params.get("page", ["1"])[0])
    if limit > MOST:
        return Answer(422, {"message": TOO_MANY})
    rows = database.rows("SELECT * FROM dashboard ORDER BY is_folder DESC, title COLLATE NOCASE")
    hits = [_hit(database, row) for row in rows if not kind or row["is_folder"] == KINDS[kind]]
    kept = [hit for hit in hits if _matches(hit, params)]
    return Answer(200, kept[(page - 1) * limit : page * limit])


def _matches(hit: dict[str, Any], params: dict[str, list[str]]) -> bool:
    words = params.get("query", [""])[0].lower()
    return (
        words in hit["title"].lower()
        and all(tag in hit["tags"] for tag in params.get("tag", []))
        and ("folderUIDs" not in params or hit.get("folderUid") in params["folderUIDs"])
        and ("dashboardUIDs" not in params or hit["uid"] in params["dashboardUIDs"])
    )


def _hit(database: Database, row: Row) -> dict[str, Any]:
    folder = bool(row["is_folder"])
    name = slug(row["title"])
    return {
        "id": row["id"],
        "uid": row["uid"],
        "orgId": 1,
        "title": row["title"],
        "uri": f"db/{name}",
        "url": f"/dashboards/f/{row['uid']}/{name}" if folder else f"/d/{row['uid']}/{name}",
        "slug": "",
        "type": "dash-folder" if folder else "dash-db",
        "tags": sorted(json.loads(row["model"]).get("tags") or []),
        "isStarred": starred(database, row["id"]),
        "sortMeta": 0,
        "isDeleted": False,
        **({} if folder else _folder_of(database, row)),
    }


def _folder_of(database: Database, row: Row) -> dict[str, Any]:
    folder = database.row("SELECT * FROM dashboard WHERE uid = ? AND is_folder = 1", (row["folder_uid"],))
    if folder is None:
        return {}
    return {
        "folderId": folder["id"],
        "folderUid": folder["uid"],
        "folderTitle": folder["title"],
        "folderUrl": f"/dashboards/f/{folder['uid']}/{slug(folder['title'])}",
    }


def read(database: Database, major: int, uid: str) -> Answer:
    """One dashboard as stored, from 13 on as it comes back from schema v2, with what the server knows of it."""
    row = database.row("SELECT * FROM dashboard WHERE uid = ? AND is_folder = 0", (uid,))
    if row is None:
        return NOT_FOUND
    held = database.row("SELECT path FROM provisioned WHERE uid = ?", (uid,))
    may = {"canAdd": True, "canEdit": True, "canDelete": True}
    name = slug(row["title"])
    folder = _folder_of(database, row)
    meta = {
        "type": "db",
        **dict.fromkeys(("canSave", "canEdit", "canAdmin", "canStar", "canDelete"), True),
        "slug": name,
        "url": f"/d/{uid}/{name}",
        "expires": NEVER,
        "created": row["created"],
        "updated": row["updated"],
        "updatedBy": row["author"],
        "createdBy": row["author"],
        "version": row["version"],
        "hasAcl": False,
        "isFolder": False,
        "apiVersion": "v0alpha1",
        **(folder or {"folderId": 0, "folderUid": "", "folderTitle": "General", "folderUrl": ""}),
        "provisioned": held is not None,
        "provisionedExternalId": Path(held["path"]).name if held is not None else "",
        "annotationsPermissions": {"dashboard": may, "organization": may},
    }
    model = {**json.loads(row["model"]), "id": row["id"], "version": row["version"]}
    return Answer(200, {"meta": meta, "dashboard": model if major < SCHEMA_V2 else converted(model)})


def delete(database: Database, uid: str) -> Answer:
    """Those from files stay."""
    row = database.row("SELECT title FROM dashboard WHERE uid = ? AND is_folder = 0", (uid,))
    if row is None:
        return NOT_FOUND
    if database.row("SELECT uid FROM provisioned WHERE uid = ?", (uid,)) is not None:
        return Answer(400, {"message": "provisioned dashboard cannot be deleted"})
    database.rows("DELETE FROM dashboard WHERE uid = ?", (uid,))
    return Answer(200, {"message": f"Dashboard {row['title']} deleted", "title": row["title"], "uid": uid})


def save(database: Database, document: Any, content_type: str) -> Answer:
    """A dashboard made by hand; those from files are refused, ``overwrite`` or not."""
    plain = content_type.partition(";")[0].strip() == "application/json"
    if not plain or not isinstance(document, dict) or not isinstance(document.get("dashboard"), dict):
        return Answer(400, {"message": "bad request data"})
    model = dict(document["dashboard"])
    uid, title = str(model.get("uid") or slug(str(model.get("title", "")))), str(model.get("title", ""))
    if not title.strip():
        return Answer(400, {"message": "Dashboard title cannot be empty", "status": "empty-name"})
    try:
        check_uid(uid)
    except ValueError as error:
        return Answer(400, {"message": str(error)})
    held = database.row(
        "SELECT id FROM dashboard WHERE uid = ? AND is_folder = 1", (document.get("folderUid"),)
    )
    if document.get("folderUid") and held is None:
        return Answer(400, {"message": "folder not found"})
    if database.row("SELECT uid FROM provisioned WHERE uid = ?", (uid,)) is not None:
        return Answer(400, {"message": "Cannot save provisioned dashboard"})
    text, folder = json.dumps({**model, "uid": uid}), str(document.get("folderUid") or "")
    database.rows(
        "INSERT INTO dashboard (uid, title, model, folder_uid, created, updated, author)"
        " VALUES (?, ?, ?, ?, ?, ?, 'admin')"
        " ON CONFLICT (uid) DO UPDATE SET title = excluded.title, model = excluded.model, version = version + 1",
        (uid, title, text, folder, now(), now()),
    )
    row = database.row("SELECT id, version FROM dashboard WHERE uid = ?", (uid,))
    identity = {"id": row["id"], "version": row["version"]} if row is not None else {}
    url = f"/d/{uid}/{slug(title)}"
    return Answer(
        200,
        {"folderUid": folder, "slug": slug(title), "status": "success", "uid": uid, "url": url, **identity},
    )


def folders(database: Database) -> Answer:
    """All folders."""
    rows = database.rows("SELECT id, uid, title FROM dashboard WHERE is_folder = 1 ORDER BY title")
    return Answer(200, [dict(row) for row in rows])


def delete_folder(database: Database, uid: str) -> Answer:
    """A folder with provisioned dashboards stays."""
    if database.row("SELECT id FROM dashboard WHERE uid = ? AND is_folder = 1", (uid,)) is None:
        return Answer(404, {"message": "folder not found", "status": "not-found"})
    return Answer(400, {"message": "provisioned dashboard cannot be deleted"})


def tags(database: Database) -> Answer:
    """Tags with their number of dashboards."""
    counts: Counter[str] = Counter()
    for row in database.rows("SELECT model FROM dashboard WHERE is_folder = 0"):
        counts.update(set(json.loads(row["model"]).get("tags") or []))
    return Answer(200, [{"term": term, "count": counts[term]} for term in sorted(counts)], WEB_JSON)
