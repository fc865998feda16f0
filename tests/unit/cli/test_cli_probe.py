"""What a probe is asked how, what is written for it, what goes with it, and how it is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from stack.cli.own_change import OwnFile
from stack.cli.probe_files import Wish, aimed, checked, files_of, module_text
from stack.cli.probe_list import Row, rows
from stack.cli.probe_removal import removal
from stack.cli.target_secrets import Given
from stack.common.errors import UsageError
from stack.components.blackbox import merged, shipped
from stack.components.probes import ProbeJob, needed, probe_jobs
from stack.model.spec import ConfigFile

SHOP = Wish("shop", "https://shop.example/health", "http_2xx")
PATH = "own/prometheus/scrape/shop.yml"


@pytest.mark.parametrize(
    ("url", "module", "found"),
    [
        ("https://shop/a?b=1", "", ("https://shop/a?b=1", "http_2xx", "")),
        ("http://shop:8080", "http_post_2xx", ("http://shop:8080", "http_post_2xx", "")),
        ("shop/a", "http_2xx", ("http://shop/a", "http_2xx", "")),
        ("tcp://db:5432", "", ("db:5432", "tcp", "")),
        ("tcp://db:5432", "tls", ("db:5432", "tls", "")),
        ("tls://shop", "", ("shop:443", "tls", "")),
        ("tls://[fd00::1]:8443", "", ("[fd00::1]:8443", "tls", "")),
        ("dns://9.9.9.9", "", ("9.9.9.9", "dns", "")),
        ("dns://ns:5353/shop.example", "", ("ns:5353", "dns", "shop.example")),
        ("icmp://shop", "", ("shop", "icmp", "")),
        ("ping://shop", "", ("shop", "icmp", "")),
        ("icmp://fd00::1", "", ("fd00::1", "icmp", "")),
        ("icmp://[fd00::1]", "", ("fd00::1", "icmp", "")),
        ("fd00::1", "icmp", ("fd00::1", "icmp", "")),
        ("tls://fd00::1", "", ("[fd00::1]:443", "tls", "")),
        ("http://fd00::1/a", "", ("http://[fd00::1]/a", "http_2xx", "")),
        ("dns://fd00::1/shop.example", "", ("fd00::1", "dns", "shop.example")),
        ("dns://[fd00::1]:5353", "", ("[fd00::1]:5353", "dns", "")),
        ("https://shop/", "mine", ("https://shop/", "mine", "")),
        ("shop:1", "mine", ("shop:1", "mine", "")),
        (" HTTPS://Shop/A ", "", ("https://Shop/A", "http_2xx", "")),
        ("https://bücher.example/", "", ("https://bücher.example/", "http_2xx", "")),
    ],
)
def test_a_url_says_how_it_is_asked(url: str, module: str, found: tuple[str, str, str]) -> None:
    assert aimed(url, module) == found


@pytest.mark.parametrize(
    ("url", "module", "message"),
    [
        ("shop", "", "shop: how should it be asked?: begin with http://"),
        ("ftp://shop", "", "ftp://shop: nobody asks ftp://"),
        ("http://", "", "http://: no host"),
        ("tcp://db", "", "db: which port?: write db:PORT"),
        ("tcp://db:99999", "", "tcp://db:99999: port out of range 0-65535: HOST, HOST:PORT"),
        ("http://shop:abc/", "", "http://shop:abc/: the port is no number: HOST, HOST:PORT or [IPv6]:PORT"),
        ("fd00::1:8443x", "tcp", "fd00::1:8443x: the port is no number: HOST, HOST:PORT or [IPv6]:PORT"),
        ("::1", "icmp", "::1 is the container of blackbox_exporter itself"),
        ("http://[fd00::1/", "", "http://[fd00::1/: invalid ipv6 url"),
        (
            "http://me:geheim@shop/",
            "",
            "http://...@shop: user and password in a URL: leave them out: --basic-auth",
        ),
        ("http://shop/a b", "", "a URL has no spaces"),
        ("http://shop\n/", "", "a URL has no spaces"),
        ("tls://shop:", "", "tls://shop:: no port"),
        ("tcp://db:1/x", "", "tcp://db:1/x: tcp knows no path: write tcp://db:1"),
        ("http://0.0.0.0:1/", "", "0.0.0.0 is the container of blackbox_exporter itself"),
        ("icmp://db:1", "", "db:1: a ping knows no port"),
        ("http://shop", "tcp", "http://shop: the module tcp does not ask so"),
        (
            "http://localhost:8000/",
            "",
            "localhost is the container of blackbox_exporter itself: --host PORT is",
        ),
        ("tcp://127.0.0.1:5432", "", "127.0.0.1 is the container of blackbox_exporter itself"),
        ("[::1]:1", "tcp", "::1 is the container of blackbox_exporter itself"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_with_the_remedy(url: str, module: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        aimed(url, module)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "-a"}, "-a: no name for a probe"),
        ({"name": "a b"}, "a b: no name for a probe"),
        (
            {"module": "nosuch"},
            "there is no module nosuch: one of dns, http_2xx, http_post_2xx, icmp, mine, tcp, tls",
        ),
        ({"every": "soon"}, "--every soon: no duration: like 30s"),
        ({"every": "5m"}, "--every 5m: too rare"),
        ({"every": "500ms"}, "--every 500ms: too often"),
        ({"module": "tcp", "codes": (200,)}, "--expect-code says nothing to the module tcp"),
        (
            {"module": "tcp", "given": Given(authority="own/secrets/a")},
            "--ca-file says nothing to the module tcp",
        ),
        ({"query_name": "a"}, "--query-name says nothing to the module http_2xx"),
        ({"module": "icmp", "contains": "a"}, "--contains says nothing to the module icmp"),
        (
            {"module": "mine", "insecure": True},
            "the module mine is yours: change it in own/blackbox/modules/a.yml",
        ),
    ],
)
def test_a_wish_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as error:
        checked(replace(SHOP, **changes), {"mine": "own/blackbox/modules/a.yml"})
    assert str(error.value).startswith(message)


def test_a_plain_probe_is_one_file_that_a_person_could_have_written() -> None:
    (file,) = files_of(checked(SHOP, {}))
    assert file.path == PATH and file.content
    (job,) = yaml.safe_load(file.content)["scrape_configs"]
    assert (job["job_name"], job["params"], job["metrics_path"]) == (
        "shop",
        {"module": ["http_2xx"]},
        "/probe",
    )
    assert (job["scrape_interval"], job["scrape_timeout"]) == ("30s", "10s")
    assert job["relabel_configs"][-1] == {"target_label": "__address__", "replacement": "blackbox:9115"}
    tree = {PATH: file.content}
    assert needed(tree)
    assert probe_jobs(tree) == (ProbeJob("shop", "http_2xx", (SHOP.target,), "30s", PATH),)


@pytest.mark.parametrize(("every", "timeout"), [("5s", "5s"), ("1m", "10s"), ("1s", "1s")])
def test_a_probe_has_ended_before_the_next(every: str, timeout: str) -> None:
    (file,) = files_of(replace(SHOP, every=every))
    (job,) = yaml.safe_load(file.content or b"")["scrape_configs"]
    assert job["scrape_timeout"] == timeout


def test_what_is_asked_for_beyond_it_is_a_module_of_its_own() -> None:
    given = Given(user="alice", password="own/secrets/shop.password", authority="own/secrets/shop.ca.pem")
    wish = replace(SHOP, codes=(200, 204), contains="a (b)?", insecure=True, given=given)
    scrape, module = files_of(checked(wish, {}))
    assert b'module: ["shop"]' in (scrape.content or b"")
    assert module.path == "own/blackbox/modules/shop.yml"
    assert yaml.safe_load(module.content or b"")["modules"] == {
        "shop": {
            "prober": "http",
            "http": {
                "preferred_ip_protocol": "ip4",
                "valid_status_codes": [200, 204],
                "fail_if_body_not_matches_regexp": [r"a \(b\)\?"],
                "basic_auth": {"username": "alice", "password_file": "own/secrets/shop.password"},
                "tls_config": {"ca_file": "own/secrets/shop.ca.pem", "insecure_skip_verify": True},
            },
        }
    }


def test_a_name_server_is_asked_for_a_name() -> None:
    text = module_text(Wish("ns", "9.9.9.9", "dns", query_name="shop.example"))
    assert yaml.safe_load(text)["modules"]["ns"]["dns"] == {
        "preferred_ip_protocol": "ip4",
        "query_name": "shop.example",
        "query_type": "A",
    }


def test_own_modules_are_added_and_replace_shipped_ones() -> None:
    own = (
        ConfigFile(
            "modules/~own+a.yml", b"modules:\n  mine: {prober: tcp}\n  icmp: {prober: icmp, timeout: 1s}\n"
        ),
        ConfigFile("modules/~own+broken.yml", b"modules: [\n"),
    )
    found = yaml.safe_load(merged(own))["modules"]
    assert found.keys() == {*shipped(), "mine"}
    assert found["icmp"] == {"prober": "icmp", "timeout": "1s"} and found["tcp"] == shipped()["tcp"]


TOKEN = "own/secrets/shop.token"
WITH_TOKEN = replace(SHOP, given=Given(token=TOKEN, files=(OwnFile(TOKEN, b"t", 0o600),)))


def files(wish: Wish) -> dict[str, bytes]:
    return {file.path: file.content or b"" for file in files_of(wish)}


def test_a_removed_probe_takes_its_files_with_it() -> None:
    tree = files(WITH_TOKEN)
    assert {(file.path, file.content) for file in removal(tree, "shop")} == {(path, None) for path in tree}


def test_what_others_use_stays() -> None:
    tree = files(WITH_TOKEN)
    other = files(Wish("other", "https://other/", "http_2xx"))["own/prometheus/scrape/other.yml"]
    tree["own/prometheus/scrape/other.yml"] = other.replace(b"http_2xx", b"shop")
    assert [file.path for file in removal(tree, "shop")] == [PATH]
    tree["own/prometheus/scrape/other.yml"] = b"authorization: {credentials_file: ../../secrets/shop.token}"
    paths = [file.path for file in removal(tree, "shop")]
    assert paths == [PATH, "own/blackbox/modules/shop.yml"]


def test_of_a_file_with_other_jobs_one_job_goes() -> None:
    text = files(SHOP)[PATH].decode()
    both = "# mine\n" + text + "  # keep\n  - job_name: plain\n    static_configs: [{targets: [a:1]}]\n"
    (file,) = removal({"own/prometheus/scrape/all.yaml": both.encode()}, "shop")
    assert file.content is not None
    (left,) = yaml.safe_load(file.content)["scrape_configs"]
    assert left["job_name"] == "plain" and b"# mine" in file.content


def test_only_a_probe_of_ones_own_is_removed() -> None:
    tree = {
        PATH: files(SHOP)[PATH],
        "prometheus/scrape/x.yml": files(replace(SHOP, name="x"))[PATH.replace("shop", "x")],
    }
    with pytest.raises(UsageError, match="there is no probe x: there are shop"):
        removal(tree, "x")
    with pytest.raises(UsageError, match="there is no probe a: there is none"):
        removal({"own/prometheus/scrape/a.yml": b"scrape_configs: [{job_name: a}]"}, "a")


JOB = ProbeJob("shop", "http_2xx", ("https://shop/", "https://new/"), "30s", PATH)


def test_the_list_has_what_prometheus_knows_and_what_it_does_not() -> None:
    at = ("shop", "https://shop/")
    found: dict[str, dict[tuple[str, str], float]] = {
        "up": {at: 1, ("shop", "https://discovered/"): 0, ("else", "x"): 1},
        "code": {at: 200},
        "seconds": {at: 0.25},
        "expiry": {at: 1000 + 86400 * 7},
        "last_down": {at: 400},
        "last_up": {at: 990},
        "first": {("shop", "https://discovered/"): 700},
    }
    assert list(rows((JOB,), found, 1000)) == [
        Row("shop", "https://shop/", "http_2xx", True, 200, 0.25, 7.0, 600),
        Row("shop", "https://new/", "http_2xx"),
        Row("shop", "https://discovered/", "http_2xx", up=False, since=300),
    ]
    assert Row("shop", "https://shop/", "http_2xx", True, 200, 0.25, 7.0, 600).cells() == (
        "shop",
        "https://shop/",
        "http_2xx",
        "yes",
        "200",
        "250 ms",
        "7 days",
        "10 min",
    )
    assert Row("a", "b", "tcp").cells()[3:] == ("not asked yet", "-", "-", "-", "-")


@pytest.mark.parametrize(
    "text",
    [
        "# blackbox:9115\nscrape_configs: [{job_name: a}]",
        "scrape_configs: [{job_name: a, static_configs: [{targets: ['blackbox:9115']}]}]",
        "blackbox:9115: [",
        json.dumps({"scrape_configs": [{"job_name": "blackbox:9115", "relabel_configs": [None]}]}),
        "[blackbox:9115]",
        "scrape_configs: {a: 'blackbox:9115'}",
    ],
)
def test_a_file_that_only_names_it_needs_nothing(text: str) -> None:
    assert not needed({PATH: text.encode()})


def test_a_file_elsewhere_needs_nothing() -> None:
    assert not needed({"own/prometheus/rules/shop.yml": files(SHOP)[PATH]})
