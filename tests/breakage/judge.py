"""One row on one stack: break, ask, repair, ask again; every demand of the row is an AssertionError that says more."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.breakage.breakage import Breakage
from tests.e2e.stack_command import Ran, Stack

SECONDS = 200


@dataclass
class Verdict:
    """What was seen; seconds of smoke's first failed finding, of smoke, and of the start that repaired."""

    first: float = 0.0
    smoke: float = 0.0
    start: float = 0.0
    said: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)


Told = Callable[[str], object]


def unheard(_: str) -> None:
    """Nobody listens."""


def judge(stack: Stack, row: Breakage, told: Told = unheard) -> Verdict:
    """Goes through the whole row; afterwards the stack is proven again. The remedy is followed whatever was said."""
    verdict = Verdict()
    try:
        row.how(stack)
        if row.applied:
            _started(stack, row, verdict, told)
        _asked(stack, row, verdict, told)
        if not row.applied and row.start in ("refuses", "accepts"):
            _started(stack, row, verdict, told)
        for entry in filter(None, (row.entry, row.refusal_entry)):
            assert any(re.search(pattern(entry), one) for one in verdict.said), f"{entry}: {verdict.said}"
    finally:
        if row.undo is not None:
            row.undo(stack)
    began = time.monotonic()
    told("start")
    stack.ok("start")
    verdict.start = time.monotonic() - began
    told("smoke")
    stack.ok("smoke")
    return verdict


def _started(stack: Stack, row: Breakage, verdict: Verdict, told: Told) -> None:
    told("start")
    ran = stack("start", **row.environment)
    told(ran.err)
    if row.start == "accepts":
        assert ran.code == 0, f"start: exit code {ran.code}\n{ran.err}"
        return
    code = row.code if row.refusal_code is None else row.refusal_code
    assert ran.code == code, f"start: exit code {ran.code}, not {code}\n{ran.out}\n{ran.err}"
    verdict.said.append(error_of(ran))
    _matches(row.refusal or row.said, error_of(ran), "start")


def _asked(stack: Stack, row: Breakage, verdict: Verdict, told: Told) -> None:
    told("smoke")
    with ThreadPoolExecutor(2) as pool:
        document = pool.submit(stack, "smoke", "--json", **row.environment)
        status = pool.submit(stack, "status", **row.environment)
        ran = _watched(stack, row, verdict, told)
    _judged(row, verdict, ran, document.result())
    if row.plan:
        _matches(row.plan, stack.ok("plan").out, "plan")
    if row.status is not None:
        code = status.result().code
        assert code == row.status, f"status: exit code {code}, not {row.status}\n{status.result()}"


def _watched(stack: Stack, row: Breakage, verdict: Verdict, told: Told) -> Ran:
    """smoke as a person sees it, with the moment of its first failed finding."""
    began = time.monotonic()
    with subprocess.Popen(
        [str(stack.script), "smoke"],
        env={**stack.environment, **row.environment},
        cwd=stack.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if line.startswith("FAILED") and not verdict.first:
                verdict.first = time.monotonic() - began
        err = process.stderr.read() if process.stderr else ""
        code = process.wait(SECONDS)
    verdict.smoke = time.monotonic() - began
    told("".join(line for line in lines if not line.startswith("ok ")) + err)
    return Ran(code, "".join(lines), err)


def _judged(row: Breakage, verdict: Verdict, text: Ran, document: Ran) -> None:
    seen = f"{text.out}\n{text.err}"
    wanted = row.code if row.said else 0
    assert text.code == wanted, f"smoke: exit code {text.code}, not {wanted}\n{seen}"
    assert document.code == wanted, f"smoke --json: exit code {document.code}, not {wanted}\n{document.out}"
    assert "unexpected" not in text.err, seen
    assert "Traceback" not in seen
    told = document.json()
    if not row.said:
        if row.warns:
            _matches(row.warns, "\n".join(_warnings(told)), "warnings")
            verdict.said += _warnings(told)
        return
    verdict.said.append(error_of(text))
    _matches(row.said, error_of(text), "smoke")
    _matches(row.remedy, error_of(text), "smoke's remedy")
    _matches(row.said, str(told["error"]), "smoke --json")
    _matches(row.remedy, str(told["hint"]), "smoke --json's hint")
    failed = [f for f in told.get("findings", ()) if f["status"] == "failed"]
    verdict.causes = [f["check"] for f in failed if not f["because"]]


def error_of(ran: Ran) -> str:
    """The one line that begins with ``error:``, without that word."""
    lines = [line.removeprefix("error: ") for line in ran.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, f"not one error line: {ran.err!r}"
    return lines[0]


def pattern(entry: str) -> str:
    """What a message in docs/troubleshooting.md stands for: words in capitals are values, three dots are any text."""
    parts = re.split(r"(\.\.\.|\b[A-Z][A-Z_]+\b|\bN\b)", entry)
    return "".join(re.escape(part) if number % 2 == 0 else ".*?" for number, part in enumerate(parts))


def _warnings(document: dict[str, Any]) -> list[str]:
    return [warning for finding in document["findings"] for warning in finding["warnings"]]


def _matches(pattern: str, text: str, what: str) -> None:
    assert re.search(pattern, text), f"{what}: /{pattern}/ is not in: {text}"
