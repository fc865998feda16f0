"""target add, list, remove and discover: one job in a file of the user's own, and nothing where it does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks.context import CheckContext
from stack.common.errors import ConfigurationInvalid, SmokeFailed, StackError, UsageError
from stack.common.yaml_text import load_yaml
from stack.deploy.describe import Description
from stack.engine.interface import Engine, Ran
from stack.model.spec import ConfigFile
from tests.loopback import Asked, Reply, Routes, serve
from tests.scenarios.commands import NAME, Client, Said
from tests.unit.checks.fake_stack import data

FOLDER = "own/prometheus/scrape"
PROMETHEUS = f"{NAME}-prometheus"


class Scraping:
    """Prometheus as it answers about the jobs of the files it was given; ``errors``: what is wrong with a job."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.errors: dict[str, str] = {}
        self.samples = "3"
        self.rejections = 0
        self.unstored = ""

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs in the files that are in use."""
        found: list[dict[str, Any]] = []
        tree = self.client.engine.volumes[f"{PROMETHEUS}-config"]
        for path, content in tree.contents().items():
            version, _, name = path.partition("/")
            if version == tree.links.get("current") and name.startswith("scrape/"):
                found += load_yaml(content)["scrape_configs"]
        return found

    def targets(self, asked: Asked) -> Reply:
        """``GET /api/v1/targets``."""
        del asked
        return data({"activeTargets": [self._target(job, a) for job in self.jobs() for a in addresses(job)]})

    def _target(self, job: dict[str, Any], address: str) -> dict[str, Any]:
        name = job["job_name"]
        error = self.errors.get(name, "")
        return {
            "scrapePool": name,
            "labels": {"job": name, "instance": address},
            "discoveredLabels": {"__address__": address},
            "health": "down" if error else "up",
            "lastError": error,
            "scrapeUrl": f"http://{address}/metrics",
            "lastScrape": "2026-01-01T00:00:00Z",
        }

    def metrics(self, asked: Asked) -> Reply:
        """``GET /metrics``: how much it has rejected since it started."""
        del asked
        return 200, f"prometheus_target_scrapes_sample_out_of_bounds_total {self.rejections}\n"

    def query(self, asked: Asked) -> Reply:
        """So many samples of each target; none was rejected earlier, and of one job none is stored."""
        expr = asked.params["query"]
        if expr == "time()":
            return data({"resultType": "scalar", "result": [1, "1767225601"]})
        if " offset " in expr:
            return data({"resultType": "vector", "result": []})
        found = [
            {"metric": {"job": job["job_name"], "instance": a}, "value": [1, self.samples]}
            for job in self.jobs()
            for a in addresses(job)
            if not (expr.startswith("count by (job, instance)") and job["job_name"] == self.unstored)
        ]
        return data({"resultType": "vector", "result": found})


def addresses(job: dict[str, Any]) -> list[str]:
    return [a for group in job.get("static_configs") or () for a in group["targets"]]


@pytest.fixture
def scraping(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scraping]:
    """A started stack whose Prometheus answers."""
    assert client("start") == 0
    told = Scraping(client)
    routes: Routes = {
        "GET /api/v1/targets": told.targets,
        "POST /api/v1/query": told.query,
        "GET /metrics": told.metrics,
    }
    with serve(routes) as address:

        def asked(engine: Engine, description: Description) -> CheckContext:
            del engine
            expected = description.expectations(remote=False, now=0.0)
            return CheckContext(replace(expected, addresses=(("prometheus", address),)))

        monkeypatch.setattr("stack.deploy.asking.context_of", asked)
        monkeypatch.setattr("stack.cli.target_list.context_of", asked)
        yield told


@pytest.fixture
def running(client: Client, scraping: Scraping) -> Client:
    del scraping
    return client


def document(said: Said) -> dict[str, Any]:
    (told,) = said.documents
    return dict(told)


def own(client: Client) -> list[str]:
    """All files of the user's own."""
    top = client.home / "own"
    return sorted(str(p.relative_to(top)) for p in top.rglob("*") if p.is_file()) if top.exists() else []


