"""No Grafana to be had: everything else runs and is proven, the loss is said aloud, and Prometheus serves the page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import requests

from tests.browser.chromium import chromium
from tests.browser.geometry import faults_of
from tests.e2e.conftest import Make
from tests.e2e.stack_command import Ran, Stack

pytestmark = pytest.mark.e2e
NOWHERE = "localhost:1/grafana:none"


@pytest.fixture(scope="module")
def bare(make_stack: Make) -> Stack:
    """A stack that was told of a Grafana image which nobody has."""
    return make_stack("e2e-bare", 27200, STACK_GRAFANA_IMAGE=NOWHERE)


@pytest.fixture(scope="module")
def started(bare: Stack) -> Ran:
    """What its start said."""
    return bare.ok("start")


def served(stack: Stack, path: str) -> requests.Response:
    """A file of the quick-look page."""
    answer = requests.get(f"{stack.url('prometheus')}/user/{path}", timeout=10)
    assert answer.status_code == 200, path
    return answer


def test_required_ends_before_anything_is_made(make_stack: Make) -> None:
    strict = make_stack("e2e-strict", 27210, STACK_GRAFANA="required", STACK_GRAFANA_IMAGE=NOWHERE)
    ran = strict("start")
    assert ran.code == 7
    (line,) = ran.err.splitlines()
    assert line.startswith("error: Grafana is required and cannot run: ")
    assert "localhost:1" in line and "docker load" in line
    assert strict.left() == []


def test_start_says_what_is_lost_and_the_way_out(bare: Stack, started: Ran) -> None:
    assert "degraded  grafana is absent: registry localhost:1 does not answer" in started.err
    assert "docker load" in started.err
    assert f"{bare.url('prometheus')}/user/" in started.err
    assert "proven" in started.out
    assert "panels with data" in started.out


def test_status_says_degraded_and_why(bare: Stack, started: Ran) -> None:
    del started
    status = bare.ok("status", "--json").json()
    assert status["status"] == "degraded"
    assert status["targets_up"]
    ((component, reason),) = [(a["component"], a["reason"]) for a in status["absent"]]
    assert component == "grafana" and "localhost:1" in reason
    assert "grafana" not in bare.inspect()


def test_prometheus_serves_the_page_its_dashboards_and_the_runbooks(bare: Stack, started: Ran) -> None:
    del started
    page = served(bare, "")
    assert "text/html" in page.headers["Content-Type"] and "page.js" in page.text
    for file in sorted((bare.home / "grafana/dashboards").glob("*.json")):
        assert served(bare, f"dashboards/{file.name}").json() == json.loads(file.read_text())
    for file in sorted((bare.home / "prometheus/user/runbooks").glob("*.html")):
        assert served(bare, f"runbooks/{file.name}").text == file.read_text()


def test_a_browser_draws_every_dashboard_from_real_data(bare: Stack, started: Ran, tmp_path: Path) -> None:
    del started
    with chromium(tmp_path) as browser:
        for file in sorted((bare.home / "grafana/dashboards").glob("*.json")):
            browser.visit(
                f"{bare.url('prometheus')}/user/#{file.stem}?from=now-15m&to=now",
                "/^Updated/.test(document.querySelector('#state').textContent)",
            )
            assert faults_of(browser) == [] == browser.faults(), file.stem
            assert browser.run("document.querySelectorAll('.empty').length") <= 2, file.stem


def test_every_alert_leads_to_a_runbook_that_opens(bare: Stack, started: Ran) -> None:
    del started
    here = bare.url("prometheus")
    told = requests.get(f"{here}/api/v1/rules?type=alert", timeout=10).json()["data"]
    rules = [rule for group in told["groups"] for rule in group["rules"]]
    links = {rule["annotations"]["runbook_url"].replace("{{ $externalURL }}", here) for rule in rules}
    (watchdog,) = [rule for rule in rules if rule["name"] == "Watchdog"]
    assert {alert["annotations"]["runbook_url"] for alert in watchdog["alerts"]} <= links, (
        "as Prometheus says it"
    )
    for link in links:
        served(bare, link.removeprefix(f"{here}/user/"))


def test_smoke_still_passes_and_says_what_asked_the_panels(bare: Stack, started: Ran) -> None:
    del started
    report = bare.ok("smoke", "--json").json()
    assert report["ok"]
    assert "prometheus.panels" in {f["check"] for f in report["findings"]}


def test_a_report_has_every_panel_and_every_target(bare: Stack, started: Ran) -> None:
    del started
    told = bare.ok("report", "--range", "15m", "--json").json()
    shipped = sorted((bare.home / "grafana/dashboards").glob("*.json"))
    assert [one["uid"] for one in told["dashboards"]] == [path.stem for path in shipped]
    assert told["panels"] > 30 and told["panels_without_data"] <= 3
    assert {one["health"] for one in told["targets"]} == {"up"}
    assert [(one["name"], one["firing"]) for one in told["alerts"] if one["name"] == "Watchdog"] == [
        ("Watchdog", True)
    ]
    assert told["bytes"] == Path(told["file"]).stat().st_size < 3_000_000


def test_node_exporter_in_the_machine_s_network_with_files_of_others(bare: Stack, started: Ran) -> None:
    del started
    folder = bare.home / "own/textfile"
    folder.mkdir(parents=True)
    (folder / "job.prom").write_text("nightly_job_seconds 42\n")
    beside = {
        "STACK_NODE_EXPORTER_HOST_NETWORK": "true",
        "STACK_NODE_EXPORTER_TEXTFILE": "own/textfile",
        "STACK_GRAFANA": "off",
    }
    bare.ok("start", **beside)
    report = bare.ok("smoke", "--json", **beside).json()
    evidence = {finding["check"]: finding["evidence"] for finding in report["findings"]}
    assert report["ok"] and "1 textfiles arrive" in evidence["node_exporter.textfile"]
    assert bare.query('nightly_job_seconds{instance="node-exporter:9100"}') == [42.0]
    links = {
        path.name
        for path in Path("/sys/class/net").iterdir()
        if not path.name.startswith(("veth", "br-", "docker"))
    }
    assert len(bare.query("count by (device) (node_network_up)")) >= len(links)
    audited = bare("audit", "--json", **beside).json()
    found = [one for one in audited["findings"] if one["id"] == "5.10" and one["result"] == "warn"]
    assert [one["container"] for one in found] == ["e2e-bare-node-exporter"] and found[0]["reason"]
    again = bare.ok("plan", "--json", **beside).json()
    assert again["plan"] == []
    shutil.rmtree(folder)
    bare.ok("start", STACK_GRAFANA="off")


def test_off_is_silent(bare: Stack, started: Ran) -> None:
    del started
    ran = bare.ok("start", "--quick", STACK_GRAFANA="off")
    assert ran.err == ""
    assert "degraded" not in ran.out
    assert bare.ok("status", "--json", STACK_GRAFANA="off").json()["status"] == "running"
