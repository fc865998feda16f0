"""Dashboards from files: what is skipped with a mere log line, what blocks a provider, what stays for good."""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .database import Database
from .log import log
from .provisioning_sources import ProvisioningError, documents, expanded

UID_LENGTH = 40
WATCH_LIMIT = 10
WATCH_DELAY = 5.0
CRASH_WINDOW = 0.1
LEAST_REFRESH = 5
LOGGER = "provisioning.dashboard"
SCHEMA_V2 = 13
NOT_FROM_FILES = "dashboard appears to be in v2 format. Please use the /apis/dashboard.grafana.app/v2 API"
ANOTHER_UID = "the dashboard that this file provides has another uid"

Board = tuple[Path, bytes, dict[str, Any]]


@dataclass(frozen=True)
class Provider:
    """One entry of a provider file."""

    name: str
    path: Path
    folder: str
    folder_uid: str
    interval: float
    keep_deleted: bool

    def files(self) -> list[Path]:
        """The dashboard files, in sub folders too but not in hidden ones, where the path leads just now.

        Only the root's own links are resolved: a link that stands for a file keeps its name, wherever it leads.
        """
        root = self.path.resolve()
        found = sorted(root.rglob("*.json")) if root.is_dir() else []
        files = (p for p in found if p.is_symlink() or not p.is_dir())
        return [p for p in files if not any(part.startswith(".") for part in p.relative_to(root).parts[:-1])]

    def pause(self) -> float:
        """Seconds between two looks: inotify's delay at 10 seconds or less, polling above."""
        return WATCH_DELAY if self.interval <= WATCH_LIMIT else self.interval


def providers(folder: Path) -> list[Provider]:
    """All providers; two of one name end the server."""
    found = []
    for document in documents(folder / "dashboards"):
        for entry in expanded(document.get("providers") or []):
            title, options = entry.get("folder", ""), entry["options"]
            if entry.get("type", "file") != "file":
                raise ProvisioningError(f"type {entry['type']} is not supported")
            if options.get("foldersFromFilesStructure") and title and entry.get("folderUid"):
                raise ProvisioningError("'folder' and 'folderUID' should be empty")
            found.append(
                Provider(
                    entry["name"],
                    Path(options["path"]),
                    title,
                    entry.get("folderUid") or (slug(title) if title else ""),
                    float(entry.get("updateIntervalSeconds") or WATCH_LIMIT),
                    bool(entry.get("disableDeletion")),
                )
            )
    for name, times in Counter(p.name for p in found).items():
        if times > 1:
            raise ProvisioningError(f'dashboard name "{name}" is not unique')
    return found


def apply_provider(database: Database, provider: Provider, *, forced: bool, major: int) -> None:
    """One look at a provider's folder; duplicates block its writes unless the look was asked for (``forced``).

    A dashboard is known by the path of its file below the resolved root: behind a root that has moved, all are gone and
    all are new. A file is saved where the digest of its bytes is another one than before.
    """
    if not provider.path.is_dir():
        log(
            LOGGER, "Cannot read directory", "error", error=f"stat {provider.path}: no such file or directory"
        )
        return
    boards = list(_readable(provider, major))
    blocked = _duplicates(provider, boards)
    if provider.folder:
        _folder(database, provider)
    _drop_deleted(database, provider, {str(path) for path in provider.files()})
    if blocked and not forced:
        return
    for path, content, model in boards:
        _save(database, provider, (path, content, model), major)


def crashes(provider: Provider) -> bool:
    """Whether a reload now ends the real server: a watched folder whose file has changed within a tenth of a second."""
    if provider.interval > WATCH_LIMIT:
        return False
    return any(
        time.time() - path.stat().st_mtime < CRASH_WINDOW for path in provider.files() if path.exists()
    )


def slug(title: str) -> str:
    """A title as it stands in addresses."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def now() -> str:
    """The present in the form of the API."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _readable(provider: Provider, major: int) -> Iterator[Board]:
    for path in provider.files():
        try:
            content = path.read_bytes()
            model = json.loads(content.decode(), parse_constant=_refuse)
            if major >= SCHEMA_V2 and isinstance(model, dict) and "elements" in model.get("spec", model):
                raise ValueError(NOT_FROM_FILES)
            if not isinstance(model, dict) or not str(model.get("title") or "").strip():
                raise ValueError("Dashboard title cannot be empty")
            check_uid(str(model.get("uid", "")))
            _normalise(model)
        except (OSError, ValueError) as error:
            log(LOGGER, "failed to load dashboard from ", "error", file=str(path), error=str(error))
        else:
            yield path, content, model


