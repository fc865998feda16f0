"""Cold start and second start against ``docker compose up -d --wait``, the same services, in turn, in one run.

    python benchmarks/compose_start.py [--runs 5] [--grafana IMAGE]

Compose gets its best case: the generated file with every health check each second. Images must be present.
Prints medians and ratios; figures of one machine mean little, ratios of one run more.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from stack.components import load  # noqa: E402
from tests.compose import Compose, compose_binary  # noqa: E402

NAME, BASE = "bench", 23000
PORTS = ("GRAFANA", "PROMETHEUS", "ALERTMANAGER", "APP")


def main() -> int:
    """Runs the comparison."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--grafana", default="", help="image of Grafana; without one both go without it")
    chosen = options.parse_args()
    compileall.compile_dir(ROOT / "stack", quiet=2)  # as scripts/install does
    busy = busy_note()
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(chosen.grafana)
        theirs = compose_project(Path(folder), ours, chosen.grafana)
        measured = compare(ours, theirs, chosen.runs)
    for name, (a, b) in measured.items():
        ratio = statistics.median(a) / statistics.median(b)
        print(
            f"{name:<34} {statistics.median(a):6.2f} s  compose {statistics.median(b):6.2f} s  ratio {ratio:5.2f}"
        )
    for what, seconds in ours.processor.items():
        print(f"{'processor time, ' + what:<34} {statistics.median(seconds):6.2f} s")
    for note in filter(None, (busy, busy_note())):
        print(note)
    return 0


def busy_note() -> str:
    """What to say of a machine on which others work too; empty for a quiet one."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    return (
        f"busy: the load average is {load:.1f} on {cores} cores, so the seconds mean little"
        if load > cores
        else ""
    )


class Ours:
    """The real command under a name and ports of its own."""

    def __init__(self, grafana: str) -> None:
        self.environment = {
            **os.environ,
            "STACK_NAME": NAME,
            "STACK_PORT_BASE": str(BASE),
            "STACK_GRAFANA": "required" if grafana else "off",
            "STACK_GRAFANA_IMAGE": grafana,
        }
        self.processor: dict[str, list[float]] = {}
        """Seconds of processor time of each command, by its words."""

    def __call__(self, *words: str, what: str = "") -> tuple[float, dict[str, float]]:
        """Seconds of the whole process, and of each milestone."""
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = subprocess.run(
            [sys.executable, "-m", "stack", *words, "--json"],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.processor.setdefault(what or words[0], []).append(used)
        if ran.returncode != 0:
            raise SystemExit(f"{' '.join(words)} ended with {ran.returncode}: {ran.stderr.strip()}")
        document = json.loads(ran.stdout)
        return seconds, {m["name"]: m["seconds"] for m in document.get("milestones", ())}


def compose_project(folder: Path, ours: Ours, grafana: str) -> Compose:
    """The generated file, its health checks each second, with the images that ours resolved."""
    ours("start", "--no-smoke")
    listed = subprocess.run(
        ["/usr/bin/docker", "ps", "--filter", f"label=monitoring-stack.stack={NAME}", "--format", "{{json .}}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    images = {
        row["Names"].removeprefix(f"{NAME}-"): row["Image"]
        for row in map(json.loads, listed.stdout.splitlines())
    }
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    if grafana:
        secret = folder / "password"
        secret.write_text("a-password-for-the-benchmark")
        document["secrets"]["grafana_admin_password"]["file"] = str(secret)
    else:
        del document["services"]["grafana"], document["secrets"]
    for name, service in document["services"].items():
        service["image"] = images[name.replace("_", "-")]
        service["healthcheck"]["interval"] = "1s"
        service["volumes"] = [
            v.replace("./", f"{ROOT}/", 1) if v.startswith("./") else v for v in service["volumes"]
        ]
    file = folder / "docker-compose.yml"
    file.write_text(yaml.safe_dump(document))
    ours("destroy", "--volumes", "--yes")
    variables = {f"STACK_{name}_PORT": str(BASE + i) for i, name in enumerate(PORTS)}
    cache = load({}, environ={}, project=ROOT).cache
    return Compose(compose_binary(cache), file, {**variables, "STACK_NAME": f"{NAME}-compose"})


def timed(work: Callable[[], object]) -> float:
    """Wall-clock seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def up(theirs: Compose) -> None:
    """Compose's own way to a healthy stack."""
    ran = theirs("up", "-d", "--wait")
    if ran.returncode != 0:
        raise SystemExit(ran.stderr)


def compare(ours: Ours, theirs: Compose, runs: int) -> dict[str, tuple[list[float], list[float]]]:
    """A run is: compose cold, compose again, away with it; ours cold to proof, ours again, away with it."""
    names = ("ready (cold)", "checked (cold)", "proven (cold)", "second start")
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}
    try:
        for _ in range(runs):
            cold, again = timed(lambda: up(theirs)), timed(lambda: up(theirs))
            theirs("down", "--volumes")
            _, milestones = ours("start")
            second, _ = ours("start", what="second start")
            ours("destroy", "--volumes", "--yes")
            for name in names[:3]:
                found[name][0].append(milestones[name.split(maxsplit=1)[0]])
                found[name][1].append(cold)
            found["second start"][0].append(second)
            found["second start"][1].append(again)
    finally:
        theirs("down", "--volumes")
        ours("destroy", "--volumes", "--yes")
    return found


if __name__ == "__main__":
    raise SystemExit(main())
