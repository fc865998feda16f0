"""The message templates as Alertmanager itself renders them, whole, compared with ``tests/golden/messages/``."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import unquote

import pytest
from msgspec.structs import replace

from stack.common.matchers import parse
from stack.components import assemble
from tests.unit.components.test_components import build

Tool = Callable[[list[str], dict[str, bytes]], "CompletedProcess[str]"]
GOLDEN = Path(__file__).parents[1] / "golden" / "messages"
KINDS = ("title", "chat", "text", "html")
ODD = 'a "b" 50%+ c&d#e\\f, <g>'
BETWEEN = "\n=====\n"

pytestmark = pytest.mark.engine


def alert(name: str, status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "warning", "component": "app", **labels},
        "annotations": {
            "summary": "A security gate is slow",
            "description": "The slowest 1 % of decisions take 41.9 ms or more (limit 10 ms) & <more>.",
            "dashboard": "/d/gate-security",
            "runbook_url": "http://127.0.0.1:9090/user/runbooks/GateLatencyHigh.html",
        },
        "startsAt": "2026-01-02T03:04:05Z",
        "endsAt": "2026-01-02T04:04:05Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://127.0.0.1:9090/graph?g0.expr=vector%281%29&g0.tab=1",
        "fingerprint": "f4346e1e28f51d6f",
    }


def notification(*alerts: dict[str, Any]) -> dict[str, Any]:
    first = alerts[0]["labels"]
    common = {n: v for n, v in first.items() if all(a["labels"].get(n) == v for a in alerts)}
    firing = any(a["status"] == "firing" for a in alerts)
    return {
        "receiver": "oncall",
        "status": "firing" if firing else "resolved",
        "alerts": list(alerts),
        "groupLabels": {},
        "commonLabels": common,
        "commonAnnotations": {},
        "externalURL": "http://127.0.0.1:9093",
    }


BARE = {**alert("MyOwn"), "labels": {"alertname": "MyOwn"}, "annotations": {}, "generatorURL": ""}
CASES = {
    "firing": notification(alert("GateLatencyHigh", gate="url_gate"), alert("GateLatencyHigh", gate=ODD)),
    "resolved": notification(alert("GateLatencyHigh", "resolved", gate="url_gate")),
    "both": notification(alert("GateLatencyHigh", gate="url_gate"), alert("GateUnavailable", "resolved")),
    "bare": notification(BARE),
    "many": notification(*(alert("GateLatencyHigh", gate=f"gate{number:02}") for number in range(40))),
}


@pytest.fixture(scope="module")
def firing(amtool: Tool) -> dict[str, str]:
    return rendered(amtool, "firing")


def rendered(amtool: Tool, case: str, *, grafana: bool = True) -> dict[str, str]:
    """Each kind of message, as amtool renders it by the files that the stack has."""
    made = build() if grafana else replace(build(), absent=(("grafana", "no image"),))
    service = assemble(made).service("alertmanager")
    files = {f.path: f.content for f in service.files if f.path.startswith("templates/")}
    files["data.json"] = json.dumps(CASES[case]).encode()
    found: dict[str, str] = {}
    for kind, names in (("text", KINDS[:3]), ("html", KINDS[3:])):
        text = BETWEEN.join(f'{{{{ template "stack.{name}" . }}}}' for name in names)
        where = ["--template.glob=templates/*.tmpl", "--template.data=data.json", f"--template.type={kind}"]
        done = amtool(["template", "render", *where, f"--template.text={text}"], files)
        assert done.returncode == 0, done.stdout
        found |= dict(zip(names, done.stdout.split(BETWEEN), strict=True))
    return found


@pytest.mark.parametrize("case", CASES)
def test_messages_are_as_recorded(amtool: Tool, firing: dict[str, str], case: str) -> None:
    found = firing if case == "firing" else rendered(amtool, case)
    text = "".join(f"== {kind}\n{found[kind]}\n" for kind in KINDS)
    assert text == (GOLDEN / f"{case}.txt").read_text("utf-8")


def test_no_golden_message_is_without_a_case() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)


def test_the_link_to_a_silence_names_the_very_alert(firing: dict[str, str]) -> None:
    for kind in ("chat", "text", "html"):
        links = re.findall(r"silences/new\?filter=([^\"\s]+)", html.unescape(firing[kind]))
        assert len(links) == 2
        labels = [{m.name: m.value for m in parse(unquote(link))} for link in links]
        assert labels == [one["labels"] for one in CASES["firing"]["alerts"]]


def test_without_grafana_the_dashboard_is_that_of_prometheus(amtool: Tool) -> None:
    found = rendered(amtool, "resolved", grafana=False)
    where = "http://127.0.0.1:9090/user/#gate-security"
    assert f"Dashboard: {where}" in found["chat"] and f"Dashboard: {where}" in found["text"]
    assert f'<a href="{where}">Dashboard</a>' in found["html"]
