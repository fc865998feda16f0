"""host add, list, remove: what is put on further engines, what each command does there, and one that is down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stack.checks.target_proof import Proof
from stack.common.errors import ConfigurationInvalid, EngineUnavailable, PortTaken, SmokeFailed, UsageError
from stack.common.wait import NotYet, until
from stack.model.spec import NAMESPACE
from tests.fakes.engine.memory import MemoryContainer, MemoryEngine
from tests.scenarios.commands import Client

TLS = "tcp://web3.example:2376"
URL, OTHER = "ssh://me@web1.example", "ssh://me@web2.example"
FILE = "own/hosts/web1.toml"
SECRETS = tuple(f"own/secrets/hosts/web1.{kind}" for kind in ("password", "crt", "key"))
THERE = "monitoring-host-web1-node-exporter"


@dataclass
class Far:
    """Engines by URL; those in ``down`` give no answer."""

    near: MemoryEngine
    engines: dict[str, MemoryEngine] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    first: Callable[[], Any] = lambda: None
    """What is awaited before the engine of a host answers."""
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    """With what each was asked for last."""
    prove: Callable[..., Any] = lambda *args: Proof((), (("web1", 300),))

    def proven(self, *args: Any) -> Any:
        """As Prometheus has it."""
        return self.prove(*args)

    def connect(self, url: str, **more: Any) -> MemoryEngine:
        """As the session connects."""
        if url in self.engines:
            self.first()
        if url in self.down:
            raise EngineUnavailable(f"no Docker engine answers at {url}: timed out", hint=more["remedy"])
        self.told[url] = more
        return self.engines.get(url, self.near)

    @property
    def web1(self) -> MemoryEngine:
        """The first host."""
        return self.engines[URL]

    def left(self, url: str = URL) -> list[str]:
        """What carries our label there."""
        found = self.engines[url].observe("monitoring-host-web1")
        return [*(c.name for c in (*found.containers, *found.leftovers)), *found.networks, *found.volumes]

    def container(self) -> MemoryContainer:
        """The exporter there."""
        found = self.web1.find(THERE)
        assert found is not None
        return found


@pytest.fixture
def far(client: Client, monkeypatch: pytest.MonkeyPatch) -> Far:
    made = Far(client.engine, {url: MemoryEngine() for url in (URL, OTHER, TLS)})
    monkeypatch.setattr("stack.engine.docker.connect", made.connect)
    monkeypatch.setattr("stack.cli.host.proven", made.proven)
    monkeypatch.setattr("stack.cli.host.gone", lambda *args: None)
    monkeypatch.setattr("stack.cli.host.SCRAPED_AGAIN", 0.1)
    return made


@pytest.fixture
def running(client: Client, far: Far) -> Client:
    assert client("start") == 0
    return client


@pytest.fixture
def added(running: Client) -> Client:
    assert running("host", "add", "web1", URL, "--address", "10.0.0.7") == 0
    return running


def own(client: Client) -> set[str]:
    """The files of the user's own."""
    return {str(p.relative_to(client.home)) for p in (client.home / "own").rglob("*") if p.is_file()}


def hosts(document: dict[str, Any]) -> dict[str, bool]:
    """Name > ok of a document's hosts."""
    return {one["name"]: one["ok"] for one in document["hosts"]}


def test_the_exporter_is_there_as_here_and_closed(running: Client, far: Far) -> None:
    before = running.ids()
    code, said = running.run("host", "add", "web1", URL, "--address", "10.0.0.7")
    (document,) = said.documents
    assert code == 0 and (document["proven"], document["address"]) == (True, "10.0.0.7:9100")
    assert own(running) == {FILE, *SECRETS}
    assert {(running.home / path).stat().st_mode & 0o777 for path in own(running)} == {0o600}
    there, here = far.container(), running.engine.find("monitoring-node-exporter")
    assert here is not None and there.state == "running"
    assert there.ports() == {("10.0.0.7", "9100")}
    differ = {
        key for key, value in there.body["HostConfig"].items() if here.body["HostConfig"].get(key) != value
    }
    assert differ == {"PortBindings", "Mounts", "NetworkMode"}
    assert there.body["Cmd"][-1] == "--web.config.file=/etc/web/web.yml"
    (volume,) = there.mounts().values()
    web = far.web1.volumes[volume].files["web.yml"].content
    assert b"$2b$" in web and (running.home / SECRETS[0]).read_bytes().strip() not in web
    assert running.ids() == before, "nobody here was touched"
    assert running.in_use("prometheus", "secrets/hosts/web1.password") == (
        (running.home / SECRETS[0]).read_bytes().strip()
    )
    assert running.in_use("prometheus", "secrets/hosts/web1.key") is None, "the key is the host's alone"
    assert b"host-web1" in (running.in_use("prometheus", "scrape/hosts.yml") or b"")


