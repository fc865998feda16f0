"""Several processes, one page: what they record goes through files in one folder, the way of prometheus_client's
multi-process mode, and is added up when it is read.

Counters and histograms are summed over all processes, those that have ended included; a gauge is what was set last.
This module imports prometheus_client, so only import it lazily.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import cast

from prometheus_client import values
from prometheus_client.core import Metric as Family
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from stack.telemetry.catalogue import METRICS
from stack.telemetry.settings import multiprocess_folder

_BEFORE_THE_FIRST = {"gate_pass_rate_percent": 100.0}
_ENDED = 0
_SUMS = ("counter", "histogram", "summary")
_LATEST = "gauge_mostrecent"


def folder_in_use() -> Path | None:
    """The folder that this process records into, None when it records for itself."""
    # The library looks at the environment once, when it is imported.
    return None if values.ValueClass is values.MutexValue else multiprocess_folder()


class AllProcesses:
    """Yields everything recorded into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Family]:
        """The sums; a gauge that nobody has set yet has its first value."""
        # A file that a process is just making is empty.
        files = [str(file) for file in self._folder.glob("*.db") if file.stat().st_size]
        found: dict[str, Family] = {
            family.name: family
            for family in MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        }
        for metric in METRICS:
            if metric.kind == "gauge" and len(metric.values) == len(metric.labels):
                family = found.setdefault(metric.name, Family(metric.name, metric.help, "gauge"))
                known = [sample.labels for sample in family.samples]
                for combination in product(*metric.values.values()):
                    labels = dict(zip(metric.labels, combination, strict=True))
                    if labels not in known:
                        family.add_sample(metric.name, labels, _BEFORE_THE_FIRST.get(metric.name, 0.0))
        return found.values()


def fold(folder: Path) -> None:
    """Puts the files of processes that have ended together, so that their number stays bounded.

    Only one process may do so, and no other may read meanwhile. Gauges that count for living processes only are
    dropped, as the library does; other modes than those of the catalogue are left alone.
    """
    for file in sorted(folder.glob("*.db")):
        kind, _, pid = file.stem.rpartition("_")
        if not pid.isdecimal() or int(pid) == _ENDED or _runs(int(pid)):
            continue
        if kind in (*_SUMS, _LATEST):
            _add(file, folder / f"{kind}_{_ENDED}.db", latest=kind == _LATEST)
            file.unlink()
        mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]


def _add(source: Path, target: Path, *, latest: bool) -> None:
    into = MmapedDict(str(target))  # type: ignore[no-untyped-call]
    try:
        for key, value, moment, _ in MmapedDict.read_all_values_from_file(str(source)):  # type: ignore[no-untyped-call]
            before, since = cast("tuple[float, float]", into.read_value(key))  # type: ignore[no-untyped-call]
            if not latest:
                into.write_value(key, before + value, moment)  # type: ignore[no-untyped-call]
            elif moment > since:
                into.write_value(key, value, moment)  # type: ignore[no-untyped-call]
    finally:
        into.close()  # type: ignore[no-untyped-call]


def _runs(pid: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
