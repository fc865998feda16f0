"""probe add, list and remove on a stack in memory: proven, refused with nothing changed, or kept for the next start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from msgspec.structs import replace

from stack.checks.context import CheckContext
from stack.common.errors import SmokeFailed, UsageError
from stack.deploy.describe import Description
from stack.engine.interface import Engine, Ran
from tests.loopback import Asked, Reply, Routes, serve
from tests.scenarios.commands import Client
from tests.unit.checks.fake_stack import data, targets

URL = "https://shop.example/health"
FILE = "own/prometheus/scrape/shop.yml"
UP = "Metrics that would have been returned:\nprobe_http_status_code 200\nprobe_success 1\n"
DOWN = (
    'Logs for the probe:\nlevel=ERROR msg="Invalid HTTP response status code, wanted 2xx" status_code=503\n'
    "Metrics that would have been returned:\nprobe_success 0\n"
)


class Answers:
    """What blackbox_exporter says to a container's own wget, and Prometheus over HTTP. ``probe`` is the page."""

    def __init__(self, client: Client) -> None:
        self.engine, self.probe, self.asked = client.engine.execute, UP, list[str]()
        self.value = "1"

    def __call__(self, container: str, argv: tuple[str, ...], *, seconds: float | None = None) -> Ran:
        url = urlsplit(argv[-1])
        if url.path != "/probe":
            return self.engine(container, argv, seconds=seconds)
        self.asked.append(container)
        return Ran(0, self.probe)

    def query(self, asked: Asked) -> Reply:
        """The figures of the one probe."""
        self.asked.append("prometheus")
        value = self.value if asked.params["query"].startswith("probe_success") else "0.5"
        if "status_code" in asked.params["query"] and self.value == "0":
            return data({"resultType": "vector", "result": []})
        series = {"metric": {"job": "shop", "instance": URL}, "value": [0, value]}
        return data({"resultType": "vector", "result": [series]})


@pytest.fixture
def answers(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    made = Answers(client)
    monkeypatch.setattr(client.engine, "execute", made)
    routes: Routes = {"GET /api/v1/targets": targets(), "POST /api/v1/query": made.query}
    with serve(routes) as address:

        def asked(engine: Engine, description: Description) -> CheckContext:
            del engine
            expected = description.expectations(remote=False, now=0.0)
            return CheckContext(replace(expected, addresses=(("prometheus", address),)))

        monkeypatch.setattr("stack.deploy.asking.context_of", asked)
        yield made


def own(client: Client) -> set[str]:
    found = (path for path in (client.home / "own").rglob("*") if path.is_file())
    return {path.relative_to(client.home).as_posix() for path in found}


def test_a_probe_is_added_to_a_running_stack_seen_and_removed(client: Client, answers: Answers) -> None:
    client("start")
    before = client.ids()
    code, said = client.run("probe", "add", "shop", URL, "--every", "5s")
    assert code == 0
    assert said.documents[-1] == {
        "ok": True,
        "name": "shop",
        "target": URL,
        "files": [FILE],
        "proven": True,
        "up": True,
    }
    assert client.running() == {*before, "blackbox"} and client.plan() == []
    assert answers.asked == ["monitoring-blackbox", "prometheus"]
    (row,) = client.run("probe", "list")[1].documents[-1]["probes"]
    assert (row["name"], row["target"], row["up"]) == ("shop", URL, True)
    code, said = client.run("probe", "remove", "shop")
    assert (code, said.documents[-1]["files"], said.documents[-1]["proven"]) == (0, [FILE], True)
    assert own(client) == set() and client.ids() == before


def test_a_container_is_asked_on_its_own_network(client: Client, answers: Answers) -> None:
    client("start")
    client.engine.foreign_network("front")
    client.engine.neighbour(
        "web-1", "front", ports=(8000,), prometheus_io__port="9100", prometheus_io__scheme="https"
    )
    told = client.run("probe", "add", "shop", "/health", "--container", "web-1", "--every", "5s")[1]
    assert told.documents[-1]["target"] == "http://web-1:8000/health", "the labels are about its metrics"
    assert '__network__: "front"' in (client.home / FILE).read_text()
    joined = {c.component: c.joined for c in client.observed.containers}
    assert joined["blackbox"] == ("front",) and joined["prometheus"] == ()
    assert client.plan() == [] and answers.asked == ["monitoring-blackbox", "prometheus"]
    assert client("probe", "remove", "shop") == 0


@pytest.mark.parametrize(
    ("words", "target"),
    [
        (("--host", "8080"), "http://host.docker.internal:8080"),
        (("https:///a", "--host", "8443"), "https://host.docker.internal:8443/a"),
        (("tcp://", "--container", "db:5432"), "db:5432"),
        (("--module", "tcp", "--container", "db:5432"), "db:5432"),
        (("--module", "http_post_2xx", "--container", "db:5432"), "http://db:5432"),
        (("icmp://", "--container", "db"), "db"),
    ],
)
def test_a_place_besides_a_url(client: Client, words: tuple[str, ...], target: str) -> None:
    client.engine.foreign_network("front")
    client.engine.neighbour("db", "front")
    assert client.run("probe", "add", "shop", *words)[1].documents[-1]["target"] == target


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ((), "what should be asked?", "--container C[:PORT]"),
        (("--container", "db", "--host", "1"), "two ways", "one of them"),
        (("http://shop/", "--host", "1"), "one place, not two", "https:///health"),
        (("http://shop/", "--network", "front"), "--network chooses", "leave it out"),
        (("--container", "db"), "exposes no port", "--container db:PORT"),
        (("--container", "alone:80"), "default network bridge", "probe add shop --container alone"),
        (("--host", "99999"), "99999: not a port", "1 to 65535"),
        (("--container", "nobody"), "there is no container nobody", "docker ps"),
    ],
)
def test_places_that_cannot_be_meant(client: Client, words: tuple[str, ...], message: str, hint: str) -> None:
    client.engine.foreign_network("front")
    client.engine.neighbour("db", "front")
    client.engine.neighbour("alone")
    with pytest.raises(UsageError) as error:
        client("probe", "add", "shop", *words)
    assert message in error.value.message and hint in error.value.hint
    assert own(client) == set()


