"""silence add, list and expire, and alerts, on a stack in memory whose Alertmanager keeps what amtool tells it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks.context import CheckContext
from stack.common.errors import StackError, StartFailed, UsageError
from stack.common.matchers import parse
from stack.deploy.describe import Description
from stack.engine.interface import Engine, Ran
from stack.model.spec import ConfigFile
from tests.loopback import Asked, Reply, Routes, serve
from tests.scenarios.commands import Client
from tests.unit.checks.fake_stack import data, loaded, silence

ID = "7536736b-91d5-445c-ad51-44e3e0207353"
OTHER = "75aaaaaa-91d5-445c-ad51-44e3e0207353"


def written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Products:
    """Alertmanager and Prometheus. ``active`` and ``held`` are what they list."""

    silences: dict[str, dict[str, Any]] = field(default_factory=dict)
    active: list[dict[str, Any]] = field(default_factory=list)
    held: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)
    commands: list[tuple[str, ...]] = field(default_factory=list)
    refuse: str = ""

    def program(self, argv: tuple[str, ...], files: dict[str, ConfigFile]) -> Ran:
        """amtool inside the container."""
        del files
        if argv[0] != "amtool" or "silence" not in argv:
            return Ran(0, "")
        verb, *words = argv[3:]
        self.commands.append((verb, *words))
        if self.refuse:
            return Ran(1, f"amtool: error: [POST /silences][400] {self.refuse}\n")
        if verb == "expire":
            for id_ in words:
                del self.silences[id_]
            return Ran(0, "")
        told = dict(zip(words[:6:2], words[1:6:2], strict=True))
        matchers = [(m.name, m.op, m.value) for text in words[6:] for m in parse(text)]
        if "[" in words[6]:  # what cannot be read as a matcher is taken for a name
            matchers = [("alertname", "=", words[6])]
        changes = {"createdBy": told["--author"], "comment": told["--comment"], "endsAt": told["--end"]}
        self.silences[ID] = silence(*matchers, **changes) | {"id": ID}
        return Ran(0, f"{ID}\n")

    def routes(self) -> Routes:
        """Both products behind one address."""
        return {
            "GET /api/v2/silences": lambda asked: (200, list(self.silences.values())),
            "GET /api/v2/alerts": lambda asked: (200, self.held),
            "GET /api/v1/alerts": lambda asked: data({"alerts": self.active}),
            "GET /api/v1/rules": data(
                {
                    "groups": [
                        loaded(group="stack_watchdog"),
                        loaded("GateUnavailable", labels={"severity": "critical"}),
                        loaded("HostDiskFull", labels={"severity": "warning"}),
                    ]
                }
            ),
            "GET /api/v1/labels": data(["gate"]),
            "GET /api/v1/status/config": data({"yaml": "global:\n  external_labels: {stack: monitoring}\n"}),
            "POST /api/v1/query": self._query,
        }

    def _query(self, asked: Asked) -> Reply:
        return data({"resultType": "vector", "result": self.failed})

    def fires(
        self, name: str, *, ago: float = 60.0, held: bool = True, state: str = "firing", **status: Any
    ) -> None:
        """An alert that Prometheus has, and Alertmanager too unless it is not ``held``."""
        labels, moment = (
            {"alertname": name, "severity": "critical", "gate": "url_gate"},
            written(time.time() - ago),
        )
        self.active.append(
            {
                "labels": labels,
                "annotations": {"summary": "s"},
                "state": state,
                "activeAt": moment,
                "value": "4.2e+01",
            }
        )
        if held:
            told = {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": [], **status}
            self.held.append(
                {
                    "fingerprint": name,
                    "labels": labels | {"stack": "monitoring"},
                    "updatedAt": moment,
                    "startsAt": moment,
                    "receivers": [{"name": "critical"}],
                    "status": told,
                }
            )


@pytest.fixture
def there(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Products]:
    made = Products()
    client.engine.program = made.program
    client("start")
    with serve(made.routes()) as address:

        def asked(engine: Engine, description: Description) -> CheckContext:
            del engine
            expected = description.expectations(remote=False, now=0.0)
            addresses = tuple((name, address) for name in ("prometheus", "alertmanager"))
            return CheckContext(replace(expected, addresses=addresses))

        monkeypatch.setattr("stack.deploy.asking.context_of", asked)
        yield made


def test_a_silence_is_added_listed_and_ended_by_the_beginning_of_its_id(
    client: Client, there: Products
) -> None:
    code, said = client.run(
        "silence", "add", "GateUnavailable", "gate=~url.*", "--comment", "a move", "--by", "anna"
    )
    document = said.documents[-1]
    assert (code, document["id"], document["covers"]) == (0, ID, "it holds back GateUnavailable")
    (_, *words) = there.commands[-1]
    assert words[:4] == ["--author", "anna", "--comment", "a move"]
    assert words[6:] == ['alertname="GateUnavailable"', "gate=~url.*"]
    ends = datetime.fromisoformat(words[5]).timestamp()
    assert 7190 < ends - time.time() < 7201
    (one,) = client.run("silence", "list")[1].documents[-1]["silences"]
    assert (one["author"], one["comment"]) == ("anna", "a move")
    assert one["matchers"] == ['alertname="GateUnavailable"', 'gate=~"url.*"']
    code, said = client.run("silence", "expire", "7536")
    assert (code, said.documents[-1]["ended"], there.silences) == (0, [ID], {})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["alertname=~.+"], "it would hold back every alert"),
        (["Watchdog"], "it would hold back Watchdog, which proves that alerts arrive"),
        (["stack_test=true"], "it would hold back StackProof"),
        (["GateUnavailable", "--for", "soon"], "--for soon: not a span of time"),
        (["GateUnavailable", "--for", "0"], "--for 0: not a span of time"),
        (["GateUnavailable", "--until", "2020-01-01"], "--until 2020-01-01: that has passed"),
        (["GateUnavailable", "--until", "noon"], "--until noon: not a moment"),
        (["GateUnavailable", "--until", "25:00"], "--until 25:00: not a moment"),
        (["GateUnavailable", "--for", "1h", "--until", "10:00"], "--for and --until both say"),
    ],
)
def test_a_silence_that_cannot_be_meant_is_refused(
    client: Client, there: Products, words: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        client("silence", "add", *words, "--comment", "x")
    assert there.commands == []


def test_until_a_time_of_day_is_the_next_such_time(client: Client, there: Products) -> None:
    for word in ("00:00", "23:59"):
        client("silence", "add", "GateUnavailable", "--comment", "x", "--until", word)
        ends = datetime.fromisoformat(there.commands[-1][6])
        assert f"{ends:%H:%M}" == word and 0 < ends.timestamp() - time.time() <= 86400


def test_what_alertmanager_would_take_for_a_name_is_no_matcher(client: Client, there: Products) -> None:
    with pytest.raises(UsageError, match=r"gate=~\[: not a matcher"):
        client("silence", "add", "gate=~[", "--comment", "x")
    assert there.silences == {}


def test_what_alertmanager_refuses_is_said_in_its_words(client: Client, there: Products) -> None:
    there.refuse = 'postSilencesBadRequest "invalid silence"'
    with pytest.raises(StackError, match='Alertmanager refuses it: postSilencesBadRequest "invalid silence"'):
        client("silence", "add", "GateUnavailable", "--comment", "x")


def test_an_id_must_be_of_one_silence(client: Client, there: Products) -> None:
    there.silences = {id_: silence(("a", "=", "b")) | {"id": id_} for id_ in (ID, OTHER)}
    with pytest.raises(UsageError, match="2 silences begin with it"):
        client("silence", "expire", "75")
    with pytest.raises(UsageError, match="no silence that holds or will hold has it"):
        client("silence", "expire", "nope")
    assert set(there.silences) == {ID, OTHER}


def test_where_alertmanager_does_not_run_it_is_said(client: Client, there: Products) -> None:
    client("stop")
    for words in (("silence", "list"), ("silence", "expire", "x"), ("silence", "add", "X", "--comment", "x")):
        with pytest.raises(StartFailed, match="alertmanager of stack monitoring does not run"):
            client(*words)
    with pytest.raises(StartFailed, match="stack monitoring does not run"):
        client("alerts")


def shown(client: Client) -> dict[str, dict[str, Any]]:
    code, said = client.run("alerts")
    assert code == 0
    return {row["name"]: row for row in said.documents[-1]["alerts"]}


def test_alerts_say_who_is_told_and_why_others_are_not(client: Client, there: Products) -> None:
    there.silences = {ID: silence(("alertname", "=", "Silenced")) | {"id": ID}}
    there.fires("Told")
    there.fires("Young", ago=1)
    there.fires("Silenced", silencedBy=[ID])
    there.fires("Inhibited", inhibitedBy=["Told"])
    there.fires("Muted", mutedBy=["nights"])
    there.fires("Pending", held=False, state="pending")
    there.fires("Lost", held=False)
    there.held.append(there.held[0] | {"labels": {"alertname": "Foreign"}, "fingerprint": "f"})
    rows = shown(client)
    assert {name: (row["state"], row["told"]) for name, row in rows.items()} == {
        "Told": ("firing", ("critical",)),
        "Young": ("firing", ("critical",)),
        "Lost": ("firing", ()),
        "Foreign": ("firing", ("critical",)),
        "Silenced": ("silenced", ()),
        "Inhibited": ("inhibited", ()),
        "Muted": ("muted", ()),
        "Pending": ("pending", ()),
    }
    why = {name: row["why"] for name, row in rows.items()}
    assert why["Told"] == "" and rows["Told"]["value"] == 42.0
    assert why["Young"].startswith("in ") and why["Young"].endswith("as its group waits for more")
    assert why["Lost"] == "Alertmanager has not got it"
    assert why["Silenced"] == "silence 7536736b until 2026-01-02 00:00:00 UTC (a move, anna)"
    assert why["Inhibited"] == "while Told fires"
    assert why["Muted"] == "time interval nights"
    assert rows["Foreign"]["value"] is None


def test_alerts_name_the_receiver_whose_notifications_fail(client: Client, there: Products) -> None:
    labels = {"integration": "slack", "receiver_name": "oncall", "reason": "clientError"}
    there.failed = [{"metric": labels, "value": [0, "2.4"]}]
    (said,) = client.run("alerts")[1].documents
    assert said["failed"] == ["2 notifications by slack of oncall failed within the last hour (clientError)"]


def test_alerts_without_an_alertmanager_say_that_nobody_is_told(
    client: Client, there: Products, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.fires("Told")
    there.held = [{"no": "alert"}]
    (said,) = client.run("alerts")[1].documents
    assert said["silent"][0].startswith("Alertmanager does not answer, nobody is told of anything: ")
    assert said["alerts"][0]["why"] == "no Alertmanager"