def _refuse(word: str) -> None:
    raise ValueError(f"invalid character '{word[0]}' looking for beginning of value")


def _normalise(model: dict[str, Any]) -> None:
    """What the server changes in a model before it stores it, with a warning in its log at most."""
    model["title"] = model["title"].strip()
    wished = model.get("refresh")
    if not isinstance(wished, str) or wished in ("", "auto"):
        return
    refresh = re.fullmatch(r"(\d+)(ms|s|m|h|d|w|M|y)", wished)
    if refresh is None or refresh[2] == "ms" or (refresh[2] == "s" and int(refresh[1]) < LEAST_REFRESH):
        log(LOGGER, "Changing refresh interval for provisioned dashboard to minimum refresh interval", "warn")
        model["refresh"] = f"{LEAST_REFRESH}s"


def check_uid(uid: str) -> None:
    """ValueError where the server refuses it."""
    if len(uid) > UID_LENGTH:
        raise ValueError("uid too long, max 40 characters")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", uid):
        raise ValueError("uid contains illegal characters")


def _duplicates(provider: Provider, boards: list[Board]) -> bool:
    uids = Counter(m["uid"] for _, _, m in boards if m.get("uid"))
    titles = Counter(m["title"] for _, _, m in boards)
    for what, counts in (
        ("the same UID is used more than once", uids),
        ("dashboard title is not unique in folder", titles),
    ):
        for value, times in counts.items():
            if times > 1:
                log(LOGGER, what, "warn", value=value, times=times, providers=[provider.name])
    blocked = any(times > 1 for counts in (uids, titles) for times in counts.values())
    if blocked:
        message = "dashboards provisioning provider has no database write permissions because of duplicates"
        log(LOGGER, message, "warn", provider=provider.name, orgId=1)
    return blocked


def _folder(database: Database, provider: Provider) -> None:
    database.rows(
        "INSERT OR IGNORE INTO dashboard (uid, is_folder, title, model, created, updated) VALUES (?, 1, ?, '{}', ?, ?)",
        (provider.folder_uid, provider.folder, now(), now()),
    )


def _save(database: Database, provider: Provider, board: Board, major: int) -> None:
    path, content, model = board
    known = database.rows(
        "SELECT uid, checksum FROM provisioned WHERE provider = ? AND path = ?", (provider.name, str(path))
    )
    held = next((row for row in known if row["uid"] == model.get("uid")), known[0] if known else None)
    checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if held is not None and held["checksum"] == checksum:
        return
    uid = str(model.get("uid") or (held["uid"] if held is not None else uuid.uuid4()))
    if major >= SCHEMA_V2 and held is not None and held["uid"] != uid:
        log(LOGGER, "failed to save dashboard", "error", file=str(path), error=ANOTHER_UID)
        return
    _store(database, provider, uid, model)
    database.rows(
        "INSERT OR REPLACE INTO provisioned (uid, provider, path, checksum, updated) VALUES (?, ?, ?, ?, ?)",
        (uid, provider.name, str(path), checksum, int(path.stat().st_mtime)),
    )


def _store(database: Database, provider: Provider, uid: str, model: dict[str, Any]) -> None:
    """A known uid keeps its number and counts its version up, whoever made it."""
    text = json.dumps({**model, "uid": uid}, sort_keys=True)
    database.rows(
        "INSERT INTO dashboard (uid, title, model, folder_uid, created, updated) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (uid) DO UPDATE SET title = excluded.title, model = excluded.model,"
        " folder_uid = excluded.folder_uid, updated = excluded.updated, version = version + 1",
        (uid, model["title"], text, provider.folder_uid, now(), now()),
    )


def _drop_deleted(database: Database, provider: Provider, present: set[str]) -> None:
    for row in database.rows("SELECT uid, path FROM provisioned WHERE provider = ?", (provider.name,)):
        if row["path"] not in present:
            database.rows("DELETE FROM provisioned WHERE uid = ?", (row["uid"],))
            if not provider.keep_deleted:
                database.rows("DELETE FROM dashboard WHERE uid = ?", (row["uid"],))
