"""The quick start of the documentation, in the process that ``monitor start`` makes, and what that process needs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stack.cli.background import Options, processes_folder, start, stop
from stack.cli.page import fetch
from stack.clients.http import Http
from stack.telemetry.settings import environment_with

ROOT = Path(__file__).parents[3]
QUICK_START = (ROOT / "docs" / "telemetry.md").read_text().split("## The addresses")[0]


def decided(url: str, path: str, body: bytes) -> dict[str, Any]:
    answer = Http(url).post(path, json=json.loads(body)).json()
    assert set(answer) == {"gate", "outcome", "error_code", "value", "detail", "duration_ms"}
    return dict(answer)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", QUICK_START, re.DOTALL)


def test_the_quick_start_of_the_documentation_is_true(tmp_path: Path) -> None:
    """Its very commands and programs, at the address and folder of this test; no command but curl and python."""
    folder = tmp_path / "monitor"
    processes = processes_folder(folder)
    record, _ = start(folder, Options(port=0), environment_with(processes))
    try:
        _, five, program = blocks("console")
        first, second = blocks("text")
        calls = [shlex.split(line.removeprefix("$ ")) for line in five.splitlines()]
        assert len(calls) == 5
        answers = []
        for curl, silent, address, data, body in calls:
            assert (curl, silent, data) == ("curl", "-s", "--json")
            answers.append(decided(record.url, urlsplit(address).path, body.encode()))
        (shown,) = (json.loads(block) for block in blocks("json"))
        assert answers[3] | {"duration_ms": 0} == shown | {"duration_ms": 0}
        page = fetch(f"{record.url}/metrics").splitlines()
        assert [line for line in first.splitlines() if line not in page] == []
        (source,) = blocks("python")
        assert program.startswith("$ export PROMETHEUS_MULTIPROC_DIR=")
        variable = f"PROMETHEUS_MULTIPROC_DIR={processes}"
        ran = subprocess.run(
            ["/usr/bin/env", variable, sys.executable, "-c", source],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert ran.stdout == program.splitlines()[-1] + "\n"
        page = fetch(f"{record.url}/metrics").splitlines()
        assert [line for line in second.splitlines() if line not in page] == []
    finally:
        assert stop(folder)


def test_it_needs_nothing_but_the_plain_installation() -> None:
    """Each package that it imports is in the lock file of the runtime."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "import stack.app.assembly, stack.app.http.server, fastapi.openapi.utils\n"
        "from stack.telemetry import expose, init_metrics; init_metrics(), expose()\n"
        "print(' '.join({name.partition('.')[0] for name in {*sys.modules} - before}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    owners = packages_distributions()
    imported = {owners[name][0] for name in done.stdout.split() if name in owners and name != "stack"}
    needed = {name.lower().replace("_", "-") for name in imported}
    assert {"prometheus-client", "pyyaml", "idna", "uvicorn", "fastapi"} <= needed
    assert needed - set(locked) == set()
