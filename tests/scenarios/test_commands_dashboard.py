"""dashboard add, generate, check, list and remove: files in own/, loaded by the products, each panel judged."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from stack.checks.context import CheckContext
from stack.checks.model import Expected
from stack.common.errors import ConfigurationInvalid, SmokeFailed, UsageError
from stack.components import CATALOG
from tests.loopback import Route, serve
from tests.scenarios.commands import Client, Said
from tests.unit.boards.test_importing import PANEL, PLAIN
from tests.unit.checks.fake_stack import data, targets
from tests.unit.checks.test_own_boards import ROUTES

FOLDER = "own/grafana/dashboards"
GRAFANA = CATALOG.pins["grafana"].official
SERIES = [
    {"__name__": "up", "job": "app", "instance": "a:1"},
    {"__name__": "flat_total", "job": "app", "instance": "a:1"},
    {"__name__": "disk", "job": "app", "instance": "a:1", "device": "sda"},
]
METADATA = [{"metric": "flat_total", "type": "counter", "help": "Flat.", "unit": ""}]


@pytest.fixture
def answers() -> dict[str, Route]:
    """What Prometheus says."""
    counted = {"resultType": "vector", "result": [{"metric": {"job": "app"}, "value": [1, "9"]}]}
    ask = ROUTES["POST /api/v1/query"]
    assert callable(ask)
    return {
        **ROUTES,
        "POST /api/v1/query": lambda asked: (
            data(counted) if "count_over_time" in asked.params["query"] else ask(asked)
        ),
        "GET /api/v1/series": lambda asked: data(SERIES if 'job="app"' in asked.params["match[]"] else []),
        "GET /api/v1/targets/metadata": data(METADATA),
        "GET /api/v1/targets": targets(("app", "up"), ("db", "down")),
        "GET /api/v1/label/instance/values": data(["a:1"]),
    }


@pytest.fixture
def running(client: Client, answers: dict[str, Route], monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A started stack whose Prometheus answers."""
    assert client("start") == 0
    with serve(answers) as address:
        context = CheckContext(Expected("monitoring", (("prometheus", address),), scrape_interval=0.1))
        monkeypatch.setattr("stack.cli.dashboard.context_of", lambda engine, description: context)
        monkeypatch.setattr("stack.cli.dashboard.GRACE", 0.0)
        yield client


def put(client: Client, document: Any = PLAIN, name: str = "file.json") -> str:
    path = client.home / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return str(path)


def document(said: Said) -> dict[str, Any]:
    (told,) = said.documents
    return dict(told)


def held(client: Client, name: str) -> dict[str, Any] | None:
    """The dashboard's file as Prometheus' container has it for the quick-look page."""
    content = client.engine.read_file("monitoring-prometheus", f"/etc/stack/user/dashboards/{name}")
    return json.loads(content) if content else None


def test_add_takes_it_has_it_loaded_and_judges_each_panel(running: Client) -> None:
    panels = [PANEL, {**PANEL, "id": 2, "title": "Gone", "targets": [{"refId": "A", "expr": "gone"}]}]
    code, said = running.run("dashboard", "add", put(running, {**PLAIN, "panels": panels}))
    told = document(said)
    assert code == 0 and told["applied"] and told["file"] == f"{FOLDER}/mine.json"
    assert told["counts"] == {"data": 1, "empty": 1, "wrong": 0, "skipped": 0}
    assert [(p["panel"], p["kind"], p["why"]) for p in told["panels"]] == [
        ("Up", "data", ""),
        ("Gone", "empty", "no series has the name gone"),
    ]
    assert told["address"].endswith("/user/#abc")
    assert (held(running, "~own+mine.json") or {})["uid"] == "abc"
    assert running.plan() == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"uid": "host"}, "uid host is that of grafana/dashboards/host.json: --uid NAME gives it another"),
        (
            {"title": "Host"},
            "title 'Host' is that of grafana/dashboards/host.json: --title TEXT gives it another",
        ),
        ({}, f"uid abc is that of {FOLDER}/mine.json: --replace replaces it, --uid NAME gives it another"),
        ({"uid": "other"}, f"title 'Mine' is that of {FOLDER}/mine.json"),
    ],
)
def test_what_is_taken_is_refused_with_the_way_out(
    running: Client, change: dict[str, Any], says: str
) -> None:
    assert running("dashboard", "add", put(running)) == 0
    with pytest.raises(ConfigurationInvalid) as caught:
        running("dashboard", "add", put(running, {**PLAIN, **change}))
    assert says in str(caught.value)
    assert running("dashboard", "add", put(running, {**PLAIN, "panels": []}), "--replace") == 0
    assert (held(running, "~own+mine.json") or {})["panels"] == []
    assert running("dashboard", "add", put(running), "--uid", "second", "--title", "Second") == 0
    assert [one["uid"] for one in document(running.run("dashboard", "list")[1])["dashboards"]] == [
        "abc",
        "second",
    ]


