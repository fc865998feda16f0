"""What is said of each container of an engine: a target, one for an exporter, or why it is none."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.deploy.pages import pages
from stack.engine.interface import Ran
from stack.model.neighbours import Neighbour
from stack.model.spec import ConfigFile
from stack.targets.containers import Around, Place
from stack.targets.discovery import Found, judged, look, samples_in
from stack.targets.known import server_of
from tests.fakes.engine.memory import MemoryEngine

SHOP = Neighbour("a" * 64, "shop", "shop:1", ports=(8000, 9000), networks=(("front", ("shop", "web")),))
PAGE = '# HELP a A.\n# TYPE a counter\na{b="}"} 1\nb 2.5e-07\nc NaN\nd'


def seen(container: Neighbour, *scraped: str) -> Found:
    return look(container, Around((container,), "demo", frozenset({"app"})), scraped)


def test_exposed_ports_are_asked() -> None:
    found = seen(SHOP)
    assert [where.address for where in found.ask] == ["shop:8000", "shop:9000"]
    done = judged(found, [(found.ask[0], "<html>"), (found.ask[1], PAGE)])
    assert (done.verdict, done.command, done.samples) == ("metrics", "target add --container shop:9000", 3)
    assert done.place == Place("shop:9000", "front")


def test_a_container_without_metrics_says_where_was_looked() -> None:
    found = seen(SHOP)
    done = judged(found, [(where, "") for where in found.ask])
    assert done.verdict == "none" and done.words.startswith("no metrics at /metrics of ports 8000, 9000")


@pytest.mark.parametrize("status", ["401", "403"])
def test_one_that_wants_credentials_is_told_so(status: str) -> None:
    found = seen(replace(SHOP, ports=(8000,)))
    page = f"wget: server returned error: HTTP/1.0 {status} No\n"
    done = judged(found, [(found.ask[0], page)])
    assert (
        done.verdict == "none"
        and f"port 8000 answers {status}" in done.words
        and "--token-file" in done.words
    )


def labelled(container: Neighbour, **labels: str) -> Neighbour:
    return replace(container, labels=tuple((f"prometheus.io/{k}", v) for k, v in labels.items()))


def test_labels_decide() -> None:
    assert seen(labelled(SHOP, scrape="false")).verdict == "left out"
    (only,) = seen(labelled(SHOP, scrape="true", port="9100", path="m")).ask
    assert (only.address, only.path) == ("shop:9100", "m")


def test_what_is_scraped_already_is_named() -> None:
    assert seen(SHOP, "web:8000").words == "as web:8000" and seen(SHOP, "web:8000").verdict == "scraped"


def test_out_of_reach_and_without_a_port() -> None:
    assert seen(replace(SHOP, networks=())).verdict == "unreachable"
    assert seen(replace(SHOP, ports=())).verdict == "none"


@pytest.mark.parametrize(
    ("image", "command"),
    [
        ("postgres:16", "exporter add postgres shop --container shop"),
        (
            "registry.example:5000/bitnami/postgresql@sha256:abc",
            "exporter add postgres shop --container shop",
        ),
        ("redis", "exporter add redis shop --container shop"),
        ("mariadb:11", "exporter add mysql shop --container shop"),
        ("nginxinc/nginx-unprivileged:1", "exporter add nginx shop --container shop"),
        ("memcached:1.6-alpine", "exporter add memcached shop --container shop"),
        ("haproxy:3", "exporter add haproxy shop --container shop"),
    ],
)
def test_well_known_servers_are_not_asked_but_named(image: str, command: str) -> None:
    found = seen(replace(SHOP, image=image))
    assert (found.verdict, found.command, found.ask) == ("exporter", command, ())


def test_servers_without_an_exporter_of_ours() -> None:
    rabbit = seen(replace(SHOP, image="rabbitmq:3-management"))
    assert [where.address for where in rabbit.ask] == ["shop:15692"]
    assert "rabbitmq-plugins enable" in judged(rabbit, [(rabbit.ask[0], "")]).words
    assert judged(rabbit, [(rabbit.ask[0], PAGE)]).verdict == "metrics"
    assert "exporter in a container of its own" in seen(replace(SHOP, image="mongo:7")).words
    assert [w.address for w in seen(labelled(replace(SHOP, image="nginx"), port="9113")).ask] == ["shop:9113"]
    assert server_of("my/postgres-backup:1") is None


@pytest.mark.parametrize(
    ("page", "count"),
    [
        (PAGE, 3),
        ("a 1\nb 2\n", 2),
        ("", 0),
        ("<!doctype html>\n<p>a 1</p>\n", 0),
        ("hello\na 1\n", 0),
        ('{"a": 1}\n', 0),
        ("# TYPE a counter\n", 0),
        ("a 1", 0),
    ],
)
def test_pages(page: str, count: int) -> None:
    assert samples_in(page) == count


def test_one_container_a_network_asks_for_all_pages() -> None:
    asked: list[tuple[str, ...]] = []

    def program(argv: tuple[str, ...], files: dict[str, ConfigFile]) -> Ran:
        del files
        asked.append(argv)
        urls = argv[3:]
        return Ran(0, "".join(f"----- page of {n}\n{url} 1\n" for n, url in enumerate(urls)))

    engine = MemoryEngine(program=program)
    engine.hold("p:1")
    engine.create_network("demo")
    engine.foreign_network("front")
    front = [Place(f"a{n}:1", "front") for n in range(12)]
    found = pages(engine, "demo", "p:1", [*front, Place("b:2", "", "/m", "https")])
    assert len(asked) == 2 and len(found) == 13
    assert (
        found[front[11]] == "http://a11:1/metrics 1\n"
        and found[Place("b:2", "", "/m", "https")] == "https://b:2/m 1\n"
    )
    script = next(argv[2] for argv in asked if len(argv) > 4)
    assert '"${11}"' in script, "a shell takes $11 for $1 and a 1"
