"""drill on a stack in memory: what can run is listed, what cannot is refused, what a killed one left is restored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from stack.checks.context import CheckContext
from stack.checks.drills import BY_NAME, DRILLS
from stack.cli.drill_run import Result, Wave
from stack.common.errors import SmokeFailed, StartFailed, UsageError
from stack.config.cache import Cache
from stack.deploy.describe import Description
from stack.deploy.state import StateStore
from stack.engine.interface import Engine
from tests.loopback import Routes, serve
from tests.scenarios.commands import NAME, Client

OWN = "own/alertmanager/alertmanager.yml"
PEOPLE = """\
route: {receiver: people}
receivers: [{name: people, webhook_configs: [{url: "http://people.example/"}]}]
"""


@pytest.fixture
def routes(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Routes]:
    """What the application answers about its switches."""
    answers: Routes = {"GET /faults": (200, {"faults": []})}
    with serve(answers) as address:

        def asked(engine: Engine, description: Description) -> CheckContext:
            del engine
            expected = description.expectations(remote=False, now=0.0)
            here = tuple((name, address) for name, _ in expected.addresses)
            return CheckContext(replace(expected, addresses=here))

        monkeypatch.setattr("stack.deploy.asking.context_of", asked)
        yield answers


@pytest.fixture
def restored() -> list[str]:
    """What a killed drill has left, for which the next one waits."""
    return []


@pytest.fixture
def waves(monkeypatch: pytest.MonkeyPatch, restored: list[str]) -> list[list[str]]:
    """The waves that were run, which all go well."""
    ran: list[list[str]] = []

    def run(self: Wave, drills: Any, *, later: bool) -> tuple[Result, ...]:
        assert later == bool(ran or restored)
        listed = list(drills)
        ran.append([drill.name for drill, _ in listed])
        return tuple(Result(drill, bound, 1.0, 2.0, 3.0, 4.0) for drill, bound in listed)

    monkeypatch.setattr(Wave, "run", run)
    return ran


def listed(client: Client) -> dict[str, str]:
    (document,) = client.run("drill")[1].documents
    return {one["name"]: one["obstacle"] for one in document["drills"]}


def test_without_a_name_drills_are_listed_with_what_stands_in_their_way(
    client: Client, routes: Routes
) -> None:
    client("start")
    found = listed(client)
    assert set(found) == {drill.name for drill in DRILLS}
    assert found["stale-writes"] == found["target-gone"] == "yes"
    assert found["grafana-gone"] == "grafana is not part of this stack"
    assert found["samples-refused"] == "nothing is sent elsewhere: [remote_write.NAME] in stack.toml"
    assert found["probe-fails"] == "no probe asks node-exporter: probe add drill http://node-exporter:9100/"
    routes["GET /faults"] = (404, {})
    found = listed(client)
    assert found["stale-writes"] == "fault switches are off: STACK_FAULTS=true, then monitoring-stack start"
    assert found["target-gone"] == "yes"
    (document,) = client.run("drill")[1].documents
    assert (
        document["without"]["HostDiskWillFill"]
        == "it needs an hour and a half in which a disk of the machine fills"
    )


def test_all_that_can_run_runs_in_waves(client: Client, routes: Routes, waves: list[list[str]]) -> None:
    client("start")
    code, said = client.run("drill", "--all")
    assert code == 0 and said.documents[-1]["ok"]
    able = [
        drill for drill in DRILLS if drill.name not in ("grafana-gone", "probe-fails") and not drill.sends
    ]
    assert waves == [[d.name for d in able if d.wave == wave] for wave in sorted({d.wave for d in able})]
    first = said.documents[-1]["drills"][0]
    assert (first["told"], first["why"]) == (3.0, "") and first["bound"]["told"] > 0


def test_what_is_named_must_be_possible(client: Client, routes: Routes, waves: list[list[str]]) -> None:
    client("start")
    with pytest.raises(UsageError, match="unknown drill nonsense"):
        client("drill", "nonsense")
    with pytest.raises(UsageError, match="drill grafana-gone: grafana is not part of this stack"):
        client("drill", "stale-writes", "grafana-gone")
    assert waves == []
    client("stop")
    with pytest.raises(StartFailed, match="stack monitoring does not run"):
        client("drill", "stale-writes")


def test_a_drill_that_fails_ends_with_6_and_its_cause(
    client: Client, routes: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    client("start")
    monkeypatch.setattr(
        Wave,
        "run",
        lambda self, drills, later: tuple(Result(d, b, why="not told within 5 s") for d, b in drills),
    )
    with pytest.raises(SmokeFailed, match="drill target-gone: TargetDown: not told within 5 s") as error:
        client("drill", "target-gone")
    assert error.value.exit_code == 6 and error.value.details["ok"] is False


def test_people_are_told_only_where_that_is_said(
    client: Client, routes: Routes, waves: list[list[str]]
) -> None:
    file = client.home / OWN
    file.parent.mkdir(parents=True)
    file.write_text(PEOPLE)
    client("start")
    with pytest.raises(UsageError, match="the alerts of a drill reach people too: --yes says that they may"):
        client("drill", "target-gone")
    assert waves == []
    assert client("drill", "target-gone", "--yes") == 0


def test_what_a_killed_drill_has_stopped_runs_again(
    client: Client, routes: Routes, waves: list[list[str]], restored: list[str]
) -> None:
    restored.append("node_exporter")
    client("start")
    StateStore(client.engine, NAME, Cache(client.home / "nowhere")).change(drilled=("node_exporter",))
    client.engine.stop("monitoring-node-exporter")
    assert "node_exporter" not in client.running()
    client("drill", "stale-writes")
    assert "node_exporter" in client.running() and client.state.drilled == ()
    client.engine.stop("monitoring-node-exporter")
    client("start")
    assert "node_exporter" in client.running(), "start repairs it as well"


@pytest.mark.parametrize("next_one", ["drill target-gone", "start"])
def test_samples_that_a_killed_drill_has_led_elsewhere_go_there_no_more(
    client: Client, routes: Routes, monkeypatch: pytest.MonkeyPatch, next_one: str
) -> None:
    def killed(self: Wave, drills: Any, *, later: bool) -> tuple[Result, ...]:
        if not later:
            self.lead(next(drill for drill, _ in drills))
            raise SystemExit(9)
        return tuple(Result(drill, bound) for drill, bound in drills)

    def sent_to() -> list[str]:
        text = client.engine.read_file(f"{NAME}-prometheus", "/etc/stack/current/prometheus.yml") or b""
        return [one["url"] for one in yaml.safe_load(text)["remote_write"]]

    monkeypatch.setattr(Wave, "run", killed)
    (client.home / "stack.toml").write_text('[remote_write.central]\nurl = "http://there.example/write"\n')
    client("start")
    assert listed(client)["samples-refused"] == "yes"
    with pytest.raises(SystemExit):
        client("drill", "samples-refused")
    assert sent_to() == [BY_NAME["samples-refused"].sends, "http://there.example/write"]
    client(*next_one.split())
    assert sent_to() == ["http://there.example/write"]


def test_without_the_application_what_others_hear_of_can_be_drilled(
    client: Client, routes: Routes, waves: list[list[str]]
) -> None:
    settings = client.home / "stack.toml"
    settings.write_text('[components]\napp = "off"\n')
    client("start")
    found = listed(client)
    assert found["stale-writes"] == "the application is off, whose fault it is"
    assert found["target-gone"] == "nobody hears of TargetDown: monitoring-stack receiver add"
    settings.write_text(
        settings.read_text() + '[receivers.ops]\ntype = "webhook"\nurl = "http://ops.example/"\n'
    )
    client("reload")
    assert listed(client)["target-gone"] == "yes"
    assert client("drill", "target-gone", "--yes") == 0 and waves == [["target-gone"]]
