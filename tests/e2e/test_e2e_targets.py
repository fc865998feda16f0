"""Services of a person's own on a real engine: added by container, by host and by discovery, kept through a new
Prometheus, refused with the reason, removed. The example of docs/instrument.md is the first of them.
"""

from __future__ import annotations

import io
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import docker
import pytest
import requests

from stack.common.wait import NotYet, until
from tests.compose import Compose, compose_binary
from tests.e2e.conftest import Make
from tests.e2e.stack_command import ROOT, Stack

pytestmark = pytest.mark.e2e
NAME, BASE, SHOP_PORT = "e2e-targets", 28700, 28790
NETWORK, ODD = f"{NAME}-front", f"{NAME}-odd"
EXAMPLE = ROOT / "examples" / "python-service"
IMAGE = "e2e-python-service"
TOKEN = "geheim"
GUARDED = f"""
import http.server
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = self.path == "/open" or self.headers.get("Authorization") == "Bearer {TOKEN}"
        body = b"odd_up 1\\n" if good else b"no"
        self.send_response(200 if good else 401)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Page).serve_forever()
"""


def built(base: str) -> None:
    """The example's image, of the application's own: no registry and no package index is needed."""
    text = f"FROM {base}\nCOPY service.py /srv/\nWORKDIR /srv\nENTRYPOINT {_entrypoint()}\n"
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        tar.add(EXAMPLE / "service.py", "service.py")
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text.encode()))
    context.seek(0)
    docker.from_env().images.build(fileobj=context, custom_context=True, tag=IMAGE, rm=True)


def _entrypoint() -> str:
    """That of the Dockerfile which users build."""
    lines = (EXAMPLE / "Dockerfile").read_text().splitlines()
    return next(line.removeprefix("ENTRYPOINT ") for line in lines if line.startswith("ENTRYPOINT "))


