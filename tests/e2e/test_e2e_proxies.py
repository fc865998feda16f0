"""A stack behind nginx and behind Caddy, as docs/proxy.md shows them: links, redirects, logins, one port for all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from stack.common.wait import NotYet, until
from stack.components import load
from stack.engine.docker import connect
from tests.e2e import proxies, servers
from tests.e2e.conftest import Make
from tests.e2e.hooks import Hooks, hooks
from tests.e2e.stack_command import PORTS, ROOT, Stack

pytestmark = pytest.mark.e2e

BASE, TLS, PLAIN = 28400, 28443, 28480
PUBLIC = f"https://{proxies.HOST}:{TLS}"
LOGIN = (proxies.USER, proxies.PASSWORD)
WATCHDOG = """\
matchers = ['alertname="Watchdog"']
group_wait = "0s"
repeat = "1m"
"""
TOML = f"""
[receivers.hook]
type = "webhook"
url_file = "own/secrets/hook"
{WATCHDOG}
[receivers.chat]
type = "slack"
url_file = "own/secrets/chat"
channel = "#ops"
{WATCHDOG}"""


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooks]:
    with hooks(tmp_path_factory.mktemp("hooks")) as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("proxy")
    proxies.authority(made)
    return made


@pytest.fixture(scope="module")
def stack(make_stack: Make, grafana_image: str, there: Hooks, folder: Path) -> Stack:
    made = make_stack(
        "e2e-proxied",
        BASE,
        STACK_GRAFANA="required",
        STACK_GRAFANA_IMAGE=grafana_image,
        STACK_PUBLIC_URL=f"{PUBLIC}/{{component}}",
        SSL_CERT_FILE=str(folder / "authority.pem"),
    )
    (made.home / "own/secrets").mkdir(parents=True)
    for name, path in (("chat", "/200/slack"), ("hook", "/200/hook")):
        (made.home / "own/secrets" / name).write_text(there.url(path) + "\n")
    (made.home / "stack.toml").write_text(TOML)
    ran = made.ok("start", "--quick")
    nobody = (
        f"warning   prometheus.public            {PUBLIC}/grafana: connection refused: nobody listens there"
    )
    assert nobody in ran.out, "no proxy runs yet"
    assert f"Grafana       {PUBLIC}/grafana " in ran.out and f"Prometheus    {PUBLIC}/prometheus" in ran.out
    return made


@pytest.fixture(scope="module", params=("nginx", "caddy"))
def proxy(request: pytest.FixtureRequest, stack: Stack, folder: Path) -> Iterator[str]:
    image = servers.image(connect(), load({}, environ={}, project=ROOT).cache)
    ports = {name: stack.base + number for number, name in enumerate(PORTS)}
    proxies.written(request.param, folder, TLS, PLAIN, ports)
    with proxies.running(request.param, image, folder, TLS):
        yield request.param


@pytest.fixture
def people(proxy: str, folder: Path) -> Iterator[requests.Session]:
    with proxies.asking(folder) as session:
        session.auth = LOGIN
        yield session


def links(there: Hooks) -> dict[str, str]:
    """Those of the first message about the alert that always fires, and the query that a webhook is told."""

    def heard() -> dict[str, str]:
        bodies = there.heard.bodies
        if "slack" not in bodies or "hook" not in bodies:
            raise NotYet("no message")
        text = str(bodies["slack"][0]["attachments"][0]["text"])
        return {
            **dict(re.findall(r"(\w+): (https?://\S+)", text)),
            "Query": bodies["hook"][0]["alerts"][0]["generatorURL"],
        }

    return until(heard, seconds=30)


def test_each_link_of_a_message_opens(people: requests.Session, there: Hooks) -> None:
    found = links(there)
    assert found.keys() == {"Runbook", "Dashboard", "Query", "Silence"}
    for name, link in found.items():
        assert link.startswith(f"{PUBLIC}/")
        people.auth = None if name == "Dashboard" else LOGIN  # Grafana has a login of its own
        answer = people.get(link, timeout=10)
        product = urlsplit(link).path.split("/")[1]
        assert answer.status_code == 200, f"{name}: {link}"
        assert answer.url.startswith(f"{PUBLIC}/{product}/"), f"{name} led to {answer.url}"


def test_redirects_stay_below_the_path(people: requests.Session) -> None:
    for path, place in {
        "/": "/grafana/",
        "/grafana": "/grafana/",
        "/prometheus": "/prometheus/",
        "/prometheus/": "/prometheus/query",
        "/prometheus/graph?g0.expr=up": "/prometheus/query?g0.expr=up",
    }.items():
        answer = people.get(PUBLIC + path, timeout=10, allow_redirects=False)
        assert answer.is_redirect, (path, answer.status_code)
        assert answer.headers["location"].removeprefix(PUBLIC) == place, path
    people.auth = None
    first = people.get(f"{PUBLIC}/grafana/", timeout=10, allow_redirects=False)
    assert first.headers["location"] == "/grafana/login"


@pytest.mark.parametrize(
    "path",
    [
        "/grafana/login",
        "/grafana/api/health",
        "/prometheus/query",
        "/prometheus/api/v1/query?query=up",
        "/prometheus/user/",
        "/alertmanager/",
        "/alertmanager/api/v2/status",
        "/app/health",
        "/app/docs",
        "/app/openapi.json",
    ],
)
def test_each_product_answers_below_its_path(people: requests.Session, path: str) -> None:
    people.auth = None if path.startswith("/grafana") else LOGIN
    answer = people.get(PUBLIC + path, timeout=10)
    assert answer.status_code == 200 and answer.url == PUBLIC + path


@pytest.mark.parametrize("path", ["/prometheus/query", "/alertmanager/", "/app/health"])
def test_what_has_no_login_has_that_of_the_proxy(people: requests.Session, path: str) -> None:
    people.auth = None
    assert people.get(PUBLIC + path, timeout=10).status_code == 401
    people.auth = (proxies.USER, "wrong")
    assert people.get(PUBLIC + path, timeout=10).status_code == 401


def test_a_form_of_the_application_may_be_sent(people: requests.Session) -> None:
    answer = people.post(
        f"{PUBLIC}/app/gates/path", json={"path": "a"}, headers={"Origin": PUBLIC}, timeout=10
    )
    assert answer.status_code == 200, answer.text


def test_plain_http_leads_to_tls(people: requests.Session) -> None:
    plain = f"http://{proxies.HOST}:{PLAIN}/grafana/"
    answer = people.get(plain, timeout=10, allow_redirects=False)
    assert answer.status_code in (301, 308)
    assert answer.headers["location"].startswith(f"https://{proxies.HOST}")


def test_the_products_know_their_addresses_and_what_answers_there_is_told(
    people: requests.Session, stack: Stack
) -> None:
    findings = {one["check"]: one for one in stack("smoke", "--quick", "--json").json()["findings"]}
    for name in ("prometheus", "alertmanager", "grafana"):
        assert findings[f"{name}.address"]["evidence"] == f"its address for people is {PUBLIC}/{name}"
    assert findings["app.address"]["status"] == "ok"
    told = findings["prometheus.public"]
    assert told["warnings"] == []
    assert f"{PUBLIC}/grafana answers" in told["evidence"]
    assert f"{PUBLIC}/prometheus asks for a login (401)" in told["evidence"]