def test_a_second_start_touches_nothing_there(added: Client, far: Far) -> None:
    far.web1.calls.clear()
    code, said = added.run("start")
    assert code == 0 and hosts(said.documents[0]) == {"web1": True}
    assert not {verb for verb, _ in far.web1.calls} & {"create", "start", "stop", "remove", "restart"}
    assert added.run("plan")[1].documents[0]["hosts"][0]["plan"] == []


def test_an_image_that_cannot_be_pulled_there_is_carried_over(running: Client, far: Far) -> None:
    assert running("host", "add", "web1", URL, "--address", "10.0.0.7") == 0
    assert [verb for verb, _ in far.web1.calls if verb in ("pull", "load")] == ["pull", "load"]
    far.engines[OTHER].registry.add(far.container().body["Image"])
    assert running("host", "add", "web2", OTHER, "--address", "10.0.0.8") == 0
    assert [verb for verb, _ in far.engines[OTHER].calls if verb in ("pull", "load")] == ["pull"]


def test_dry_run_shows_it_and_does_nothing(running: Client, far: Far) -> None:
    code, said = running.run("host", "add", "web1", URL, "--address", "10.0.0.7", "--dry-run")
    steps = {(step["verb"], step["target"]) for step in said.documents[0]["hosts"][0]["plan"]}
    assert code == 0 and ("create container", THERE) in steps
    assert not (running.home / "own").exists() and far.left() == []


def test_what_is_not_scraped_is_taken_back_here_and_there(running: Client, far: Far) -> None:
    def refuse(*args: Any) -> Any:
        raise SmokeFailed("host-web1 10.0.0.7:9100 is down: no route to host")

    far.prove = refuse
    with pytest.raises(SmokeFailed) as caught:
        running("host", "add", "web1", URL, "--address", "10.0.0.7")
    assert "firewall" in caught.value.hint and caught.value.hint.endswith("nothing was changed")
    assert own(running) == set() and far.left() == [] and running.state.hosts == ()


def test_a_scrape_that_came_before_the_exporter_is_followed_by_another(running: Client, far: Far) -> None:
    found = iter((SmokeFailed("host-web1 web1 is down: nobody listens on 10.0.0.7:9100"), Proof((), ())))

    def scraped(*args: Any) -> Any:
        if isinstance(one := next(found), SmokeFailed):
            raise one
        return one

    far.prove = scraped
    assert running("host", "add", "web1", URL, "--address", "10.0.0.7") == 0


def test_an_engine_without_an_answer_is_named_before_anything_is_written(running: Client, far: Far) -> None:
    far.down.add(URL)
    with pytest.raises(EngineUnavailable) as caught:
        running("host", "add", "web1", URL, "--address", "10.0.0.7")
    assert str(caught.value) == (
        f"host web1: no Docker engine answers at {URL}: timed out: try: docker -H {URL} version"
    )
    assert not (running.home / "own").exists()


def test_a_port_that_is_taken_there_is_said_in_the_words_of_hosts(
    running: Client, far: Far, capsys: pytest.CaptureFixture[str]
) -> None:
    far.web1.occupy(9100, "10.0.0.7")
    with pytest.raises(PortTaken) as caught:
        running("host", "add", "web1", URL, "--address", "10.0.0.7")
    assert str(caught.value).startswith("host web1: node_exporter: port 10.0.0.7:9100 is taken")
    assert caught.value.hint == (
        "free it there, or choose another: --port of host add and exporter add, "
        f"port in {FILE}, on_port in the file of a server; nothing was changed"
    )
    assert "is taken" not in capsys.readouterr().err, "the error itself says it"
    assert own(running) == set() and far.left() == []


def test_remove_leaves_nothing(added: Client, far: Far) -> None:
    assert added("host", "remove", "web1") == 0
    assert own(added) == set() and far.left() == [] and added.state.hosts == ()
    assert added.in_use("prometheus", "scrape/hosts.yml") is None
    with pytest.raises(UsageError, match="no host is called web1"):
        added("host", "remove", "web1")