@pytest.fixture(scope="module")
def shop(image_of: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example, brought up by its compose file; its address."""
    built(image_of("app"))
    cache = ROOT / ".stack" / "cache"
    variables = {"SHOP_IMAGE": IMAGE, "SHOP_PORT": str(SHOP_PORT), "COMPOSE_PROJECT_NAME": NAME}
    compose = Compose(compose_binary(cache), EXAMPLE / "compose.yml", variables)
    try:
        up = compose("up", "-d", "--no-build")
        assert up.returncode == 0, up.stderr
        yield f"http://127.0.0.1:{SHOP_PORT}"
    finally:
        compose("down", "--timeout", "1")
        docker.from_env().images.remove(IMAGE, force=True)


@pytest.fixture(scope="module")
def odd(image_of: Callable[[str], str]) -> Iterator[str]:
    """A container on a network of its own that asks for a token."""
    client = docker.from_env()
    network = client.networks.create(NETWORK)
    marks = {"prometheus.io/port": "8000", "prometheus.io/path": "/open"}
    command: dict[str, Any] = {"entrypoint": ["python3", "-c", GUARDED], "network": NETWORK, "labels": marks}
    container = client.containers.run(image_of("python"), name=ODD, detach=True, **command)
    yield ODD
    container.remove(force=True)
    network.remove()


@pytest.fixture(scope="module")
def stack(make_stack: Make, shop: str, odd: str) -> Iterator[Stack]:
    """A stack that runs, without the demo; it leaves the networks of others before they go."""
    del shop, odd
    made = make_stack(NAME, BASE, STACK_GRAFANA="off", STACK_COMPONENTS="app=off,node_exporter=off")
    rules = made.home / "own/prometheus/rules"
    rules.mkdir(parents=True)
    shutil.copy(EXAMPLE / "rules.yml", rules / "shop.yml")
    made.ok("start", "--no-smoke")
    yield made
    made.away()


def networks(stack: Stack) -> set[str]:
    return set(stack.inspect()["prometheus"]["NetworkSettings"]["Networks"])


def files(stack: Stack) -> list[str]:
    own = stack.home / "own"
    return sorted(str(p.relative_to(own)) for p in own.rglob("*") if p.is_file())


def test_the_example_is_scraped_with_one_command(stack: Stack, shop: str) -> None:
    told = stack.ok("target", "add", "shop", "--container", "shop", "--interval", "1s", "--json").json()
    (target,) = told["targets"]
    assert told["applied"] and target["health"] == "up" and target["samples"] > 10
    assert networks(stack) == {NAME, f"{NAME}_default"}
    for item in ("tea", "nothing"):
        requests.post(f"{shop}/orders/{item}", timeout=5)

    def counted() -> None:
        if stack.query("sum(shop_orders_total) == 2") != [2.0]:
            raise NotYet("the orders are not scraped yet")

    until(counted, seconds=15)
    board = stack.ok("dashboard", "generate", "shop", "--json").json()
    assert board["applied"] and board["counts"]["data"] > 5 and not board["counts"]["wrong"]


def test_the_example_is_watched_from_outside_on_its_network(stack: Stack) -> None:
    ran = stack.ok("probe", "add", "front", "/metrics", "--container", "shop:8000", "--every", "1s")
    assert "front succeeds (HTTP 200" in ran.out
    assert set(stack.inspect()["blackbox"]["NetworkSettings"]["Networks"]) == {NAME, f"{NAME}_default"}
    stack.ok("probe", "remove", "front")
    assert "blackbox" not in stack.inspect()


def test_discovery_finds_and_adds_what_answers(stack: Stack, odd: str) -> None:
    found = {
        one["container"]: one for one in stack.ok("target", "discover", "--apply", "--json").json()["found"]
    }
    assert found[odd]["verdict"] == "metrics" and found[f"{NAME}-shop-1"]["verdict"] == "scraped"
    assert NETWORK in networks(stack)


def test_a_container_that_asks_for_a_token_is_refused_without_and_added_with_it(
    stack: Stack, odd: str
) -> None:
    before, given = files(stack), ("--path", "/metrics", "--interval", "1s")
    ran = stack("target", "add", "guarded", "--container", odd, *given)
    assert ran.code == 6 and "wants credentials" in ran.err and "--token-file" in ran.err
    assert "nothing was changed" in ran.err and files(stack) == before
    assert stack.ok("plan", "--json").json()["plan"] == []
    (stack.home / "token").write_text(f"{TOKEN}\n")
    stack.ok("target", "add", "guarded", "--container", odd, "--token-file", "token", *given)
    assert (stack.home / "own/secrets/guarded.token").stat().st_mode & 0o777 == 0o600


@pytest.fixture(scope="module")
def machine() -> Iterator[int]:
    """A service outside any container; its port."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(b"machine_up 1\n")

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    with ThreadingHTTPServer(("0.0.0.0", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_service_of_the_machine_itself(stack: Stack, machine: int) -> None:
    told = stack.ok("target", "add", "machine", "--host", str(machine), "--interval", "1s", "--json").json()
    assert told["targets"][0]["samples"] == 1


def test_all_is_kept_with_a_new_prometheus_and_a_network_is_left_with_its_last_target(
    stack: Stack, odd: str, machine: int
) -> None:
    del machine
    docker.from_env().containers.get(f"{NAME}-prometheus").remove(force=True)
    stack.ok("start", "--no-smoke")
    assert networks(stack) == {NAME, f"{NAME}_default", NETWORK}

    def all_up() -> None:
        rows = stack.ok("target", "list", "--json").json()["targets"]
        if any(row["health"] != "up" for row in rows):
            raise NotYet(str(rows))
        assert {row["job"] for row in rows if row["own"]} == {"shop", odd, "guarded", "machine"}

    until(all_up, seconds=30, every=0.5)
    stack.ok("target", "remove", "shop")
    assert networks(stack) == {NAME, NETWORK}