def test_what_fails_is_not_added(client: Client, answers: Answers) -> None:
    client("start")
    before = client.ids()
    answers.probe = DOWN
    with pytest.raises(SmokeFailed, match=r"answers HTTP 503 \(wanted 2xx\)") as error:
        client("probe", "add", "shop", URL)
    assert error.value.hint.endswith("--even-if-down adds it all the same; nothing was changed")
    assert own(client) == set() and client.ids() == before and client.plan() == []


def test_a_running_blackbox_exporter_is_asked_before_anything_is_changed(
    client: Client, answers: Answers
) -> None:
    client("start")
    client("probe", "add", "shop", URL, "--every", "5s")
    answers.probe, answers.asked = DOWN, []
    with pytest.raises(SmokeFailed, match="answers HTTP 503") as error:
        client("probe", "add", "other", URL)
    assert error.value.hint.endswith("nothing was changed")
    assert answers.asked == ["monitoring-blackbox"] and own(client) == {FILE}


def test_what_fails_is_added_where_that_is_asked_for(client: Client, answers: Answers) -> None:
    client("start")
    answers.probe = DOWN
    code, said = client.run("probe", "add", "shop", URL, "--every", "5s", "--even-if-down")
    assert (code, said.documents[-1]["up"]) == (0, False)
    assert own(client) == {FILE}
    answers.value = "0"
    status = client.run("status")
    assert status[0] == 0, "its alert is there for it"
    assert status[1].documents[-1]["remarks"] == [f"probe shop of {URL} fails"]


def test_where_nothing_runs_the_files_wait_for_a_start(client: Client, answers: Answers) -> None:
    code, said = client.run("probe", "add", "shop", URL)
    assert (code, said.documents[-1]["proven"], own(client)) == (0, False, {FILE})
    assert answers.asked == []
    assert client.run("probe", "list")[1].documents[-1]["probes"][0]["up"] is None
    assert client("start") == 0
    assert "blackbox" in client.running()


def test_a_dry_run_shows_the_plan_and_changes_nothing(client: Client, answers: Answers) -> None:
    client("start")
    code, said = client.run("probe", "add", "shop", URL, "--dry-run")
    steps = {(step["verb"], step["target"]) for step in said.documents[-1]["plan"]}
    assert code == 0 and ("create container", "monitoring-blackbox") in steps
    assert own(client) == set() and answers.asked == []


def test_options_make_a_module_with_secrets_of_its_own(
    client: Client, answers: Answers, tmp_path: Path
) -> None:
    client("start")
    token = tmp_path / "token"
    token.write_text("geheim\n")
    client("probe", "add", "shop", URL, "--every", "5s", "--expect-code", "204", "--token-file", str(token))
    assert own(client) == {FILE, "own/blackbox/modules/shop.yml", "own/secrets/shop.token"}
    module = yaml.safe_load(client.in_use("blackbox", "blackbox.yml") or b"")["modules"]["shop"]["http"]
    assert module["valid_status_codes"] == [204]
    assert module["authorization"] == {"credentials_file": "/etc/stack/current/secrets/shop.token"}
    assert client.in_use("blackbox", "secrets/shop.token") == b"geheim"
    assert client("probe", "remove", "shop") == 0
    assert own(client) == set()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--basic-auth-file", "plain"], "plain: not of the form user:password"),
        (["--token-file", "nowhere"], "nowhere: No such file or directory"),
        (["--token-file", "empty"], "empty: it is empty"),
        (["--ca-file", "plain"], "plain: it holds no certificate"),
    ],
)
def test_a_file_that_cannot_be_meant_is_named(
    client: Client, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(client.home)
    Path("plain").write_text("text\n")
    Path("empty").write_text("\n")
    with pytest.raises(UsageError, match=said):
        client("probe", "add", "shop", URL, *options)


def test_a_file_of_that_name_is_never_overwritten(client: Client, answers: Answers) -> None:
    client("probe", "add", "shop", URL)
    before = (client.home / FILE).read_bytes()
    with pytest.raises(UsageError, match=f"shop is a job already: {FILE}:2: choose another name"):
        client("probe", "add", "shop", "tcp://db:1")
    assert (client.home / FILE).read_bytes() == before


def test_an_own_module_can_be_chosen(client: Client, answers: Answers) -> None:
    file = client.home / "own/blackbox/modules/mine.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"modules": {"mine": {"prober": "http"}}}')
    client("start")
    assert client("probe", "add", "shop", URL, "--module", "mine", "--every", "5s") == 0
    with pytest.raises(UsageError, match=r"there is no module yours: one of dns, .* mine, "):
        client("probe", "add", "other", URL, "--module", "yours")


def test_where_it_is_left_out_no_probe_is_added(client: Client, answers: Answers) -> None:
    client("start", "--without", "blackbox")
    with pytest.raises(UsageError, match="is left out: start --with blackbox"):
        client("probe", "add", "shop", URL)
    assert own(client) == set()
