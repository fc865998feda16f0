"""upgrade on a stack in memory: one product after the other, each proven, else image and data are those of before."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from stack.archives.manifest import Kept
from stack.archives.reading import open_archive
from stack.common.errors import ImageError, Interrupted, StackError, UpgradeUndone, UsageError
from stack.components import CATALOG
from stack.engine.interface import Job, Ran
from stack.model.spec import ConfigFile, data_volume
from tests.fakes.engine.memory import MemoryContainer
from tests.scenarios.commands import NAME, Client, Products
from tests.scenarios.test_commands_killed import CHANGES, Death, Killed

DATA = {
    "prometheus": {"01ARZ3NDEKTSV4RRFFQ69G5FAV/meta.json": b"{}", "wal/00000000": b""},
    "alertmanager": {"silences": b"silence"},
    "app": {"audit.jsonl": b"packet\n"},
}
NEXT = "prom/prometheus:v9.1.0"


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the products show when they are asked."""
    monkeypatch.setattr("stack.cli.backup.kept_in", lambda context, unasked: Kept())
    monkeypatch.setattr("stack.cli.upgrade_exchange.AGAIN_SECONDS", 0.0)


@pytest.fixture
def running(client: Client) -> Client:
    """A stack with data, and an image of Prometheus that it does not run."""
    client("start")
    fill(client)
    client.engine.hold(NEXT)
    return client


def fill(client: Client) -> None:
    for component, files in DATA.items():
        volume = client.engine.volumes[data_volume(NAME, component)]
        volume.files = {path: ConfigFile(path, content, 0o640) for path, content in files.items()}


def data(client: Client) -> dict[str, dict[str, bytes]]:
    return {c: client.engine.volumes[data_volume(NAME, c)].contents() for c in DATA}


def image(client: Client, component: str = "prometheus") -> str:
    """What its container runs."""
    found = client.observed.container(component)
    return found.image if found else ""