def test_a_host_that_is_down_holds_nobody_up_and_is_named(
    added: Client, far: Far, capsys: pytest.CaptureFixture[str]
) -> None:
    assert added("host", "add", "web2", OTHER, "--address", "10.0.0.8") == 0
    far.down.add(URL)
    far.engines[OTHER].stop("monitoring-host-web2-node-exporter")
    code, said = added.run("start")
    assert code == 0 and hosts(said.documents[0]) == {"web1": False, "web2": True}
    assert (
        f"host web1: no Docker engine answers at {URL}: timed out: try: docker -H" in capsys.readouterr().err
    )
    found = far.engines[OTHER].find("monitoring-host-web2-node-exporter")
    assert found is not None and found.state == "running"
    code, said = added.run("status")
    rows = {row["component"]: row["state"] for row in said.documents[0]["components"]}
    assert code == 5 and (rows["host web1"], rows["host web2"]) == ("unreachable", "running (healthy)")


def test_what_a_removed_host_had_goes_once_it_answers(
    added: Client, far: Far, capsys: pytest.CaptureFixture[str]
) -> None:
    far.down.add(URL)
    code, said = added.run("host", "remove", "web1")
    assert code == 5 and said.documents[-1]["ok"] is False
    assert [one["name"] for one in said.documents[-1]["left"]] == ["web1"]
    assert capsys.readouterr().err.count("no Docker engine answers") == 1, "it was asked once"
    assert added.state.hosts == (("web1", URL),) and own(added) == set()
    far.down.clear()
    assert added("reload") == 0
    assert far.left() == [] and not added.state.hosts


def test_a_removed_host_that_is_silent_holds_nobody_up(added: Client, far: Far) -> None:
    assert added("stop") == 0
    for path in own(added):
        (added.home / path).unlink()
    seen: list[str] = []

    def until_the_stack_runs() -> None:
        def running() -> None:
            found = added.engine.find("monitoring-prometheus")
            if found is None or found.state != "running":
                raise NotYet("it waits for the host")

        until(running, seconds=5)
        seen.append("it ran before the host answered")

    far.first = until_the_stack_runs
    assert added("start") == 0
    assert seen and far.left() == [] and not added.state.hosts


def test_forget_gives_up_what_is_there(added: Client, far: Far) -> None:
    far.down.add(URL)
    assert added("host", "remove", "web1", "--forget") == 0
    assert added.state.hosts == ()


def test_a_file_that_somebody_took_away_is_a_removed_host(added: Client, far: Far) -> None:
    (added.home / FILE).unlink()
    steps = added.run("plan")[1].documents[0]["hosts"][0]["plan"]
    assert ("remove container", THERE) in {(step["verb"], step["target"]) for step in steps}
    assert added("reload") == 0
    assert far.left() == []


def test_stop_start_and_restart_reach_it(added: Client, far: Far) -> None:
    assert added("stop") == 0 and far.container().state == "exited"
    assert added("start") == 0 and far.container().state == "running"
    starts = far.container().starts
    assert added("restart") == 0 and far.container().starts > starts


def test_destroy_takes_it_along_and_names_what_it_could_not(
    added: Client, far: Far, capsys: pytest.CaptureFixture[str]
) -> None:
    assert added("host", "add", "web2", OTHER, "--address", "10.0.0.8") == 0
    far.down.add(OTHER)
    code, said = added.run("destroy", "--volumes", "--yes")
    assert code == 5 and hosts(said.documents[0]) == {"web1": True, "web2": False}
    assert far.left() == [] and not added.observed.containers
    label = f"label={NAMESPACE}.stack=monitoring-host-web2"
    assert f"on that host: docker rm -f $(docker ps -aq --filter {label})" in capsys.readouterr().err


def test_somebodys_change_there_is_mended(added: Client, far: Far) -> None:
    far.web1.remove(THERE)
    assert added("start") == 0
    assert far.container().state == "running"


