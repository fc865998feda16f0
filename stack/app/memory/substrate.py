"""The memory substrate's housekeeper: one background thread that probes the store, expires and counts packets.

A store that is down makes it report so and try again; it must never end before it is told to, and nobody
waits for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from stack.app.memory.answers import Probe, StoreError
from stack.app.memory.store import PacketStore

INTERVAL_S = 15.0

_log = logging.getLogger(__name__)


class Substrate:
    """Keeps `store` in order every `interval` seconds from `start` to `stop`.

    `when_healthy` is called in each round that found the store well, for work that waits for it.
    """

    def __init__(
        self,
        store: PacketStore,
        interval: float = INTERVAL_S,
        when_healthy: Callable[[], object] | None = None,
    ) -> None:
        self.store = store
        self._interval = interval
        self._when_healthy = when_healthy
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last = Probe(False, 0.0, "not probed yet")

    def start(self) -> None:
        """Begin, with a first round at once, in the background."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="memory-substrate", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End after the round in progress, waiting at most `timeout` seconds for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def round(self) -> Probe:
        """One round: probe, expire, count. Never raises a store's error; the probe tells of it."""
        probe = self.store.probe()
        if probe.healthy:
            try:
                self.store.expire()
                self.store.sizes()
                if self._when_healthy is not None:
                    self._when_healthy()
            except StoreError as error:
                probe = Probe(False, probe.duration_ms, str(error))
        if probe.healthy != self._last.healthy or probe.detail != self._last.detail:
            _log.log(
                logging.INFO if probe.healthy else logging.WARNING,
                "memory substrate %s %s",
                "healthy" if probe.healthy else "unhealthy:",
                probe.detail,
            )
        self._last = probe
        return probe

    def _run(self) -> None:
        while True:
            try:
                self.round()
            except Exception:
                _log.exception("memory substrate: a round failed")
            if self._stop.wait(self._interval):
                return
