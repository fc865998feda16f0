"""Probes on a real engine: HTTP, TLS by an own authority, TCP, DNS and ping, added hot, proven, alerted on, removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from stack.common.wait import NotYet, until
from stack.dashboards.queries import panel_queries
from tests.e2e.conftest import Make
from tests.e2e.outside import HOST, Outside, outside
from tests.e2e.stack_command import ROOT, Ran, Stack

pytestmark = pytest.mark.e2e
BY_HAND = """\
scrape_configs:
  - job_name: {name}
    metrics_path: /probe
    scrape_interval: 1s
    scrape_timeout: 1s
    params: {{module: [{module}]}}
    static_configs: [{{targets: ["{target}"]}}]
    relabel_configs:
      - {{source_labels: [__address__], target_label: __param_target}}
      - {{source_labels: [__param_target], target_label: instance}}
      - {{target_label: __address__, replacement: "blackbox:9115"}}
"""

MODULES = """\
modules:
  locked:
    prober: http
    http:
      authorization: {credentials_file: ../../secrets/token}
      fail_if_body_not_matches_regexp: ["really"]
  shop:
    prober: dns
    dns: {query_name: shop.example, query_type: A}
"""


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with outside(tmp_path_factory.mktemp("outside")) as servers:
        yield servers


@pytest.fixture(scope="module")
def stack(make_stack: Make) -> Stack:
    extra = {"STACK_COMPONENTS": "app=off,node_exporter=off", "STACK_GRAFANA": "off"}
    made = make_stack("e2e-probes", 29600, **extra)
    made.ok("start", "--quick")
    return made


def add(stack: Stack, name: str, url: str, *options: str) -> Ran:
    return stack("probe", "add", name, url, "--every", "1s", *options)


def put(stack: Stack, path: str, text: str) -> Path:
    file = stack.home / "own" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def listed(stack: Stack) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in stack.ok("probe", "list", "--json").json()["probes"]}


def test_the_first_probe_brings_blackbox_exporter_to_a_running_stack(stack: Stack, there: Outside) -> None:
    assert "blackbox" not in stack.inspect()
    before = stack.starts()
    ran = add(stack, "web", there.url())
    assert ran.code == 0, ran.err
    assert "web succeeds (HTTP 200" in ran.out
    after = stack.starts()
    assert {name: after[name] for name in before} == before, "no other container was touched"
    assert after.keys() - before.keys() == {"blackbox"}
    assert stack.ok("plan", "--json").json()["plan"] == []


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("https://{host}:{https}/", [], "of an authority that is not known: --ca-file FILE"),
        ("http://{host}:{http}/broken", [], "answers HTTP 503 (wanted 2xx)"),
        ("http://{host}:{http}/", ["--contains", "bye"], "does not contain bye"),
        ("tcp://{host}:1", [], "nobody listens on host.docker.internal:1"),
        ("dns://{host}:{dns}", [], "answers NXDOMAIN"),
        ("http://nowhere.invalid/", [], "the name nowhere.invalid is unknown"),
    ],
)
def test_what_does_not_answer_is_not_added_and_the_cause_is_said(
    stack: Stack, there: Outside, url: str, options: list[str], said: str
) -> None:
    before = sorted((stack.home / "own").rglob("*"))
    where = url.format(host=HOST, https=there.https, http=there.http, dns=there.dns)
    ran = add(stack, "bad", where, *options)
    assert ran.code == 6
    assert said in ran.err and ran.err.rstrip().endswith("nothing was changed")
    assert sorted((stack.home / "own").rglob("*")) == before


def test_a_module_of_its_own_and_files_by_hand(stack: Stack, there: Outside) -> None:
    ran = add(stack, "safe", f"https://{HOST}:{there.https}/", "--ca-file", str(there.authority))
    assert ran.code == 0 and "certificate for " in ran.out, ran.err
    put(stack, "secrets/token", "geheim\n")
    put(stack, "blackbox/modules/mine.yaml", MODULES)
    for name, module, target in (
        ("locked", "locked", there.url("/locked")),
        ("name", "shop", f"{HOST}:{there.dns}"),
        ("port", "tcp", f"{HOST}:{there.http}"),
        ("ping", "icmp", HOST),
        ("down", "http_2xx", there.url("/broken")),
    ):
        text = BY_HAND.format(name=name, module=module, target=target)
        put(stack, f"prometheus/scrape/{name}.yml", text)
    stack.ok("reload")

    def all_asked() -> None:
        found = {name: row["up"] for name, row in listed(stack).items()}
        up = dict.fromkeys(("web", "locked", "safe", "name", "port", "ping"), True)
        if found != {**up, "down": False}:
            raise NotYet(str(found))

    until(all_asked, seconds=20, every=0.5)
    assert listed(stack)["down"]["code"] == 503
    assert float(str(listed(stack)["safe"]["days"])) > 0


def test_a_failing_probe_is_a_remark_and_an_alert_and_the_dashboard_has_data(stack: Stack) -> None:
    ran = stack.ok("smoke")
    assert "probe down of http" in ran.out + ran.err and "fails (HTTP 503)" in ran.out + ran.err

    def pending() -> None:
        if stack.query('ALERTS{alertname="ProbeFailed", job="down"}') != [1.0]:
            raise NotYet("no alert yet")

    until(pending, seconds=40, every=0.5)
    assert stack.query('ALERTS{alertname="ProbeFailed", job="web"}') == []
    board = (ROOT / "grafana/optional/probes.json").read_text("utf-8")
    empty = [q.panel_title for q in panel_queries(board) if not stack.query(q.expr)]
    assert empty == []
    page = requests.get(stack.url("prometheus") + "/user/dashboards/probes.json", timeout=5)
    assert page.json()["uid"] == "probes"


def test_a_broken_module_is_named_by_file_and_line_and_changes_nothing(stack: Stack) -> None:
    broken = put(stack, "blackbox/modules/a.yml", "modules:\n  mine:\n    prober: http\n    htpp: {}\n")
    before = stack.starts()
    ran = stack("reload")
    assert ran.code == 2
    assert "own/blackbox/modules/a.yml" in ran.err and "line 4: field htpp not found" in ran.err
    assert stack.starts() == before
    broken.unlink()


def test_with_the_last_probe_it_goes(stack: Stack) -> None:
    for name in ("locked", "safe", "name", "port", "ping", "down"):
        (stack.home / f"own/prometheus/scrape/{name}.yml").unlink()
    removed = stack.ok("probe", "remove", "web", "--json").json()
    assert removed["files"] == ["own/prometheus/scrape/web.yml"] and removed["proven"]
    assert "blackbox" not in stack.inspect()
    assert stack.ok("plan", "--json").json()["plan"] == []
