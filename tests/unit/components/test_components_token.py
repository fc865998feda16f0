"""The token enters the users' YAML where it must, and changes nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from stack.components import assemble, load
from stack.components.app_webhooks import notifying
from stack.components.build import Build
from stack.components.grafana import PASSWORD as GRAFANA_PASSWORD
from stack.components.prometheus import DIGEST_FILE
from stack.components.token import APP_TOKEN, scraping
from stack.config.secret import Secret
from stack.config.tree import read_tree
from stack.model.spec import ConfigFile, StackSpec
from tests.unit.components.test_components import ROOT, images_of_all

TOKEN = "a-bearer-token"
PATH = "/etc/stack/secrets/app_token"
CREDENTIALS = {"credentials_file": PATH}


def build(**environ: str) -> Build:
    secrets = {GRAFANA_PASSWORD: Secret("x"), APP_TOKEN: Secret(TOKEN)}
    return Build(load(environ=environ, project=ROOT), images_of_all(), read_tree(ROOT), secrets)


def changed(path: str, document: Any) -> Any:
    text = yaml.safe_dump(document).encode()
    if path == "alertmanager.yml":
        return yaml.safe_load(notifying(build(), text))
    (file,) = scraping(build(), (ConfigFile(path, text),))
    return yaml.safe_load(file.content)


def file_of(stack: StackSpec, component: str, path: str) -> bytes:
    return next(f.content for f in stack.service(component).files if f.path == path)


def test_the_shipped_files_get_it_for_the_application_alone() -> None:
    stack = assemble(build())
    (job,) = yaml.safe_load(file_of(stack, "prometheus", "scrape/app.yml"))["scrape_configs"]
    assert job["authorization"] == CREDENTIALS
    receivers = yaml.safe_load(file_of(stack, "alertmanager", "alertmanager.yml"))["receivers"]
    hooks = [hook for receiver in receivers for hook in receiver["webhook_configs"]]
    assert hooks and all(hook["http_config"]["authorization"] == CREDENTIALS for hook in hooks)
    tree = read_tree(ROOT)
    for other in ("scrape/prometheus.yml", "prometheus.yml", "rules/app-gates.yml"):
        assert file_of(stack, "prometheus", other) == tree[f"prometheus/{other}"]


def test_everything_else_in_a_changed_file_stays() -> None:
    tree = read_tree(ROOT)
    plain = yaml.safe_load(tree["alertmanager/alertmanager.yml"])
    given = yaml.safe_load(file_of(assemble(build()), "alertmanager", "alertmanager.yml"))
    for receiver in given["receivers"]:
        for hook in receiver["webhook_configs"]:
            del hook["http_config"]
    assert given == plain


def test_the_digest_rule_covers_what_is_delivered() -> None:
    without = Build(load(environ={}, project=ROOT), images_of_all(), read_tree(ROOT))
    assert file_of(assemble(build()), "prometheus", DIGEST_FILE) != file_of(
        assemble(without), "prometheus", DIGEST_FILE
    )


@pytest.mark.parametrize("component", ["app", "prometheus", "alertmanager"])
def test_it_is_one_private_file_and_stands_nowhere_else(component: str) -> None:
    service = assemble(build()).service(component)
    (file,) = [f for f in service.assets if f.secret]
    assert (file.path, file.mode, file.uid, file.content) == (
        "secrets/app_token",
        0o400,
        65534,
        TOKEN.encode(),
    )
    assert TOKEN not in repr(service)
    assert not [f.path for f in service.files if TOKEN.encode() in f.content]


def test_the_application_learns_its_place_and_without_a_token_nothing_at_all() -> None:
    assert ("STACK_APP_TOKEN_FILE", PATH) in assemble(build()).service("app").environment
    plain = assemble(Build(load(environ={}, project=ROOT), images_of_all(), read_tree(ROOT))).service("app")
    assert not plain.assets
    assert not [m for m in plain.mounts if m.target == "/etc/stack"]
    assert not [key for key, _ in plain.environment if key.endswith("_FILE")]


APP = {"job_name": "a", "static_configs": [{"targets": ["app:8000"]}]}


@pytest.mark.parametrize(
    "job",
    [
        {"job_name": "other", "static_configs": [{"targets": ["other:1"]}]},
        {"job_name": "both", "static_configs": [{"targets": ["app:8000", "other:1"]}]},
        {"job_name": "none"},
        {**APP, "authorization": {"credentials_file": "/mine"}},
        {**APP, "basic_auth": {"username": "me"}},
        {**APP, "oauth2": {"client_id": "me"}},
    ],
    ids=lambda job: str(job["job_name"]) + ",".join(sorted(job)[:1]),
)
def test_jobs_of_others_and_own_credentials_are_left_alone(job: dict[str, Any]) -> None:
    assert changed("scrape/mine.yml", {"scrape_configs": [job]}) == {"scrape_configs": [job]}


def test_a_users_own_job_of_the_application_gets_it_too() -> None:
    (job,) = changed("prometheus.yml", {"scrape_configs": [APP]})["scrape_configs"]
    assert job == {**APP, "authorization": CREDENTIALS}


@pytest.mark.parametrize(
    ("hook", "config"),
    [
        ({"url": "http://app:8000/alerts"}, {"authorization": CREDENTIALS}),
        (
            {"url": "http://app:8000/alerts", "http_config": {"follow_redirects": False}},
            {"follow_redirects": False, "authorization": CREDENTIALS},
        ),
        (
            {"url": "http://app:8000/alerts", "http_config": {"authorization": {"credentials": "x"}}},
            {"authorization": {"credentials": "x"}},
        ),
        ({"url": "http://app:8000.example.com/alerts"}, None),
        ({"url": "https://hooks.example.com/x"}, None),
        ({"url_file": "/x"}, None),
    ],
)
def test_webhooks(hook: dict[str, Any], config: dict[str, Any] | None) -> None:
    document = {"receivers": [{"name": "r", "webhook_configs": [hook]}, {"name": "empty"}]}
    (given,) = changed("alertmanager.yml", document)["receivers"][0]["webhook_configs"]
    assert given.get("http_config") == config


@pytest.mark.parametrize(
    "text",
    [b"a: [", b"\xff", b"", b"[]", b"scrape_configs: 1\n", b"scrape_configs: [1, {static_configs: [x]}]\n"],
)
def test_broken_files_pass_unchanged_for_validation_to_refuse(text: bytes) -> None:
    file = ConfigFile("scrape/app.yml", text)
    assert scraping(build(), (file,)) == (file,)
    assert notifying(build(), text) == text
