"""Everything the application consists of: opened once, started, and closed in order.

It holds the parts; ``assembly`` puts them together. It decides nothing.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import stack
from stack.app.alerts import KEPT, PACKET_TYPE, AlertLog
from stack.app.alerts import SEGMENT as ALERT_SEGMENT
from stack.app.clock import CLOCK
from stack.app.faults import Faults
from stack.app.gatekeeper import Gatekeeper
from stack.app.ingest.objects import Objects
from stack.app.ingest.pipeline import Ingestor
from stack.app.load.generator import LoadGenerator
from stack.app.memory.answers import StoreError
from stack.app.memory.store import PacketStore
from stack.app.memory.substrate import Substrate
from stack.app.settings import AppSettings
from stack.app.tools.audit import AuditSink
from stack.app.tools.registry import ToolRegistry
from stack.telemetry import multiprocess, recorders

FLUSH_SECONDS = 0.5
SETTLE_SECONDS = 0.5
REMEMBER_AGAIN_SECONDS = 5.0
_LOG = logging.getLogger("stack.app")


@dataclass(slots=True)
class AppContext:
    """The parts. ``secrets`` open everything, by HTTP's schemes.

    ``scratch`` is for temporary files, ``spool`` for uploads;
    ``audit`` and ``notices`` take tool calls and alerts to the store.

    ``load`` is None without a profile and without faults.
    """

    settings: AppSettings
    secrets: Mapping[str, str]
    scratch: Path
    spool: Path
    faults: Faults
    gates: Gatekeeper
    store: PacketStore
    substrate: Substrate
    audit: AuditSink
    notices: AuditSink
    tools: ToolRegistry
    objects: Objects
    ingest: Ingestor
    alerts: AlertLog
    load: LoadGenerator | None
    version: str = stack.__version__
    _opened: float = field(default_factory=time.monotonic)
    _closing: Event = field(default_factory=Event)

    def uptime(self) -> float:
        """Seconds since it was opened."""
        return round(time.monotonic() - self._opened, 3)

    def start(self) -> None:
        """Begins what runs in the background; returns at once, whatever state the packet store is in."""
        recorders.init_metrics()
        Thread(target=multiprocess.keep_folded, args=(self._closing,), name="metrics", daemon=True).start()
        self.audit.start()
        self.notices.start()
        self.substrate.start()
        Thread(target=self._remember_alerts, name="alerts", daemon=True).start()
        if self.load is not None:
            self.load.start()

    def close(self) -> None:
        """Ends calls and background work, brings waiting audits to the store if it answers, and closes the store."""
        self._closing.set()
        self.tools.stop()
        if self.load is not None:
            self.load.stop()
        self.substrate.stop(timeout=0.5)
        self.tools.settle(SETTLE_SECONDS)
        self.audit.close(FLUSH_SECONDS)
        self.notices.close(FLUSH_SECONDS)
        self.store.close()
        shutil.rmtree(self.spool, ignore_errors=True)

    def _remember_alerts(self) -> None:
        before = CLOCK()
        waiting = False
        while not self._closing.wait(REMEMBER_AGAIN_SECONDS if waiting else 0):
            try:
                found = self.store.search(ALERT_SEGMENT, PACKET_TYPE, KEPT)
            except StoreError as problem:
                if not waiting:
                    _LOG.warning("alerts of an earlier process are not shown yet: %s", problem)
                waiting = True
            else:
                self.alerts.remember(packet for packet in found if packet.created_at < before)
                return
