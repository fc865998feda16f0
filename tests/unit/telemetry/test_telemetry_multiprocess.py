"""Several processes recording into one folder, read by another: real processes, one after and beside the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stack.telemetry import multiprocess
from stack.telemetry.catalogue import METRICS
from stack.telemetry.multiprocess import fold, forget

ROOT = Path(__file__).parents[3]
DECIDE = """
from stack.telemetry import gate, record_tool_invocation, set_memory_substrate_health
class Refused(Exception): error_code = "E_SCHEME"
for number in range({passed}):
    with gate("url_gate"): pass
for number in range({refused}):
    try:
        with gate("url_gate"): raise Refused
    except Refused: pass
record_tool_invocation("hash", "success", 3)
set_memory_substrate_health({healthy})
"""
READ = "from stack.telemetry import expose; print(expose().body.decode())"


def run(folder: Path, code: str) -> str:
    done = subprocess.run(
        ["/usr/bin/env", f"PROMETHEUS_MULTIPROC_DIR={folder}", sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def read(folder: Path) -> dict[str, float]:
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(run(folder, READ))
        for sample in family.samples
    }


def test_decisions_of_processes_that_ended_are_added_up_and_the_latest_gauge_counts(tmp_path: Path) -> None:
    run(tmp_path, DECIDE.format(passed=3, refused=1, healthy=True))
    run(tmp_path, DECIDE.format(passed=1, refused=1, healthy=True))
    found = read(tmp_path)
    assert found["gate_invocations_total url_gate ok"] == 4
    assert found["gate_invocations_total url_gate reject"] == 2
    assert found["gate_errors_total E_SCHEME url_gate"] == 2
    assert found["gate_execution_ms_count url_gate"] == found["gate_execution_ms_bucket url_gate +Inf"] == 6
    assert found["gate_pass_rate_percent url_gate"] == 50
    assert found["l9_tool_invocation_total success hash"] == 2
    assert found["l9_memory_substrate_healthy"] == 1


def test_before_the_first_decision_everything_is_there(tmp_path: Path) -> None:
    text = run(tmp_path, READ)
    families = {f.name: len(f.samples) for f in text_string_to_metric_families(text)}
    for metric in METRICS:
        if len(metric.values) == len(metric.labels):
            assert families[metric.name.removesuffix("_total")] > 0, metric.name
    found = read(tmp_path)
    assert {found[name] for name in found if name.startswith("gate_pass_rate")} == {100}
    assert {found[name] for name in found if name.startswith(("gate_inv", "gate_err", "l9_"))} == {0}


def test_a_process_that_starts_changes_no_gauge_that_another_has_set(tmp_path: Path) -> None:
    run(tmp_path, DECIDE.format(passed=0, refused=1, healthy=True))
    run(tmp_path, "from stack.telemetry import init_metrics; init_metrics()")
    found = read(tmp_path)
    assert (found["gate_pass_rate_percent url_gate"], found["l9_memory_substrate_healthy"]) == (0, 1)


@pytest.mark.parametrize("times", [1, 3])
def test_folding_keeps_every_number_and_few_files(tmp_path: Path, times: int) -> None:
    for turn in range(times):
        run(tmp_path, DECIDE.format(passed=turn, refused=2, healthy=turn % 2 == 0))
    runtime = ("process_", "python_", "gate_current")
    before = {name: value for name, value in read(tmp_path).items() if not name.startswith(runtime)}
    fold(tmp_path)
    fold(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "counter_0.db",
        "gauge_mostrecent_0.db",
        "histogram_0.db",
    ]
    assert {name: value for name, value in read(tmp_path).items() if not name.startswith(runtime)} == before
    forget(tmp_path)
    assert list(tmp_path.iterdir()) == []


OWN = """
import sys
from threading import Event, Thread
from stack.telemetry import multiprocess
multiprocess._FOLD_SECONDS, ended = 0.01, Event()
Thread(target=lambda: (sys.stdin.read(), ended.set())).start()
multiprocess.keep_folded(ended)
"""


def test_the_owner_of_a_folder_begins_at_zero_and_folds_until_it_ends(tmp_path: Path) -> None:
    decide = DECIDE.format(passed=1, refused=0, healthy=True)
    run(tmp_path, decide)
    line = ["/usr/bin/env", f"PROMETHEUS_MULTIPROC_DIR={tmp_path}", sys.executable, "-c", OWN]
    with subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, text=True) as owner:
        wait_until(lambda: not list(tmp_path.iterdir()))
        run(tmp_path, decide)
        wait_until((tmp_path / "counter_0.db").exists)
        owner.communicate("")
    assert read(tmp_path)["gate_invocations_total url_gate ok"] == 1


def wait_until(condition: Callable[[], bool]) -> None:
    ends = monotonic() + 20
    while not condition():
        assert monotonic() < ends
        sleep(0.02)


def test_what_a_living_process_records_is_neither_folded_nor_forgotten(tmp_path: Path) -> None:
    code = DECIDE.format(passed=2, refused=0, healthy=True) + "print('decided', flush=True); input()"
    line = ["/usr/bin/env", f"PROMETHEUS_MULTIPROC_DIR={tmp_path}", sys.executable, "-c", code]
    with subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as living:
        assert living.stdout is not None
        assert living.stdout.readline() == "decided\n"
        fold(tmp_path)
        forget(tmp_path)
        assert read(tmp_path)["gate_invocations_total url_gate ok"] == 2
        living.communicate("\n")
    assert read(tmp_path)["gate_invocations_total url_gate ok"] == 2
    forget(tmp_path)
    assert read(tmp_path)["gate_invocations_total url_gate ok"] == 0


def test_children_of_a_fork_count_for_themselves(tmp_path: Path) -> None:
    run(
        tmp_path,
        "import os\n" + DECIDE.format(passed=1, refused=0, healthy=True) + "\n"
        "for _ in range(2):\n"
        "    if not os.fork():\n"
        "        with gate('url_gate'): pass\n"
        "        os._exit(0)\n"
        "    os.wait()\n",
    )  # fmt: skip
    assert read(tmp_path)["gate_invocations_total url_gate ok"] == 3


DAMAGED = {
    "counter_4000001.db": b"junk",
    "histogram_4000002.db": b"\xff\xff\xff\x7f\0\0\0\0",
    "gauge_mostrecent_4000003.db": b"\x20\0\0\0\0\0\0\0\xff\0\0\0" + b"{" * 20,
}


def test_a_damaged_file_hides_nothing_and_is_moved_aside(tmp_path: Path) -> None:
    run(tmp_path, DECIDE.format(passed=3, refused=1, healthy=True))
    for name, content in DAMAGED.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "summary_4000004.db").mkdir()
    told = subprocess.run(
        ["/usr/bin/env", f"PROMETHEUS_MULTIPROC_DIR={tmp_path}", sys.executable, "-c", READ],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert 'gate_invocations_total{gate="url_gate",outcome="ok"} 3.0' in told.stdout
    assert told.stderr.count("is damaged") == 1
    fold(tmp_path)
    assert read(tmp_path)["gate_invocations_total url_gate ok"] == 3
    assert not [name for name in DAMAGED if (tmp_path / name).exists()]
    forget(tmp_path)


def test_a_scrape_waits_for_one_file_and_not_for_all_that_are_folded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, DECIDE.format(passed=1, refused=1, healthy=True))
    ended = len(list(tmp_path.glob("*.db")))
    held: list[bool] = []

    class Turn:
        def __enter__(self) -> None:
            held.append(True)

        def __exit__(self, *error: object) -> None:
            return

    monkeypatch.setattr(multiprocess, "_changing", Turn())
    fold(tmp_path)
    assert ended > 1 and len(held) == ended


def test_a_folder_that_is_not_there_fails_no_decision(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/usr/bin/env", f"PROMETHEUS_MULTIPROC_DIR={tmp_path / 'none'}", sys.executable, "-c",
         DECIDE.format(passed=1, refused=1, healthy=True) + "print('went on')"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "went on\n")
    assert "could not be built" in done.stderr
