"""The stand-in, or a real Grafana 12.3.0 where its image is present, gives the recorded answers of that version."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.contract.grafana_backends import Backends, load
from tests.contract.grafana_under_test import PASSWORD, running
from tests.loopback import dead_address, serve

EXCHANGES = Path(__file__).parent / "grafana_exchanges"
ALL = {path.stem: load(path) for path in sorted(EXCHANGES.glob("*.json"))}
HEALTHY = ("access", "data_sources", "dashboards", "queries", "provisioning")
IN_PART = frozenset(("frontend-settings-admin",))
"""Large answers of which the record has kept a part."""
CREDENTIALS = {"none": None, "admin": ("admin", PASSWORD), "wrong": ("admin", "wrong")}
BOARD = next(
    e["response"]["body"]["dashboard"] for e in ALL["dashboards"] if e["name"] == "dashboard-provisioned"
)
BOARDS = {
    "gates.json": {k: v for k, v in BOARD.items() if k not in ("id", "version")},
    "tools.json": {
        "uid": "tools-overview",
        "title": "Tools overview",
        "tags": ["tools", "contract"],
        "panels": [],
    },
}
ANY = "<any>"


@dataclass(frozen=True)
class Server:
    """A Grafana and what stands behind it; ``names`` are the placeholders of the recorded answers."""

    base: str
    prometheus: str
    alertmanager: str

    def fill(self, value: Any) -> Any:
        """A recorded value with this server's addresses."""
        text = json.dumps(value)
        for name in ("prometheus", "alertmanager"):
            address = str(getattr(self, name))
            text = text.replace(f"<{name}>", address).replace(
                f"<{name} host>", address.removeprefix("http://")
            )
        return json.loads(text.replace("<admin-password>", PASSWORD))

    def ask(self, request: dict[str, Any]) -> requests.Response:
        """Sends a recorded request; the path goes out as it was recorded."""
        with requests.Session() as session:
            session.trust_env = False
            wanted = self.fill(request)
            body = json.dumps(wanted["body"]).encode() if "body" in wanted else wanted.get("raw", "").encode()
            kind = wanted.get("content_type") or ("application/json" if "body" in wanted else "")
            headers = {"Content-Type": kind} if kind else {}
            prepared = session.prepare_request(
                requests.Request(
                    wanted["method"],
                    self.base,
                    data=body or None,
                    headers=headers,
                    auth=CREDENTIALS[wanted["auth"]],
                )
            )
            prepared.url = self.base + wanted["path"].replace("{", "%7B")
            return session.send(prepared, allow_redirects=False, timeout=20)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    backends = Backends(e for name in HEALTHY for e in ALL[name])
    with ExitStack() as stack:
        prometheus = stack.enter_context(serve(backends.prometheus))
        alertmanager = stack.enter_context(serve(backends.alertmanager))
        folder = tmp_path_factory.mktemp("grafana")
        base = stack.enter_context(running(folder, prometheus, alertmanager, BOARDS))
        yield Server(base, prometheus, alertmanager)


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    prometheus, alertmanager = dead_address(), dead_address()
    with running(tmp_path_factory.mktemp("cut-off"), prometheus, alertmanager, BOARDS) as base:
        yield Server(base, prometheus, alertmanager)


@pytest.mark.parametrize("exchange", [e for name in HEALTHY for e in ALL[name]], ids=lambda e: e["name"])
def test_answers_as_recorded(healthy: Server, exchange: dict[str, Any]) -> None:
    check(healthy, exchange)


@pytest.mark.parametrize("exchange", ALL["upstream_down"], ids=lambda e: e["name"])
def test_answers_as_recorded_with_nobody_behind(cut_off: Server, exchange: dict[str, Any]) -> None:
    check(cut_off, exchange)


@pytest.mark.parametrize("exchange", ALL["version_hidden"], ids=lambda e: e["name"])
def test_answers_as_recorded_with_the_version_hidden(tmp_path: Path, exchange: dict[str, Any]) -> None:
    dead = dead_address()
    with running(tmp_path, dead, dead, {}, GF_AUTH_ANONYMOUS_HIDE_VERSION="true") as base:
        check(Server(base, dead, dead), exchange)