def test_list_and_audit_show_it(added: Client, far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.cli.host_list._targets", lambda *args: {"host-web1": ("up", "")})
    code, said = added.run("host", "list")
    (row,) = said.documents[0]["hosts"]
    assert code == 0
    assert (row["name"], row["engine"], row["scraped"]) == ("web1", URL, "up")
    assert THERE in added.run("audit")[1].documents[0]["containers"]
    far.container().state = "exited"
    assert added("host", "list") == 6


def test_without_a_running_stack_the_files_wait_for_a_start(client: Client, far: Far) -> None:
    code, said = client.run("host", "add", "web1", URL, "--address", "10.0.0.7")
    assert code == 0 and said.documents[0]["proven"] is False and far.left() == []
    assert client("start") == 0
    assert far.container().state == "running"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Web_1", URL, "--address", "10.0.0.7"), "a host cannot be called 'Web_1'"),
        (
            ("web1", "web1.example", "--address", "10.0.0.7"),
            "'web1.example' is no address of a Docker engine",
        ),
        (("web1", URL, "--address", "web1.example"), "address: 'web1.example' is no IP address"),
        (("web1", URL, "--address", "0.0.0.0"), "would open the exporter on all networks"),
        (("web1", URL, "--address", "127.0.0.1"), "address: 127.0.0.1 is reached from the host alone"),
        (("web1", "unix:///run/other.sock"), "names no machine"),
        (("web1", "tcp://web1.example", "--address", "10.0.0.7"), "has no port: tcp://web1.example:2376"),
        (("web1", "ssh://me:secret@web1.example", "--address", "10.0.0.7"), "a password in a URL is shown"),
        (("web1", URL, "--address", "10.0.0.7", "--cert-path", "/c"), "needs no certificates"),
        (("web1", TLS, "--address", "10.0.0.7", "--cert-path", ""), "--cert-path is empty"),
        (("web1", "ssh://", "--address", "10.0.0.7"), "'ssh://' is no address of a Docker engine"),
        (("web1", URL, "--address", "10.0.0.7", "--port", "0"), "port: 0 is no port"),
    ],
)
def test_what_cannot_be_meant_is_said(client: Client, far: Far, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        client("host", "add", *words)


def test_an_engine_has_certificates_of_its_own_which_are_remembered_until_it_is_cleared(
    running: Client, far: Far, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert running("host", "add", "web1", TLS, "--address", "10.0.0.7", "--cert-path", "certs") == 0
    assert f'cert_path = "{tmp_path}/certs"' in (running.home / FILE).read_text()
    assert far.told[TLS]["certificates"] == f"{tmp_path}/certs"
    assert running.state.hosts == (("web1", TLS, f"{tmp_path}/certs"),)
    far.down.add(TLS)
    assert running("host", "remove", "web1") == 5
    far.down.clear()
    far.told.clear()
    assert running("reload") == 0 and far.left(TLS) == [] and not running.state.hosts
    assert far.told[TLS]["certificates"] == f"{tmp_path}/certs"


def test_other_certificates_for_an_engine_leave_what_is_there(running: Client, far: Far) -> None:
    assert running("host", "add", "web1", TLS, "--address", "10.0.0.7", "--cert-path", "/old") == 0
    place, starts = running.home / FILE, far.engines[TLS].find(THERE).starts  # type: ignore[union-attr]
    place.write_text(place.read_text().replace("/old", "/new"))
    assert running("reload") == 0
    found = far.engines[TLS].find(THERE)
    assert found is not None and found.starts == starts
    assert running.state.hosts == (("web1", TLS, "/new"),)


@pytest.mark.parametrize(
    ("words", "variables", "told"),
    [
        ((), {}, True),
        (("--cert-path", "/c"), {}, False),
        ((), {"DOCKER_TLS_VERIFY": "1"}, False),
    ],
)
def test_an_engine_without_tls_is_said_to_be_open(
    running: Client,
    far: Far,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    variables: dict[str, str],
    told: bool,
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    assert running("host", "add", "web1", TLS, "--address", "10.0.0.7", *words) == 0
    said = f"host web1: whoever reaches {TLS} is root on that machine"
    assert (said in capsys.readouterr().err) is told
    assert running("audit") == 0
    assert (said in capsys.readouterr().err) is told


def test_a_file_by_hand_without_its_secrets_is_a_fault(running: Client, far: Far) -> None:
    place = running.home / FILE
    place.parent.mkdir(parents=True)
    place.write_text(f'engine = "{URL}"\naddress = "10.0.0.7"\n')
    with pytest.raises(ConfigurationInvalid, match=r"own/secrets/hosts/web1\.password is missing"):
        running("reload")


def test_a_host_of_that_name_is_not_added_twice(added: Client, far: Far, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{FILE} is there already"):
        added("host", "add", "web1", OTHER, "--address", "10.0.0.9")