def spoils(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new Prometheus makes the data its own as soon as it starts."""
    real = client.engine.start

    def start(container: str) -> None:
        real(container)
        found = client.engine.find(container)
        if isinstance(found, MemoryContainer) and found.body["Image"] == NEXT:
            volume = client.engine.volumes[data_volume(NAME, "prometheus")]
            for path in DATA["prometheus"]:
                volume.discard(path)
            volume.files["of-9"] = ConfigFile("of-9", b"new form")

    monkeypatch.setattr(client.engine, "start", start)


def as_it_was(client: Client) -> None:
    """Nothing tells of an upgrade but the state, which knows what was refused."""
    assert data(client) == DATA
    assert image(client) == CATALOG.pins["prometheus"].official
    assert len(client.running()) == 4 and client.observed.leftovers == ()
    assert client.state.upgrading is None


def test_one_product_gets_the_image_named_and_keeps_it(running: Client) -> None:
    before = running.ids()
    code, said = running.run("upgrade", "--to", f"prometheus={NEXT}")
    assert code == 0 and image(running) == NEXT and data(running) == DATA
    assert (running.home / ".env").read_text() == f"STACK_PROMETHEUS_IMAGE={NEXT}\n"
    after = running.ids()
    assert {name for name in after if after[name] != before[name]} == {"prometheus"}
    assert running.plan() == [] and running.observed.leftovers == ()
    (document,) = said.documents
    (done,) = document["upgraded"]
    assert done["before"]["version"] == CATALOG.pins["prometheus"].version
    assert done["after"] == {"image": NEXT, "version": "9.1.0"}
    archive = open_archive(Path(document["file"]))
    assert [one.component for one in archive.manifest.members] == ["prometheus"]
    assert archive.manifest.versions == {"prometheus": CATALOG.pins["prometheus"].version}


def test_the_old_one_ends_before_the_new_one_opens_its_data(running: Client) -> None:
    old = running.ids()["prometheus"]
    running.engine.calls.clear()
    running("upgrade", "--to", NEXT, "--no-backup")
    calls = running.engine.calls
    names = {f"{NAME}-prometheus{end}" for end in ("", "-next", "-before", "-data")} | {old}
    verbs = [verb for verb, target in calls if target in names and verb != "observe"]
    wanted = ["create", "stop", "rename", "rename", "keep", "start", "remove", "unstage"]
    assert [verb for verb in verbs if verb in wanted] == wanted


def test_with_pins_all_that_differ_are_taken_in_turn_and_the_stack_is_proven(running: Client) -> None:
    running.engine.hold(CATALOG.pins["prometheus"].official, "renewed")
    running.engine.hold(CATALOG.pins["alertmanager"].official, "renewed")
    code, said = running.run("upgrade")
    assert code == 0 and said.documents[-1]["report"] and data(running) == DATA
    assert [one["component"] for one in said.documents[-1]["upgraded"]] == ["prometheus", "alertmanager"]
    assert running.plan() == [] and running.state.proven is not None
    assert not (running.home / ".env").exists()
    code, said = running.run("upgrade")
    assert code == 0 and said.documents[-1]["upgraded"] == []


def test_a_dry_run_shows_and_changes_nothing(running: Client) -> None:
    before = running.ids()
    code, said = running.run("upgrade", "--to", NEXT, "--dry-run")
    (change,) = said.documents[-1]["changes"]
    assert (
        code == 0 and change["after"]["version"] == "9.1.0" and change["volume"] == f"{NAME}-prometheus-data"
    )
    assert running.ids() == before and not (running.home / "backups").exists()
    running.engine.registry.add("registry.example/prometheus:v9.2.0")
    code, said = running.run("upgrade", "--to", "prometheus=registry.example/prometheus:v9.2.0", "--dry-run")
    assert said.documents[-1]["changes"][0]["after"]["version"] == "9.2.0 (pull)"


def test_what_is_not_proven_is_undone_with_its_data(
    running: Client, products: Products, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoils(running, monkeypatch)
    before = running.ids()
    products.failing = {"prometheus.expressions"}
    with pytest.raises(UpgradeUndone) as caught:
        running("upgrade", "--to", NEXT)
    assert f"prometheus: {NEXT} was not taken: prometheus.expressions" in caught.value.message
    assert "runs again with its data; only what came from" in caught.value.hint
    assert caught.value.details["upgraded"] == [] and caught.value.exit_code == 5
    as_it_was(running)
    assert running.ids() == before
    assert not (running.home / ".env").exists()


def test_what_was_undone_is_not_taken_by_a_start(
    running: Client, products: Products, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = CATALOG.pins["prometheus"].official
    old = running.engine.image(pin)
    running.engine.hold(pin, "renewed")
    assert ("remove container", f"{NAME}-prometheus") in running.plan()
    products.refuse = {"prometheus"}
    monkeypatch.setattr("stack.deploy.verify.SECONDS", 0.0)
    with pytest.raises(UpgradeUndone):
        running("upgrade")
    products.refuse = set()
    assert old is not None and running.state.refused["prometheus"].stays_id == old.id
    assert running("start") == 0 and running.plan() == []
    assert running.observed.container("prometheus").image_id == old.id  # type: ignore[union-attr]
    assert data(running) == DATA
    running("destroy")
    assert running("start") == 0 and data(running) == DATA
    assert running.observed.container("prometheus").image_id == old.id  # type: ignore[union-attr]
    assert running("upgrade") == 0 and data(running) == DATA
    assert running.observed.container("prometheus").image_id != old.id  # type: ignore[union-attr]
    assert running.state.refused == {} and running.plan() == []


def test_those_before_it_stay_and_those_behind_it_are_not_begun(running: Client, products: Products) -> None:
    for component in ("prometheus", "alertmanager", "node_exporter"):
        running.engine.hold(CATALOG.pins[component].official, "renewed")
    products.failing = {"alertmanager.routes"}
    with pytest.raises(UpgradeUndone) as caught:
        running("upgrade")
    done: Any = caught.value.details["upgraded"]
    undone: Any = caught.value.details["undone"]
    assert ([one["component"] for one in done], undone["component"]) == (["prometheus"], "alertmanager")
    assert ("remove container", f"{NAME}-node-exporter") in running.plan()
    products.failing = set()
    assert running("upgrade") == 0 and running.plan() == []


def test_a_refused_creation_disturbs_nothing(running: Client) -> None:
    before = running.ids()
    running.engine.fail("create", StackError("no space left on device"))
    with pytest.raises(UpgradeUndone, match="no space left") as caught:
        running("upgrade", "--to", NEXT, "--no-backup")
    assert "nothing is lost" in caught.value.hint
    as_it_was(running)
    found = running.engine.find(f"{NAME}-prometheus")
    assert running.ids() == before and found is not None and found.starts == 1


def test_a_stopped_stack_is_started_as_it_was_first(running: Client) -> None:
    running("stop")
    assert running("upgrade", "--to", NEXT) == 0
    assert image(running) == NEXT and len(running.running()) == 4 and data(running) == DATA


def test_ctrl_c_goes_back_too(running: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def called_off(self: object) -> None:
        raise Interrupted("interrupted")

    monkeypatch.setattr("stack.cli.upgrade_exchange.Turn.prove", called_off)
    with pytest.raises(Interrupted):
        running("upgrade", "--to", NEXT)
    as_it_was(running)


def test_what_cannot_be_meant_is_refused(running: Client) -> None:
    with pytest.raises(UsageError, match="nothing to upgrade: this stack has no container"):
        running("upgrade", "--name", "other")
    with pytest.raises(UsageError, match="no one product has a pinned image of this name"):
        running("upgrade", "--to", "mine/thing:1")
    with pytest.raises(UsageError, match="COMPONENT=IMAGE, with one of"):
        running("upgrade", "--to", "nobody=x:1")
    with pytest.raises(UsageError, match="names two images"):
        running("upgrade", "--to", NEXT, "--to", "prometheus=x:1")
    running.environ["STACK_PROMETHEUS_IMAGE"] = "mine/prometheus:1"
    with pytest.raises(UsageError, match="STACK_PROMETHEUS_IMAGE names another image"):
        running("upgrade", "--to", NEXT)
    running.environ.clear()
    with pytest.raises(ImageError, match="the image that the settings name is not there"):
        running("upgrade", "--to", "prom/prometheus:v9.9.9")
    as_it_was(running)


def test_killed_at_any_change_the_next_command_ends_it(
    running: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data is that of before, or of the new image where that was proven, and nothing is left over."""
    spoils(running, monkeypatch)
    more = {"keep", "give_back", "unstage", "remove_from_volume"}
    monkeypatch.setattr("tests.scenarios.test_commands_killed.CHANGES", CHANGES | more)
    official, env = CATALOG.pins["prometheus"].official, running.home / ".env"
    for last in count():
        death = Death(running.engine, last)
        try:
            running("upgrade", "--to", f"prometheus={NEXT}", "--no-backup")
            break
        except Killed:
            pass
        finally:
            death.revive()
        running(("start", "stop", "reload")[last % 3])
        assert running.state.upgrading is None and running.observed.leftovers == (), last
        now = image(running)
        there = data(running)["prometheus"]
        assert there == (DATA["prometheus"] if now == official else {"of-9": b"new form"}), (last, now)
        assert env.exists() == (now == NEXT), last
        if now == NEXT:
            env.unlink()
            running("start", "--no-smoke")
        fill(running)
    running("start", "--no-smoke")
    assert image(running) == NEXT and running.plan() == [] and running.state.refused == {}
    assert last > 8, "something was killed"


def test_another_major_version_begins_with_a_dump(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.environ["STACK_DATABASE"] = "postgres"
    client("start")
    name = data_volume(NAME, "postgres")
    volume = client.engine.volumes[name]
    volume.files = {"packets/PG_VERSION": ConfigFile("packets/PG_VERSION", b"18\n")}
    client.engine.hold("postgres:19.1")
    real = client.engine.execute
    stopped_first: list[bool] = []

    def execute(container: str, argv: tuple[str, ...], **more: Any) -> Ran:
        if argv[0] == "pg_dump":
            stopped_first.append("app" not in client.running())
            volume.files[".stack-dump"] = ConfigFile(".stack-dump", b"packets")
        return real(container, argv, **more)

    monkeypatch.setattr(client.engine, "execute", execute)
    monkeypatch.setattr(client.engine, "run", lambda stack, job: answer(job))
    code, said = client.run("upgrade", "--to", "postgres=postgres:19.1", "--no-backup")
    assert code == 0 and stopped_first == [True]
    assert volume.contents() == {"restore.dump": b"packets"}
    assert said.documents[-1]["upgraded"][0]["data"] == "written down and loaded"
    assert {"app", "postgres"} <= client.running()


def answer(job: Job) -> Ran:
    return Ran(0, "postgres (PostgreSQL) 19.1 (Debian 19.1-1)" if "--version" in job.argv else "")


def test_another_major_version_that_does_not_load_it_is_undone(
    client: Client, products: Products, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.environ["STACK_DATABASE"] = "postgres"
    client("start")
    volume = client.engine.volumes[data_volume(NAME, "postgres")]
    before = {"packets/PG_VERSION": b"18\n", "packets/base/1": b"pages"}
    volume.files = {path: ConfigFile(path, content) for path, content in before.items()}
    volume.files[".stack-dump"] = ConfigFile(".stack-dump", b"packets")
    client.engine.hold("postgres:19.1")
    monkeypatch.setattr(client.engine, "run", lambda stack, job: answer(job))
    products.failing = {"app.store"}
    with pytest.raises(UpgradeUndone, match=r"app\.store"):
        client("upgrade", "--to", "postgres=postgres:19.1", "--no-backup")
    assert volume.contents() == before and {"app", "postgres"} <= client.running()
