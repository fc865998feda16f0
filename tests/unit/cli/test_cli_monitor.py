"""The monitor commands through the real command line: it really starts, really stops, and says so."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stack.cli.main import main
from stack.clients.http import Http, HttpFailure
from stack.telemetry import expose
from tests.loopback import Asked, Reply, serve

TLS = Path(__file__).parents[2] / "tls"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    return tmp_path


def test_the_server_lives_from_start_to_stop(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "start", "--port", "0", "--json"]) == 0
    started = json.loads(capsys.readouterr().out)
    try:
        assert "gate_invocations_total" in Http(started["url"]).get("/metrics").text
        assert main(["monitor", "status", "-q"]) == 0
        assert main(["monitor", "start", "--port", "0", "--json"]) == 0
        again = json.loads(capsys.readouterr().out)
        assert (again["already"], again["pid"]) == (True, started["pid"])
    finally:
        assert main(["monitor", "stop", "-q"]) == 0
    assert main(["monitor", "status", "-q"]) == 5
    with pytest.raises(HttpFailure):
        Http(started["url"], timeout=1).get("/metrics")
    assert main(["monitor", "stop", "-q"]) == 0


def test_the_dashboard_shows_the_runtime_that_runs_and_moves(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "secret").write_text("gehéim")
    assert main(["monitor", "start", "--port", "0", "--token-file", str(home / "secret"), "--json"]) == 0
    started = json.loads(capsys.readouterr().out)
    try:
        headers = {"Authorization": "Bearer gehéim".encode()}
        for address in ("http://10.0.0.1/", "https://93.184.215.14/"):
            asked = Http(started["url"]).post("/gates/url", json={"url": address}, headers=headers)
            assert asked.json()["gate"] == "url_gate"
        assert main(["monitor", "dashboard", "--json"]) == 0
        rows = {row["gate"]: row for row in json.loads(capsys.readouterr().out)["gates"]}
        assert (rows["url_gate"]["accepted"], rows["url_gate"]["rejected"]) == (1, 1)
        assert Path(started["processes"]).is_dir()
    finally:
        assert main(["monitor", "stop", "-q"]) == 0


def test_a_taken_port_is_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["monitor", "start", "--port", str(port)]) == 1
    shown = capsys.readouterr().err
    assert str(port) in shown
    assert shown.count("\n") == 1


def test_an_open_address_needs_protection(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "start", "--host", "0.0.0.0", "--port", "0"]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_grafana_config_writes_what_was_asked(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "grafana-config"]) == 2
    out = home / "out"
    assert (
        main(["monitor", "grafana-config", "--output-dir", str(out), "--prometheus-url", "http://p:1"]) == 0
    )
    texts = [path.read_text() for path in out.rglob("*.yml")]
    assert any("http://p:1" in text for text in texts)
    assert {path.name for path in out.rglob("*.json")} == {"gate-security.json", "l9-tool-observability.json"}


def test_the_dashboard_shows_a_metrics_page(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from stack.telemetry import init_metrics

    assert init_metrics()
    page = expose().body.decode()
    with serve({"GET /metrics": (200, page)}) as url:
        assert main(["monitor", "dashboard", "--url", f"{url}/metrics"]) == 0
    shown = capsys.readouterr().out
    assert "url_gate" in shown
    assert "substrate" in shown
    with serve({"GET /metrics": (200, "nonsense 1\n")}) as url:
        assert main(["monitor", "dashboard", "--url", f"{url}/metrics"]) == 1


@pytest.mark.parametrize("secret", [("--token-file", "gehéim"), ("--basic-auth-file", "user:gehéim")])
def test_the_dashboard_shows_a_page_that_asks_for_a_secret_over_tls(
    home: Path, capsys: pytest.CaptureFixture[str], secret: tuple[str, str]
) -> None:
    option, text = secret
    (home / "secret").write_text(text)
    protected = (option, str(home / "secret"), "--tls-cert", str(TLS / "cert.pem"))
    key = ("--tls-key", str(TLS / "key.pem"))
    assert main(["monitor", "start", "--port", "0", "--json", *protected, *key]) == 0
    try:
        url = json.loads(capsys.readouterr().out)["url"] + "/metrics"
        assert main(["monitor", "dashboard", "--url", url, *protected]) == 0
        assert "url_gate" in capsys.readouterr().out
        assert main(["monitor", "dashboard", "--url", url, *protected[2:]]) == 1
        assert "401" in capsys.readouterr().err
    finally:
        assert main(["monitor", "stop", "-q"]) == 0


def test_the_applications_token_goes_to_the_application_only(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "token").write_text("gehéim")
    monkeypatch.setenv("STACK_APP_TOKEN_FILE", "token")
    sent: list[str | None] = []

    def answer(asked: Asked) -> Reply:
        sent.append(asked.headers.get("authorization"))
        return 200, expose().body.decode()

    with serve({"GET /metrics": answer}) as url:
        base = str((urlsplit(url).port or 0) - 3)
        assert main(["monitor", "dashboard", "-q", "--port-base", base]) == 0
        assert main(["monitor", "dashboard", "-q", "--url", f"{url}/metrics"]) == 0
    assert sent == ["Bearer gehéim".encode().decode("latin-1"), None]