def test_five_wrong_passwords_lock_the_name(tmp_path: Path) -> None:
    dead = dead_address()
    with running(tmp_path, dead, dead, {}) as base:
        wrong = [requests.get(f"{base}/api/org", auth=("admin", f"wrong{i}"), timeout=20) for i in range(5)]
        right = requests.get(f"{base}/api/org", auth=CREDENTIALS["admin"], timeout=20)
        form = requests.post(f"{base}/login", json={"user": "admin", "password": PASSWORD}, timeout=20)
        health = requests.get(f"{base}/api/health", auth=CREDENTIALS["admin"], timeout=20)
    assert [answer.status_code for answer in wrong] == [401] * 5
    assert (right.status_code, right.json()) == (401, wrong[0].json())
    assert (form.status_code, form.json()["messageId"]) == (401, "password-auth.failed")
    assert health.status_code == 200


def test_a_dashboard_made_by_hand_can_go_again(tmp_path: Path) -> None:
    dead = dead_address()
    with running(tmp_path, dead, dead, BOARDS) as base, requests.Session() as session:
        session.auth = CREDENTIALS["admin"]
        model = {"uid": "scratch", "title": "Scratch", "panels": []}
        saved = session.post(f"{base}/api/dashboards/db", json={"dashboard": model}, timeout=20).json()
        again = session.post(
            f"{base}/api/dashboards/db", json={"dashboard": model, "overwrite": True}, timeout=20
        ).json()
        held = session.get(f"{base}/api/dashboards/uid/scratch", timeout=20).json()
        gone = session.delete(f"{base}/api/dashboards/uid/scratch", timeout=20)
    assert (saved["status"], saved["version"], saved["url"]) == ("success", 1, "/d/scratch/scratch")
    assert again["version"] == 2
    assert held["meta"]["provisioned"] is False
    assert gone.status_code == 200


def test_metrics_are_open_and_name_the_requests(healthy: Server) -> None:
    requests.get(f"{healthy.base}/api/health", timeout=20)
    answer = requests.get(f"{healthy.base}/metrics", timeout=20)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "grafana_http_request_duration_seconds_count{" in answer.text
    assert "grafana_build_info{" in answer.text


def check(server: Server, exchange: dict[str, Any]) -> None:
    """One recorded exchange against a server."""
    answer, wanted = server.ask(exchange["request"]), server.fill(exchange["response"])
    assert answer.status_code == wanted["status"], answer.text
    assert answer.headers.get("Content-Type") == wanted["content_type"]
    assert answer.headers.get("Location") == wanted.get("location")
    assert answer.headers["Cache-Control"] == "no-store"
    if wanted["body"] == "<page>":
        assert answer.text.lower().startswith("<!doctype html>")
    elif isinstance(wanted["body"], str):
        assert answer.text == wanted["body"]
    else:
        found = answer.json()
        if exchange["name"] in IN_PART:
            found = {key: found[key] for key in wanted["body"]}
        same(found, wanted["body"], exchange["name"])


def same(found: Any, wanted: Any, where: str) -> None:
    """Equal but for the parts that differ from server to server."""
    if wanted == ANY:
        return
    if isinstance(wanted, dict) and "columns" in wanted:
        columns(found, wanted, where)
    elif isinstance(wanted, dict):
        assert isinstance(found, dict), where
        assert sorted(found) == sorted(wanted), where
        for key, value in wanted.items():
            same(found[key], value, f"{where}.{key}")
    elif isinstance(wanted, list):
        assert isinstance(found, list), where
        assert len(found) == len(wanted), where
        for number, value in enumerate(wanted):
            same(found[number], value, f"{where}[{number}]")
    elif where.endswith((".value[0]", ".version")) and not isinstance(wanted, str):
        assert isinstance(found, int | float), where
    else:
        assert found == wanted, where


def columns(found: Any, wanted: dict[str, Any], where: str) -> None:
    """A frame's data: as many columns, of one length, numbers or marked as special."""
    values = found["values"]
    assert len(values) == wanted["columns"], where
    if not values:
        return
    times, numbers = values
    assert len(times) == len(numbers) > 0, where
    assert all(isinstance(moment, int) for moment in times), where
    special = wanted.get("special")
    if special is None:
        assert "entities" not in found, where
        assert all(isinstance(n, int | float) and math.isfinite(n) for n in numbers), where
    else:
        assert numbers == [None] * len(numbers), where
        assert found["entities"] == [None, {special: list(range(len(numbers)))}], where
