"""repair in memory: damage is shown, moved aside only where that is said; a start that fails names it."""

from __future__ import annotations

import pytest

from stack.common.errors import NotReady, SmokeFailed, UsageError
from stack.model.spec import ConfigFile, data_volume
from tests.scenarios.commands import NAME, Client

CUT = b"\x05abc"
BLOCK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture
def damaged(client: Client) -> Client:
    """A stack that runs; its silences are cut, and so is a block."""
    client("start")
    for component, path, content in (
        ("alertmanager", "silences", CUT),
        ("alertmanager", "nflog", b""),
        ("prometheus", f"{BLOCK}/meta.json", b"{"),
        ("prometheus", "wal/00000000", b""),
    ):
        volume = client.engine.volumes[data_volume(NAME, component)]
        volume.files[path] = ConfigFile(path, content)
    return client


def paths(client: Client, component: str) -> set[str]:
    return set(client.engine.volumes[data_volume(NAME, component)].contents())


def test_what_is_damaged_is_shown_and_stays_where_nothing_else_is_said(damaged: Client) -> None:
    before = paths(damaged, "prometheus"), paths(damaged, "alertmanager")
    code, said = damaged.run("repair", "--dry-run")
    assert code == 0 and said.documents[-1]["moved_to"] == ""
    assert [(one["component"], one["path"]) for one in said.documents[-1]["damage"]] == [
        ("prometheus", f"{BLOCK}/meta.json"),
        ("alertmanager", "silences"),
    ]
    with pytest.raises(UsageError, match="repair moves data aside: --yes, where nobody can be asked"):
        damaged("repair")
    assert (paths(damaged, "prometheus"), paths(damaged, "alertmanager")) == before


def test_just_that_is_moved_aside_while_its_component_is_stopped(damaged: Client) -> None:
    damaged.engine.calls.clear()
    code, said = damaged.run("repair", "alertmanager", "--yes")
    moved = said.documents[-1]["moved_to"]
    assert code == 0 and paths(damaged, "alertmanager") == {"nflog", f"{moved}/silences"}
    assert f"{BLOCK}/meta.json" in paths(damaged, "prometheus")
    order = [verb for verb, _ in damaged.engine.calls if verb in ("stop", "set_aside", "start")]
    assert order == ["stop", "set_aside", "start"] and len(damaged.running()) == 4
    damaged("repair", "--yes")
    (document,) = damaged.run("repair")[1].documents
    assert document["damage"] == []


def test_of_a_stopped_stack_nothing_is_started(damaged: Client) -> None:
    damaged("stop")
    damaged("repair", "--yes")
    assert damaged.running() == set()


def test_a_component_without_data_is_refused(damaged: Client) -> None:
    with pytest.raises(
        UsageError, match="node_exporter keeps no data in stack monitoring: one of prometheus"
    ):
        damaged("repair", "node_exporter")


@pytest.mark.parametrize("kind", [NotReady, SmokeFailed])
def test_a_start_that_fails_names_the_file_and_the_command(
    damaged: Client, monkeypatch: pytest.MonkeyPatch, kind: type[NotReady]
) -> None:
    def fails(session: object) -> int:
        raise kind("monitoring-prometheus ended", hint="logs")

    monkeypatch.setattr("stack.cli.bring_up.start_stack", fails)
    with pytest.raises(kind) as error:
        damaged("start")
    assert error.value.message == "monitoring-prometheus ended"
    assert error.value.hint == (
        f"prometheus: {BLOCK}/meta.json is damaged (it cannot be read: JSONDecodeError), and 1 more: "
        "monitoring-stack repair prometheus moves just that aside"
    )


def test_a_start_that_fails_for_another_reason_keeps_its_own(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(session: object) -> int:
        raise NotReady("monitoring-app never answered", hint="logs")

    client("start")
    monkeypatch.setattr("stack.cli.bring_up.start_stack", fails)
    with pytest.raises(NotReady) as error:
        client("start")
    assert error.value.hint == "logs"