@pytest.mark.parametrize(("provisioned", "taken"), [(False, True), (True, False)])
def test_a_dashboard_that_somebody_made_in_grafana_stays(
    client: Client, answers: dict[str, Route], monkeypatch: pytest.MonkeyPatch, provisioned: bool, taken: bool
) -> None:
    client.engine.hold(GRAFANA)
    assert client("start") == 0
    held = {"dashboard": {"title": "By hand"}, "meta": {"provisioned": provisioned}}
    grafana: dict[str, Route] = {"GET /api/org": (200, {"id": 1}), "GET /api/dashboards/uid/abc": (200, held)}
    with serve({**answers, **grafana}) as address:
        expected = Expected("monitoring", (("prometheus", address), ("grafana", address)))
        monkeypatch.setattr("stack.cli.dashboard.context_of", lambda *_: CheckContext(expected))
        if not taken:
            assert client("dashboard", "add", put(client)) == 0
            return
        with pytest.raises(ConfigurationInvalid, match="'By hand', which somebody made in Grafana"):
            client("dashboard", "add", put(client))
        assert not (client.home / "own").exists()
        assert client("dashboard", "add", put(client), "--replace") == 0


def test_a_second_file_of_one_name_gets_another(running: Client) -> None:
    assert running("dashboard", "add", put(running)) == 0
    assert running("dashboard", "add", put(running, {**PLAIN, "uid": "b", "title": "mine!"})) == 0
    files = [one["file"] for one in document(running.run("dashboard", "list")[1])["dashboards"]]
    assert sorted(files) == [f"{FOLDER}/b.json", f"{FOLDER}/mine.json"]


def test_a_dry_run_writes_nothing(running: Client) -> None:
    code, said = running.run("dashboard", "add", put(running), "--dry-run")
    assert code == 0 and document(said)["plan"] and not (running.home / "own").exists()


def test_what_cannot_be_read_is_named(running: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for file, says in (("nowhere.json", "No such file"), (str(running.home), "is a folder")):
        with pytest.raises(UsageError, match=says):
            running("dashboard", "add", file)
    monkeypatch.setattr("stack.cli.given_file.MOST_BYTES", 3)
    with pytest.raises(UsageError, match="more than 3 bytes"):
        running("dashboard", "add", put(running))


def config_maps(*boards: dict[str, Any]) -> dict[str, Any]:
    """As the manifests of kube-prometheus have them."""
    maps = [{"kind": "ConfigMap", "data": {f"{b['uid']}.json": json.dumps(b)}} for b in boards]
    return {"kind": "ConfigMapList", "items": maps}


def test_files_and_the_dashboards_of_lists_are_added_at_once(running: Client) -> None:
    one, two, three = ({**PLAIN, "uid": name, "title": name} for name in ("one", "two", "three"))
    listed = put(running, config_maps(one, two), "list.json")
    code, said = running.run("dashboard", "add", listed, put(running, three))
    told = document(said)
    assert code == 0 and told["ok"] and told["applied"]
    assert [(d["uid"], d["file"], d["counts"]["data"]) for d in told["dashboards"]] == [
        (name, f"{FOLDER}/{name}.json", 1) for name in ("one", "two", "three")
    ]
    assert all(held(running, f"~own+{name}.json") for name in ("one", "two", "three"))


@pytest.mark.parametrize(
    ("more", "options", "says"),
    [
        ({}, (), "two of the dashboards have the uid abc: give one of them by itself, with --uid"),
        ({}, ("--replace",), "two of the dashboards have the uid abc"),
        ({"uid": "host"}, (), "uid host is that of grafana/dashboards/host.json"),
        ({"uid": "other"}, (), f"title 'Mine' is that of {FOLDER}/mine.json"),
        ({"uid": "other"}, ("--uid", "third"), "2 dashboards in one file"),
    ],
)
def test_of_several_all_are_taken_or_none(
    running: Client, more: dict[str, Any], options: tuple[str, ...], says: str
) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        running("dashboard", "add", put(running, config_maps(PLAIN, {**PLAIN, **more})), *options)
    assert says in str(caught.value)
    assert not (running.home / "own").exists()


def test_names_are_given_to_one_file(running: Client) -> None:
    with pytest.raises(UsageError, match="--uid and --title are of one file"):
        running("dashboard", "add", put(running), put(running, name="b.json"), "--title", "T")


def test_a_pipe_is_a_file_too(running: Client) -> None:
    """As the shell's ``<(...)`` gives it."""
    reader, writer = os.pipe()
    os.write(writer, json.dumps(PLAIN).encode())
    os.close(writer)
    try:
        assert running("dashboard", "add", f"/dev/fd/{reader}") == 0
    finally:
        os.close(reader)


def test_the_standard_input_is_a_file_too(running: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(PLAIN).encode())))
    assert running("dashboard", "add", "-") == 0


