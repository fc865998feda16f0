"""What people attach to a dashboard: stars, permissions, a public link. It goes with the dashboard's number."""

from __future__ import annotations

import json
import uuid
from typing import Any

from .answers import Answer
from .database import Database

UNKNOWN = Answer(404, {"message": "Dashboard not found"})
NOT_PUBLIC = Answer(404, {"message": "Dashboard not found", "messageId": "publicdashboards.notFound"})
STAR, PERMISSIONS, PUBLIC = "star", "permissions", "public"


def stars(database: Database) -> Answer:
    """Uids of the dashboards that the one user has starred."""
    rows = database.rows(
        "SELECT uid FROM dashboard JOIN attached ON attached.id = dashboard.id WHERE kind = ? ORDER BY uid",
        (STAR,),
    )
    return Answer(200, [row["uid"] for row in rows])


def starred(database: Database, number: int) -> bool:
    """Whether the dashboard of this number is."""
    return _held(database, number, STAR) is not None


def star(database: Database, uid: str) -> Answer:
    """Stars a dashboard."""
    return _attach(database, uid, STAR, True, Answer(200, {"message": "Dashboard starred!"}))


def permissions(database: Database, uid: str) -> Answer:
    """Who may do what with one dashboard."""
    number = _number(database, uid)
    return UNKNOWN if number is None else Answer(200, _held(database, number, PERMISSIONS) or [])


def permit(database: Database, uid: str, wanted: Any) -> Answer:
    """Replaces the permissions of one dashboard."""
    if not isinstance(wanted, dict) or not isinstance(wanted.get("items"), list):
        return Answer(400, {"message": "bad request data"})
    done = Answer(200, {"message": "Dashboard permissions updated"})
    return _attach(database, uid, PERMISSIONS, wanted["items"], done)


def public(database: Database, uid: str) -> Answer:
    """The public link of one dashboard."""
    number = _number(database, uid)
    held = None if number is None else _held(database, number, PUBLIC)
    return NOT_PUBLIC if held is None else Answer(200, held)


def publish(database: Database, uid: str) -> Answer:
    """Makes a public link."""
    link = {"uid": uuid.uuid4().hex, "dashboardUid": uid, "accessToken": uuid.uuid4().hex, "isEnabled": True}
    return _attach(database, uid, PUBLIC, link, Answer(200, link))


def _attach(database: Database, uid: str, kind: str, value: Any, done: Answer) -> Answer:
    number = _number(database, uid)
    if number is None:
        return UNKNOWN
    database.rows(
        "INSERT OR REPLACE INTO attached (id, kind, value) VALUES (?, ?, ?)",
        (number, kind, json.dumps(value)),
    )
    return done


def _number(database: Database, uid: str) -> int | None:
    row = database.row("SELECT id FROM dashboard WHERE uid = ? AND is_folder = 0", (uid,))
    return None if row is None else int(row["id"])


def _held(database: Database, number: int, kind: str) -> Any:
    row = database.row("SELECT value FROM attached WHERE id = ? AND kind = ?", (number, kind))
    return None if row is None else json.loads(row["value"])