def refused(client: Client, *words: str) -> StackError:
    before = own(client)
    with pytest.raises(StackError) as caught:
        client("target", *words)
    assert own(client) == before and client.plan() == []
    return caught.value


def test_an_address_is_added_proven_and_removed(running: Client) -> None:
    ids = running.ids()
    code, said = running.run(
        "target", "add", "shop", "shop:8000", "http://b:1/", "--label", "team=a", "--interval", "9s"
    )
    told = document(said)
    assert code == 0 and told["applied"] and told["file"] == f"{FOLDER}/shop.yml"
    assert [(t["instance"], t["samples"]) for t in told["targets"]] == [("shop:8000", 3), ("b:1", 3)]
    assert own(running) == ["prometheus/scrape/shop.yml"] and running.plan() == [] and running.ids() == ids
    assert "already: own/prometheus/scrape/shop.yml:2" in refused(running, "add", "shop", "c:1").message
    told = document(running.run("target", "remove", "shop")[1])
    assert told["applied"] and not told["file_left"] and own(running) == [] and running.plan() == []


def test_what_does_not_answer_is_not_kept(running: Client, scraping: Scraping) -> None:
    scraping.errors["shop"] = (
        'received unsupported Content-Type "application/json" and no fallback_scrape_protocol'
    )
    error = refused(running, "add", "shop", "shop:8000")
    assert isinstance(error, SmokeFailed) and "shop shop:8000 is down" in error.message
    assert "--set fallback_scrape_protocol=PrometheusText0.0.4" in error.hint
    assert error.hint.endswith("nothing was changed")


@pytest.mark.parametrize(
    ("sentence", "option"),
    [
        ("server returned HTTP status 401 Unauthorized", "--token-file FILE or --basic-auth-file FILE"),
        ("server returned HTTP status 404 Not Found", "set --path"),
        ("x509: certificate signed by unknown authority", "give --ca-file FILE"),
        ("context deadline exceeded", "--timeout, at most --interval"),
        ("http: server gave HTTP response to HTTPS client", "leave out --scheme https"),
    ],
)
def test_remedies_are_options(running: Client, scraping: Scraping, sentence: str, option: str) -> None:
    scraping.errors["shop"] = sentence
    assert option in refused(running, "add", "shop", "shop:8000").hint


def test_a_container_and_its_network(running: Client) -> None:
    running.engine.foreign_network("front")
    running.engine.neighbour("web-1", "front", ports=(8000,))
    told = document(running.run("target", "add", "--container", "web-1")[1])
    assert told["job"] == "web-1" and told["targets"][0]["instance"] == "web-1:8000"
    prometheus = running.observed.container("prometheus")
    assert prometheus is not None and prometheus.joined == ("front",)
    assert '__network__: "front"' in (running.home / FOLDER / "web-1.yml").read_text()
    running.engine.remove(PROMETHEUS)
    assert running("start") == 0
    again = running.observed.container("prometheus")
    assert again is not None and again.id != prometheus.id and again.joined == ("front",)
    assert running("target", "remove", "web-1") == 0
    left = running.observed.container("prometheus")
    assert left is not None and left.joined == ()


def test_a_network_on_which_somebody_else_is_alertmanager_is_not_joined(running: Client) -> None:
    running.engine.foreign_network("front")
    running.engine.neighbour("web-1", "front", ports=(8000,))
    running.engine.neighbour("prometheus", "front", ports=(9090,))
    assert running("target", "add", "--container", "web-1") == 0, "nobody of ours asks for that name"
    running.engine.neighbour("alertmanager", "front", ports=(9093,))
    assert "is known as alertmanager" in refused(running, "add", "--container", "prometheus").message


def test_a_name_that_only_a_container_elsewhere_has_is_told(running: Client, scraping: Scraping) -> None:
    running.engine.foreign_network("front")
    running.engine.neighbour("web-1", "front", ports=(8000,))
    scraping.errors["web"] = "dial tcp: lookup web-1 on 127.0.0.11:53: no such host"
    assert "target add web --container web-1:8000" in refused(running, "add", "web", "web-1:8000").hint