def test_where_nothing_runs_it_is_kept_for_the_next_start(client: Client) -> None:
    told = document(client.run("dashboard", "add", put(client))[1])
    assert not told["applied"] and told["address"] == "" and "panels" not in told
    assert client("start") == 0 and held(client, "~own+mine.json")
    with pytest.raises(UsageError, match="does not run"):
        client("stop")
        client("dashboard", "generate", "app")


def test_generate_makes_one_and_makes_it_anew(running: Client) -> None:
    told = document(running.run("dashboard", "generate", "app")[1])
    assert told["file"] == f"{FOLDER}/app-metrics.json" and told["uid"] == "job-app"
    kinds = {one["panel"]: one["kind"] for one in told["panels"]}
    assert kinds["Targets"] == "data" and kinds["Disk"] == "data"
    assert running("dashboard", "generate", "app", "--panels", "2") == 0
    mine = running.home / FOLDER / "app-metrics.json"
    mine.write_text(mine.read_text().replace('"generated"', '"mine"'))
    with pytest.raises(ConfigurationInvalid, match="--replace"):
        running("dashboard", "generate", "app")


def test_generate_says_why_a_job_has_nothing(running: Client, answers: dict[str, Route]) -> None:
    with pytest.raises(UsageError) as unknown:
        running("dashboard", "generate", "shop")
    assert "no series has job='shop'; there is app, node" in str(unknown.value)
    with pytest.raises(SmokeFailed) as down:
        running("dashboard", "generate", "db")
    assert "target db:1 of db is down: connect: connection refused" in str(down.value)
    answers["GET /api/v1/series"] = (500, "broken")
    with pytest.raises(SmokeFailed, match="answered 500"):
        running("dashboard", "generate", "app")


def test_a_prometheus_that_fails_undoes_the_change(running: Client, answers: dict[str, Route]) -> None:
    answers["POST /api/v1/query_range"] = (502, "broken")
    with pytest.raises(SmokeFailed) as caught:
        running("dashboard", "add", put(running))
    assert caught.value.hint.endswith("nothing was changed")
    assert not (running.home / FOLDER / "mine.json").exists() and held(running, "~own+mine.json") is None


def test_check_judges_one_or_all(running: Client) -> None:
    assert document(running.run("dashboard", "check")[1]) == {"ok": True, "dashboards": []}
    assert running("dashboard", "add", put(running)) == 0
    assert running("dashboard", "add", put(running, {**PLAIN, "uid": "b", "title": "B"})) == 0
    told = document(running.run("dashboard", "check")[1])
    assert [(one["uid"], one["counts"]["data"]) for one in told["dashboards"]] == [("b", 1), ("abc", 1)]
    for name in ("Mine", "abc", "mine", f"{FOLDER}/mine.json"):
        (one,) = document(running.run("dashboard", "check", name)[1])["dashboards"]
        assert one["uid"] == "abc"


def test_list_and_remove(running: Client) -> None:
    assert document(running.run("dashboard", "list")[1]) == {"dashboards": []}
    assert running("dashboard", "add", put(running)) == 0
    broken = running.home / FOLDER / "broken.json"
    broken.write_text("{")
    listed = document(running.run("dashboard", "list")[1])["dashboards"]
    assert [(one["uid"], one["panels"], "fault" in one) for one in listed] == [
        ("", 0, True),
        ("abc", 1, False),
    ]
    broken.unlink()
    with pytest.raises(UsageError, match="is shipped"):
        running("dashboard", "remove", "host")
    with pytest.raises(UsageError, match="no dashboard is called gone; there is abc"):
        running("dashboard", "remove", "gone")
    assert running("dashboard", "remove", "abc", "--dry-run") == 0
    assert held(running, "~own+mine.json")
    assert document(running.run("dashboard", "remove", "abc")[1])["applied"]
    assert held(running, "~own+mine.json") is None and not (running.home / FOLDER).exists()
    assert running.plan() == []
