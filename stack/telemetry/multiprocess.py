"""Several processes, one page: what they record goes through files in one folder, the way of prometheus_client's
multi-process mode, and is added up when it is read.

Counters and histograms are summed over all processes, those that have ended included; a gauge is what was set last.
This module imports prometheus_client, so only import it lazily.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import product
from pathlib import Path
from threading import Event, Lock
from typing import cast

from prometheus_client import values
from prometheus_client.core import Metric as Family
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from stack.telemetry.catalogue import METRICS
from stack.telemetry.failures import FAILURES
from stack.telemetry.settings import multiprocess_folder

_BEFORE_THE_FIRST = {"gate_pass_rate_percent": 100.0}
_FOLDED = "0"
_FOLD_SECONDS = 10.0
_SUMS = ("counter", "histogram", "summary")
_LATEST = "gauge_mostrecent"
_changing = Lock()


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
        with _changing:
            # A file that a process is just making is empty.
            files = [file for file in self._folder.glob("*.db") if file.stat().st_size]
            try:
                merged = _merged(files)
            except Exception:
                # One that is damaged, by a full disk or a process that died, must not hide the others.
                merged = _merged(filter(_is_sound, files))
        found: dict[str, Family] = {family.name: family for family in merged}
        for metric in METRICS:
            if metric.kind == "gauge" and len(metric.values) == len(metric.labels):
                family = found.setdefault(metric.name, Family(metric.name, metric.help, "gauge"))
                known = [sample.labels for sample in family.samples]
                for combination in product(*metric.values.values()):
                    labels = dict(zip(metric.labels, combination, strict=True))
                    if labels not in known:
                        family.add_sample(metric.name, labels, _BEFORE_THE_FIRST.get(metric.name, 0.0))
        return found.values()


def keep_folded(ended: Event) -> None:
    """For the one process that owns the folder: forgets, and folds every ten seconds until ``ended``."""
    folder = folder_in_use()
    if folder is not None:
        forget(folder)
        while not ended.wait(_FOLD_SECONDS):
            try:
                fold(folder)
            except OSError as fault:
                FAILURES.note("files of processes that have ended could not be put together", fault)


def forget(folder: Path) -> None:
    """Removes what processes that have ended have recorded; those that still run go on."""
    for file in _of_ended(folder):
        with suppress(OSError):
            file.unlink()


def fold(folder: Path) -> None:
    """Puts the files of processes that have ended together, so that their number stays bounded.

    Only one process may do so. Gauges that count for living processes only are dropped, as the library does; other
    modes than those of the catalogue are left alone, and what is damaged is moved aside (``.damaged``).
    """
    for file in _of_ended(folder):
        kind, _, pid = file.stem.rpartition("_")
        sound = _is_sound(file)
        # One file at a time: a scrape in between finds each number once, and waits for a single file.
        with _changing:
            if not sound:
                file.rename(file.with_suffix(".damaged"))
            elif kind in (*_SUMS, _LATEST) and pid != _FOLDED:
                _add(file, folder / f"{kind}_{_FOLDED}.db", latest=kind == _LATEST)
                file.unlink()
            elif kind.startswith("gauge_live"):
                file.unlink()


def _merged(files: Iterable[Path]) -> Iterable[Family]:
    return cast("Iterable[Family]", MultiProcessCollector.merge(map(str, files)))  # type: ignore[no-untyped-call]


def _is_sound(file: Path) -> bool:
    try:
        _merged([file])
    except Exception as fault:
        FAILURES.note("a file of another process is damaged", f"{file.name}: {fault}")
        return False
    return True


def _of_ended(folder: Path) -> list[Path]:
    files = ((file, file.stem.rpartition("_")[2]) for file in folder.glob("*.db"))
    return [file for file, pid in files if pid == _FOLDED or not _runs(pid)]


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


def _runs(pid: str) -> bool:
    try:
        # Also gone when the process has ended and nobody has waited for it.
        Path(f"/proc/{pid}/exe").readlink()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