def test_the_name_that_a_redirect_leads_to_is_not_that_of_the_target(
    running: Client, scraping: Scraping
) -> None:
    running.engine.foreign_network("front")
    running.engine.neighbour("web-1", "front", ports=(8000,))
    scraping.errors["web"] = 'Get "http://login:9/": dial tcp: lookup login on 127.0.0.11:53: no such host'
    error = refused(running, "add", "web", "web-1:8000")
    assert "the name login is unknown" in error.message and "to where web-1:8000 redirects" in error.message
    assert "--container" not in error.hint


def test_a_target_without_samples_has_its_word_in_the_list(running: Client, scraping: Scraping) -> None:
    assert running("target", "add", "shop", "shop:8000") == 0

    def faults() -> dict[str, str]:
        return {t["job"]: t["fault"] for t in document(running.run("target", "list")[1])["targets"]}

    assert not any(faults().values())
    scraping.samples = "0"
    assert faults()["shop"] == (
        "its page has no samples, or metric_relabel_configs drop all: own/prometheus/scrape/shop.yml:2"
    )


def test_a_target_whose_samples_are_kept_and_not_stored_has_its_word_in_the_list(
    running: Client, scraping: Scraping
) -> None:
    assert running("target", "add", "shop", "shop:8000") == 0
    assert running("target", "add", "far", "far:9", "--set", "honor_labels=true") == 0

    def told(unstored: str, rejections: int) -> dict[str, Any]:
        scraping.unstored, scraping.rejections = unstored, rejections
        rows = document(running.run("target", "list")[1])["targets"]
        assert not any(row["fault"] for row in rows if row["job"] != "shop")
        return next(row for row in rows if row["job"] == "shop")

    assert (told("shop", 0)["fault"], told("", 3)["fault"]) == ("", "")
    assert told("far", 3)["fault"] == "", "its series bear other names"
    row = told("shop", 3)
    assert row["samples"] == 0 and row["fault"].startswith("none of its 3 samples is stored: they repeat")
    assert row["fault"].endswith("a series must stand on its page once")
    assert "own/prometheus/scrape/shop.yml:2: honor_timestamps: false" in row["fault"]


def test_a_port_of_the_machine(running: Client) -> None:
    told = document(running.run("target", "add", "--host", "9000")[1])
    assert told["job"] == "host-9000" and told["targets"][0]["instance"] == "host.docker.internal:9000"


def test_a_token_has_no_kind_before_it(running: Client) -> None:
    (running.home / "token").write_text("Bearer geheim\n")
    error = refused(running, "add", "a", "a:1", "--token-file", str(running.home / "token"))
    assert "it begins with Bearer" in error.message and "geheim" not in error.message


