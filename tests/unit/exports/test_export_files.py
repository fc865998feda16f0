"""What exports share: where files lie, what is left out, how secrets are called, who asks whom."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.common.yaml_text import load_yaml
from stack.components import assemble
from stack.exports.files import (
    found_by_dns,
    open_secrets,
    placed,
    secret_names,
    secrets,
    slug,
    talks,
    too_large,
)
from stack.model.spec import ConfigFile, StackSpec
from tests.unit.components.test_components import build
from tests.unit.deploy.plan_samples import service

LIMIT = 500 * 1024
ALL = assemble(build(STACK_DATABASE="postgres"))


def test_each_file_lies_where_its_process_looks() -> None:
    paths = {one.path for one in placed(ALL.service("prometheus"), LIMIT)}
    assert {"/etc/stack/current/prometheus.yml", "/etc/stack/user/runbooks/Watchdog.html"} <= paths
    boards = {one.path for one in placed(ALL.service("grafana"), LIMIT)}
    assert "/etc/stack/dashboards/slo.json" in boards, "Grafana knows it by the path of its link"
    assert not any(path.startswith("/etc/stack/current/dashboards/") for path in boards)


def test_the_quick_look_is_whole_and_a_large_file_is_left_out() -> None:
    prometheus = ALL.service("prometheus")
    page = {one.path.removeprefix("/etc/stack/user/") for one in placed(prometheus, LIMIT)}
    assert {"index.html", "page.js", "values.js", "dashboards/slo.json", "runbooks/Watchdog.html"} <= page
    large = tuple(
        replace(f, content=b"x" * LIMIT) if f.path == "user/page.js" else f for f in prometheus.assets
    )
    poor = replace(prometheus, assets=large)
    assert {one.path for one in placed(prometheus, LIMIT)} - {one.path for one in placed(poor, LIMIT)} == {
        "/etc/stack/user/page.js"
    }
    assert [one.path for one in too_large(poor, LIMIT)] == ["/etc/stack/user/page.js"]


def test_no_secret_is_among_the_files_and_no_content_is_empty() -> None:
    keeper = replace(service("web"), assets=(ConfigFile("targets/.keep", b""),))
    assert [one.content for one in placed(keeper, LIMIT)] == [b"web", b"\n"]
    app = ALL.service("app")
    assert [one.path for one in secrets(app)] == ["/etc/stack/secrets/database_url"]
    assert placed(app, LIMIT) == ()


def secret(path: str, text: str) -> ConfigFile:
    return ConfigFile(path, text.encode(), 0o400, 1, secret=True)


def test_one_secret_of_several_services_has_one_name_and_others_of_one_name_are_told_apart() -> None:
    one = replace(service("web"), assets=(secret("secrets/token", "a"), secret("secrets/Key Ä.pem", "k")))
    two = replace(service("data_base"), assets=(secret("secrets/token", "a"), secret("secrets/login", "x")))
    three = replace(service("store"), files=(secret("secrets/login", "y"), secret("secrets/eu/login", "z")))
    names = secret_names(StackSpec("s", (one, two, three)))
    assert names == {
        ("web", "/etc/stack/secrets/Key Ä.pem"): "key--.pem",
        ("web", "/etc/stack/secrets/token"): "token",
        ("data_base", "/etc/stack/secrets/token"): "token",
        ("data_base", "/etc/stack/secrets/login"): "data-base.login",
        ("store", "/etc/stack/current/secrets/login"): "store.login",
        ("store", "/etc/stack/current/secrets/eu/login"): "eu-login",
    }


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("  basic_auth: {username: a, password: geheim}", "password"),
        ("  - api_url: 'https://hooks.example/x'", "api_url"),
        ("global: {slack_api_url: https://x}", "slack_api_url"),
        ("smtp_auth_password: geheim", "smtp_auth_password"),
        ('"credentials": "geheim"', "credentials"),
        ("  password: # none", ""),
        ("  password_file: own/secrets/x", ""),
        ("  # password: geheim", ""),
        ("  password: $__file{/x}", ""),
        ("  password: ''", ""),
        ("  api_url_file: x", ""),
    ],
)
def test_a_secret_in_a_plain_file_is_found(line: str, key: str) -> None:
    file = ConfigFile("a.yml", line.encode(), origin="own/a.yml")
    found = open_secrets(StackSpec("s", (replace(service("web"), files=(file,)),)))
    assert found == ((("own/a.yml", key),) if key else ())


def test_shipped_files_have_none() -> None:
    assert open_secrets(ALL) == ()


def test_a_secret_that_lies_among_the_files_is_called_by_its_file() -> None:
    main = replace(service("gateway"), files=(secret("caddy.json", "x"),))
    assert set(secret_names(StackSpec("s", (main,))).values()) == {"caddy.json"}


def test_names_that_become_alike_are_told_apart() -> None:
    files = tuple(secret(f"secrets/{name}", name) for name in ("a b", "a-b"))
    names = set(secret_names(StackSpec("s", (replace(service("web"), assets=files),))).values())
    assert len(names) == 2 and all(name.startswith("web.a-b-") for name in names)


def test_a_slug_holds_what_every_engine_takes() -> None:
    assert slug("~own+a%2Eyaml/Ä.yml") == "-own-a-2eyaml--.yml"


def test_who_asks_whom_is_read_from_the_files() -> None:
    assert {name: set(asked) for name, asked in talks(ALL).items()} == {
        "postgres": set(),
        "app": {"postgres"},
        "node_exporter": set(),
        "prometheus": {"app", "node_exporter", "alertmanager", "grafana"},
        "alertmanager": {"app"},
        "grafana": {"prometheus", "alertmanager"},
    }


def job(text: str) -> dict[str, object]:
    node = replace(service("node_exporter"), port=9100)
    made = found_by_dns(ConfigFile("scrape/x.yml", text.encode()), node, "tasks.node-exporter", "15s")
    (found,) = load_yaml(made.content)["scrape_configs"]
    return dict(found)


def test_what_runs_on_each_machine_is_found_by_its_name() -> None:
    found = job(
        "scrape_configs:\n  - job_name: node\n    static_configs:\n"
        "      - targets: [node-exporter:9100, other:1]\n      - targets: ['node_exporter:9100']\n"
    )
    asked = {"names": ["tasks.node-exporter"], "type": "A", "port": 9100, "refresh_interval": "15s"}
    assert found["dns_sd_configs"] == [asked]
    assert found["static_configs"] == [{"targets": ["other:1"]}, {"targets": []}]


def test_a_job_about_others_stays_to_the_byte() -> None:
    text = "scrape_configs:\n  - job_name: a # mine\n    static_configs: [{targets: [a:1]}]\n"
    node = replace(service("node_exporter"), port=9100)
    file = ConfigFile("scrape/x.yml", text.encode())
    assert found_by_dns(file, node, "x", "15s") is file
    assert job(text + "    dns_sd_configs: [{names: [b], type: A, port: 1}]\n")["dns_sd_configs"] == [
        {"names": ["b"], "type": "A", "port": 1}
    ]


def test_whom_probes_ask_stands_in_the_files_that_send_them_through_the_prober() -> None:
    prober = replace(service("blackbox"), port=9115)
    app = replace(service("app"), port=8000)
    probes = ConfigFile("scrape/x.yml", b"targets: [http://app:8000/health]\nreplacement: blackbox:9115\n")
    asking = replace(service("prometheus"), files=(probes,))
    others = replace(service("other"), files=(ConfigFile("x.yml", b"app:8000\n"),))
    found = talks(StackSpec("s", (prober, app, asking, others)))
    assert found["blackbox"] == ("app",)
    assert set(found["prometheus"]) == {"blackbox", "app"}
    without = replace(asking, files=(replace(probes, content=b"targets: [app:8000]\n"),))
    assert talks(StackSpec("s", (prober, app, without, others)))["blackbox"] == ()
