"""From settings to a context: opens every part in its folder under ``--data``, in the order of their needs.

It is the one place that knows how the parts fit together. It must not wait for a database: stores connect at their
first use.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from random import Random

from stack.app.alerts import SEGMENT as ALERT_SEGMENT
from stack.app.alerts import AlertLog
from stack.app.context import AppContext
from stack.app.faults import Faults
from stack.app.faulty_store import obstacle
from stack.app.gatekeeper import Gatekeeper
from stack.app.gates.config import check_config
from stack.app.gates.types import Rejected
from stack.app.ingest.objects import Objects
from stack.app.ingest.pipeline import Ingestor
from stack.app.load.generator import LoadGenerator
from stack.app.load.operations import Targets, all_operations
from stack.app.memory.answers import StoreError
from stack.app.memory.opening import open_store
from stack.app.memory.substrate import Substrate
from stack.app.settings import AppSettings, CannotStart, InvalidSetting, read_secret
from stack.app.tools.audit import AuditSink
from stack.app.tools.builtin import shipped_tools
from stack.app.tools.journal import JournalError
from stack.app.tools.registry import ToolRegistry

NO_POLICY = "{}"
ALERT_BYTES = 32 << 20
"""Alerts that may wait for the packet store; audits have a queue of their own."""


def open_context(settings: AppSettings) -> AppContext:
    """Opens everything and recovers what an earlier process left. Raises CannotStart, InvalidSetting."""
    try:
        return _opened(settings)
    except InvalidSetting:
        raise
    except Rejected as rejected:
        raise CannotStart(f"policy {settings.policy_file}: {rejected.hint}, got {rejected.value!r}") from None
    except (StoreError, JournalError, ValueError) as problem:
        raise CannotStart(str(problem)) from None
    except OSError as problem:
        where = problem.filename or settings.data
        raise CannotStart(
            f"{where}: {problem.strerror}: make it readable, and --data and --spool writable"
        ) from None


def _opened(settings: AppSettings) -> AppContext:
    document = NO_POLICY if settings.policy_file is None else _text(settings.policy_file)
    policy = check_config(document).value
    faults = Faults(settings.faults)
    gates = Gatekeeper(policy, faults)
    store = open_store(
        _database(settings),
        expected_migration=policy.db.expected_migration,
        obstacle=obstacle(faults),
    )
    settings.data.mkdir(parents=True, exist_ok=True)
    # Before anything is cleaned up: it refuses a folder that another process works in.
    audit = AuditSink(store, settings.data / "audit")
    notices = AuditSink(store, settings.data / "alerts", max_bytes=ALERT_BYTES, segment=ALERT_SEGMENT)
    scratch = _emptied(settings.data / "tmp")
    spool = _spool(settings)
    objects = Objects(settings.data / "content", policy.storage, gates, faults)
    ingest = Ingestor(settings.data / "ingest", gates, objects, store, document)
    ingest.recover()
    targets = Targets(gates, store, objects, ingest, scratch, Random(settings.load_seed))  # noqa: S311
    return AppContext(
        settings=settings,
        secrets=_secrets(settings),
        scratch=scratch,
        spool=spool,
        faults=faults,
        gates=gates,
        store=store,
        substrate=Substrate(store, when_healthy=ingest.settle_waiting),
        audit=audit,
        tools=ToolRegistry(shipped_tools(gates, scratch=scratch), policy.tools, audit),
        objects=objects,
        ingest=ingest,
        notices=notices,
        alerts=AlertLog(notices.submit),
        load=_load(settings, targets, audit, faults),
    )


def _secrets(settings: AppSettings) -> dict[str, str]:
    found = {}
    if settings.token_file is not None:
        found["bearer"] = read_secret(settings.token_file, "token_file")
    if settings.basic_auth_file is not None:
        found["basic"] = read_secret(settings.basic_auth_file, "basic_auth_file")
        user, _, password = found["basic"].partition(":")
        if not (user and password):
            raise InvalidSetting(
                f"basic_auth_file: {settings.basic_auth_file}: expected one line user:password"
            )
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        raise CannotStart(f"{path}: is no UTF-8 text ({fault.reason}): correct or replace it") from None


def _emptied(folder: Path) -> Path:
    """The folder anew. Raises OSError where it cannot be removed, or somebody else's is in its place."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True)
    return folder


def _spool(settings: AppSettings) -> Path:
    """A folder of this data folder's own, by default in the system's folder for temporary files."""
    owner = hashlib.sha256(bytes(settings.data.resolve())).hexdigest()[:16]
    return _emptied((settings.spool or Path(tempfile.gettempdir())) / f"stack-app-{os.getuid()}-{owner}")


def _database(settings: AppSettings) -> str | Path:
    if settings.database_url_file is not None:
        return read_secret(settings.database_url_file, "database_url_file")
    return settings.database_url or settings.data / "packets.db"


def _load(settings: AppSettings, targets: Targets, audit: AuditSink, faults: Faults) -> LoadGenerator | None:
    if settings.load == "off" and not settings.faults:
        return None
    return LoadGenerator(
        all_operations(targets, audit), settings.load, settings.load_rate, settings.load_seed, faults
    )