def test_an_address_that_is_given_twice_is_one(running: Client) -> None:
    assert running("target", "add", "a", "a:1", "a:1") == 0
    (job,) = load_yaml((running.home / FOLDER / "a.yml").read_text())["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["a:1"]}]


def test_secrets_are_copied_delivered_and_go_with_the_job(running: Client) -> None:
    token = running.home / "token"
    token.write_text("geheim\n")
    login = running.home / "login"
    login.write_text("me:word:with:colons\n")
    assert running("target", "add", "a", "a:1", "--token-file", str(token)) == 0
    assert running("target", "add", "b", "b:1", "--basic-auth-file", str(login)) == 0
    for name, text in (("a.token", b"geheim"), ("b.password", b"word:with:colons")):
        file = running.home / "own/secrets" / name
        assert file.stat().st_mode & 0o777 == 0o600
        assert running.in_use("prometheus", f"secrets/{name}") == text
    assert running("target", "remove", "a") == 0
    assert own(running) == ["prometheus/scrape/b.yml", "secrets/b.password"]


@pytest.mark.parametrize("content", ["", "\n", "two\nlines\n", "ü\n"])
def test_a_secret_that_is_none_is_refused_without_its_text(running: Client, content: str) -> None:
    token = running.home / "token"
    token.write_text(content)
    error = refused(running, "add", "a", "a:1", "--token-file", str(token))
    assert isinstance(error, UsageError) and "lines" not in str(error).replace("one line", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add",), "a target has a name and an address"),
        (("add", "shop"), "a target has a name and an address"),
        (("add", "shop", "localhost:1"), "Prometheus' own container"),
        (("add", "a/b", "x:1"), "cannot name a target"),
        (("add", "a", "x:1", "--label", "__network__=y"), "cannot be the name of a label"),
        (("add", "a", "x:1", "--network", "y"), "--network chooses"),
        (("add", "a", "--host", "1", "--container", "c"), "two ways"),
        (("add", "a", "x:1", "--host", "1"), "one of them"),
        (("add", "a", "http://x:1/m", "http://x:2/n"), "one scheme and one path"),
        (("add", "node", "x:1"), "is a job already: prometheus/scrape/node_exporter.yml:2"),
        (("add", "a", "x:1", "--ca-file", "/nowhere"), "No such file"),
        (("add", "a", "http://x:1/m", "--path", "/n"), "--path /n: the address says /m"),
        (("add", "a", "https://x", "--scheme", "http"), "--scheme http: the address says https"),
        (("add", "a", "x:1", "--path", "http://x/m"), "--path http://x/m: that is a whole URL"),
        (("add", "a", "x:1", "--set", "job_name=b"), "job_name has its own option"),
        (
            ("add", "a", "x:1", "--set", "sample_limit=1", "--set", "sample_limit=2"),
            "sample_limit is given twice",
        ),
        (("add", "a", "x:1", "--label", "b=1", "--label", "b=1"), "--label: b is given twice"),
        (("add", "a", "x:1", "--insecure-skip-verify", "--set", "tls_config={}"), "--set tls_config: "),
        (("remove", "node"), "is a job of the bundle"),
        (("remove", "nobody"), "there is no target nobody"),
        (("add", "--container", "nobody"), "there is no container nobody"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(running: Client, words: tuple[str, ...], said: str) -> None:
    error = refused(running, *words)
    assert isinstance(error, UsageError) and said in error.message


def test_what_prometheus_would_refuse_changes_nothing(running: Client) -> None:
    error = refused(running, "add", "a", "x:1", "--set", "basic_auth={password_file: own/secrets/none}")
    assert isinstance(error, ConfigurationInvalid) and f"{FOLDER}/a.yml" in error.message


def test_a_dry_run_shows_the_plan(running: Client) -> None:
    running.engine.foreign_network("front")
    running.engine.neighbour("web-1", "front", ports=(8000,))
    told = document(running.run("target", "add", "--container", "web-1", "--dry-run")[1])
    assert {step["verb"] for step in told["plan"]} >= {"join network", "write files", "reload"}
    assert own(running) == []


def test_without_a_stack_the_file_is_written_for_a_start(client: Client) -> None:
    told = document(client.run("target", "add", "shop", "shop:8000")[1])
    assert not told["applied"] and own(client) == ["prometheus/scrape/shop.yml"]


def test_others_lines_stay(running: Client) -> None:
    file = running.home / FOLDER / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("# mine\nscrape_configs:\n  - job_name: a  # one\n  - job_name: b\n")
    assert running("reload") == 0
    told = document(running.run("target", "remove", "b")[1])
    assert told["file_left"] and file.read_text() == "# mine\nscrape_configs:\n  - job_name: a  # one\n"


def test_the_list_has_own_and_shipped_jobs_with_their_faults(running: Client, scraping: Scraping) -> None:
    assert running("target", "add", "shop", "shop:8000") == 0
    scraping.errors["shop"] = "connect: connection refused"
    told = document(running.run("target", "list")[1])
    first, *rest = told["targets"]
    assert (first["job"], first["health"], first["own"], first["samples"]) == ("shop", "down", True, 3)
    assert first["place"] == f"{FOLDER}/shop.yml:2" and first["fault"].startswith(
        "nobody listens on shop:8000: "
    )
    assert {row["job"]: row["health"] for row in rest}["node"] == "up" and not any(row["own"] for row in rest)


def page(argv: tuple[str, ...], files: dict[str, ConfigFile]) -> Ran:
    """Who answers at /metrics: web-1 does."""
    del files
    parts = [
        f"----- page of {n}\n{'up_to 1' if 'web-1' in url else '<p>'}\n" for n, url in enumerate(argv[3:])
    ]
    return Ran(0, "".join(parts))


@pytest.fixture
def engine_with_others(running: Client) -> Client:
    running.engine.foreign_network("front")
    for name, port in (("web-1", 8000), ("web-2", 8000), ("page", 80)):
        running.engine.neighbour(name, "front", ports=(port,))
    running.engine.neighbour("postgres", "front", ports=(5432,))
    running.engine.neighbour("lone", ports=(80,))
    running.engine.program = page
    return running


def verdicts(told: dict[str, Any]) -> dict[str, str]:
    return {one["container"]: one["verdict"] for one in told["found"]}


def test_discovery_says_what_could_be_added_and_why_not(engine_with_others: Client) -> None:
    told = document(engine_with_others.run("target", "discover")[1])
    assert verdicts(told) == {
        "web-1": "metrics",
        "postgres": "exporter",
        "lone": "unreachable",
        "page": "none",
        "web-2": "none",
    }
    assert told["added"] == [] and own(engine_with_others) == []
    assert told["found"][0]["command"] == "target add --container web-1:8000"


def test_a_server_that_an_exporter_watches_already_is_told_so(engine_with_others: Client) -> None:
    file = engine_with_others.home / "own/exporters/postgres/main.toml"
    file.parent.mkdir(parents=True)
    file.write_text('address = "postgres:5432"\n')
    (one,) = (
        one
        for one in document(engine_with_others.run("target", "discover")[1])["found"]
        if one["container"] == "postgres"
    )
    assert one["verdict"] == "scraped" and one["words"].endswith("own/exporters/postgres/main.toml")


def test_discovery_does_not_judge_what_nobody_asked(engine_with_others: Client) -> None:
    engine_with_others.engine.program = lambda argv, files: Ran(127, "")
    (*_, last) = document(engine_with_others.run("target", "discover")[1])["found"]
    assert last["verdict"] == "unknown" and "nobody could ask it" in last["words"]


def test_discovery_adds_what_answers(engine_with_others: Client) -> None:
    told = document(engine_with_others.run("target", "discover", "--apply")[1])
    assert told["added"] == ["web-1"] and own(engine_with_others) == ["prometheus/scrape/web-1.yml"]
    assert verdicts(document(engine_with_others.run("target", "discover")[1]))["web-1"] == "scraped"


def test_discovery_adds_the_others_where_one_does_not_hold(
    engine_with_others: Client, scraping: Scraping
) -> None:
    def both(argv: tuple[str, ...], files: dict[str, ConfigFile]) -> Ran:
        del files
        return Ran(0, "".join(f"----- page of {n}\na 1\n" for n, _ in enumerate(argv[3:])))

    engine_with_others.engine.program = both
    scraping.errors["web-2"] = "sample limit exceeded"
    with pytest.raises(SmokeFailed, match=r"not added: web-2: .*sample_limit"):
        engine_with_others("target", "discover", "--apply")
    assert own(engine_with_others) == ["prometheus/scrape/page.yml", "prometheus/scrape/web-1.yml"]
    assert engine_with_others.plan() == []


def test_a_file_of_the_same_name_without_the_job_stays(running: Client) -> None:
    file = Path(running.home / FOLDER / "shop.yml")
    file.parent.mkdir(parents=True)
    file.write_text("scrape_configs: []\n")
    assert document(running.run("target", "add", "shop", "shop:1")[1])["file"] == f"{FOLDER}/shop-2.yml"
