"""What prometheus-operator gets: what its stack has not already, by its own schemas, and no secret."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from stack.components.build import Build
from stack.exports.operator.http import HasNoPlace
from stack.exports.operator.integrations import FIELDS, SECRETS, called, integration
from stack.exports.operator.wish import Going, Wish, slug
from tests.kubernetes_rules import faults
from tests.unit.exports.crds import SCHEMAS, schema_faults, sound
from tests.unit.exports.export_samples import HIDDEN, for_operator, full, objects, shipped, spec_of

FULL = full()
EXPORT = for_operator(FULL)
OBJECTS = objects(EXPORT.files)
Json = dict[str, Any]


def of_kind(kind: str, found: list[Json] = OBJECTS) -> dict[str, Json]:
    return {one["metadata"]["name"]: one for one in found if one["kind"] == kind}


def receivers(found: Build) -> Json:
    (one,) = of_kind("AlertmanagerConfig", objects(for_operator(found).files)).values()
    spec: Json = one["spec"]
    return spec


def with_main(text: str) -> Build:
    plain = shipped()
    tree = {**plain.tree, "own/alertmanager/alertmanager.yml": text.encode(), "own/secrets/hook": b"x"}
    return replace(plain, tree=tree)


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: f"{one['kind']}/{one['metadata']['name']}")
def test_every_object_is_one_that_a_server_takes(one: Json) -> None:
    assert faults(one, {}) == []
    assert schema_faults(one) == []
    assert sound(one) == []


def test_every_object_says_whose_it_is() -> None:
    for one in OBJECTS:
        assert one["metadata"]["labels"]["release"] == "kube-prometheus-stack"
        assert one["metadata"]["namespace"] == "monitoring"
    other = objects(for_operator(FULL, Wish("eins", "prom")).files)
    assert {o["metadata"]["labels"]["release"] for o in other} == {"prom"}
    assert {o["metadata"]["namespace"] for o in other} == {"eins"}


@pytest.mark.parametrize("value", HIDDEN)
def test_no_value_of_a_secret_stands_in_it(value: str) -> None:
    assert all(value.encode() not in text for text in EXPORT.files.values())


def test_every_reference_to_a_secret_has_a_command_that_makes_it() -> None:
    keys: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("name") == "monitoring-stack-secrets" and set(node) == {"name", "key"}:
                keys.add(node["key"])
            for value in node.values():
                walk(value)
        for value in node if isinstance(node, list) else ():
            walk(value)

    walk(OBJECTS)
    (made,) = [step for step in EXPORT.steps if "create secret" in step]
    assert keys == {word.split("=")[1] for word in made.split() if word.startswith("--from-")}
    assert keys == {"app_token", "ca", "hook", "key", "pass", "shop-username"}


def test_what_their_stack_has_already_stays_behind() -> None:
    assert set(of_kind("PrometheusRule")) == {
        "app-gates",
        "app-slo",
        "app-tools",
        slug("optional-blackbox"),
        slug("optional-postgres-exporter"),
        slug("own-shop"),
    }
    jobs = {one["spec"]["jobName"] for one in of_kind("ScrapeConfig").values()}
    assert jobs == {"asked", "blackbox", "found", "postgres_exporter", "shop", "watched files"}
    boards = {name for one in of_kind("ConfigMap").values() for name in one["data"]}
    assert {"shop.json", "slo.json"} <= boards and not {"host.json", "stack-health.json"} & boards
    assert "alertname" not in str([r for r in of_kind("PrometheusRule").values() if "Watchdog" in str(r)])


def test_every_alert_names_its_namespace_and_no_recorded_series_does() -> None:
    rules = [
        rule
        for one in of_kind("PrometheusRule").values()
        for g in one["spec"]["groups"]
        for rule in g["rules"]
    ]
    assert len([r for r in rules if "alert" in r]) > 10
    for rule in rules:
        assert (rule.get("labels") or {}).get("namespace") == ("monitoring" if "alert" in rule else None)
    (mine,) = [r for r in rules if r.get("alert") == "ShopSilent"]
    assert mine["labels"]["code"] == "0123"
    assert mine["annotations"]["runbook_url"] == "https://wiki.example/shop"


def test_links_to_runbooks_lead_to_where_they_are_published() -> None:
    told = for_operator(FULL, Wish(runbook_base="https://books.example/"))
    rules = told.files["rules.yaml"].decode()
    assert 'runbook_url: "https://books.example/GateHighRejectionRate.html"' in rules
    assert "externalURL" not in rules
    assert not any("runbooks" in one for one in told.lost)
    assert any("--runbook-base" in one for one in EXPORT.lost)
    assert "externalURL" not in EXPORT.files["rules.yaml"].decode()


def test_a_job_keeps_all_that_it_says() -> None:
    spec = of_kind("ScrapeConfig")["shop"]["spec"]
    assert spec["params"] == {"module": ["on", "17"]}
    assert spec["staticConfigs"] == [
        {"targets": ["shop.example:443", "app.monitoring.svc:8000"], "labels": {"team": "007"}}
    ]
    assert spec["basicAuth"]["password"] == {"name": "monitoring-stack-secrets", "key": "pass"}
    assert "scrapeTimeout" not in spec  # the global one may be above what it needs
    watched = of_kind("ScrapeConfig")[slug("watched files")]["spec"]
    assert watched["staticConfigs"] == [{"targets": ["a.example:1"], "labels": {"zone": "y"}}]


@pytest.mark.parametrize(
    ("job", "why"),
    [
        ("consul_sd_configs: [{server: a}]", "consul_sd_configs has no place"),
        ("basic_auth: {username: a, password: b}", "basic_auth.password is a value"),
        ("oauth2: {client_id: a}", "oauth2 has no place"),
        ("static_configs: [{targets: [host.docker.internal:9000]}]", "no pod knows host.docker.internal"),
        ("file_sd_configs: [{files: [/etc/other/*.yml]}]", "/etc/other/*.yml is no file of own"),
        ("tls_config: {key: x}", "tls_config.key is a value"),
    ],
)
def test_half_a_job_is_none(job: str, why: str) -> None:
    plain = shipped()
    text = f"scrape_configs:\n  - job_name: half\n    {job}\n".encode()
    told = for_operator(replace(plain, tree={**plain.tree, "own/prometheus/scrape/half.yml": text}))
    assert any(
        "job half (own/prometheus/scrape/half.yml) is left out" in one and why in one for one in told.lost
    )
    assert "half" not in told.files["scraping.yaml"].decode()


def test_the_receivers_of_the_demo_and_the_ways_of_the_bundle_stay_behind() -> None:
    spec = receivers(FULL)
    assert [one["name"] for one in spec["receivers"]] == ["oncall", "pager", "letters", "nobody"]
    told = str(spec)
    assert "app:8000" not in told and "stack_receiver" not in told and "heartbeat" not in told
    assert "AlertmanagerConfig" not in str([one["kind"] for one in objects(for_operator(shipped()).files)])
    assert any("no receiver of your own" in one for one in for_operator(shipped()).lost)


def test_what_an_alertmanager_config_cannot_say_is_told() -> None:
    told = "\n".join(EXPORT.lost)
    for words in ("global.resolve_timeout", "templates/*.tmpl", "jira"):
        assert words in told, words
    assert "template" not in EXPORT.files["receivers.yaml"].decode()


def test_an_own_file_comes_along_with_its_tree_of_routes() -> None:
    spec = receivers(
        with_main(
            "route:\n  receiver: people\n  group_by: [job]\n  routes:\n"
            "    - receiver: people\n      match: {team: a}\n      match_re: {job: x|y}\n"
            "      active_time_intervals: [day, far]\n      routes:\n"
            "        - {receiver: people, matchers: ['a=~\"b.*\"', '{c!=\"d\",e=f}'], continue: true}\n"
            "receivers:\n  - name: people\n    webhook_configs:\n"
            "      - {url_file: own/secrets/hook, max_alerts: 3, http_config: {follow_redirects: true}}\n"
            "time_intervals:\n  - name: day\n    time_intervals:\n"
            "      - {times: [{start_time: '09:00', end_time: '17:00'}], weekdays: ['monday:friday'],\n"
            "         days_of_month: ['1:5', '-1']}\n"
            "  - name: far\n    time_intervals: [{weekdays: [sunday], location: Europe/Berlin}]\n"
        )
    )
    assert spec["route"]["receiver"] == "people" and spec["route"]["groupBy"] == ["job"]
    (route,) = spec["route"]["routes"]
    assert route["matchers"] == [
        {"name": "team", "matchType": "=", "value": "a"},
        {"name": "job", "matchType": "=~", "value": "x|y"},
    ]
    assert route["activeTimeIntervals"] == ["day"]
    assert [m["value"] for m in route["routes"][0]["matchers"]] == ["b.*", "d", "f"]
    assert spec["receivers"][0]["webhookConfigs"] == [
        {
            "urlSecret": {"name": "monitoring-stack-secrets", "key": "hook"},
            "maxAlerts": 3,
            "httpConfig": {"followRedirects": True},
        }
    ]
    (day,) = spec["muteTimeIntervals"]
    assert day["timeIntervals"][0]["daysOfMonth"] == [{"start": 1, "end": 5}, {"start": -1, "end": -1}]


def test_a_secret_as_a_value_is_refused_with_the_way_out() -> None:
    told = for_operator(
        with_main(
            "route: {receiver: a}\nreceivers:\n  - name: a\n    slack_configs: [{api_url: https://hooks.example/open}]\n"
        )
    )
    assert any(
        "receiver a: slack is left out: api_url is a value" in one and "api_url_file" in one
        for one in told.lost
    )
    assert all(b"hooks.example/open" not in text for text in told.files.values())


@pytest.mark.parametrize("kind", FIELDS)
def test_the_table_of_integrations_is_that_of_the_schema(kind: str) -> None:
    spec = SCHEMAS["AlertmanagerConfig"]["properties"]["spec"]["properties"]
    known = spec["receivers"]["items"]["properties"][f"{kind}Configs"]["items"]["properties"]
    assert set(FIELDS[kind].split()) <= known.keys()
    hidden = {
        name for name, one in known.items() if set(one.get("properties", ())) == {"key", "name", "optional"}
    }
    assert set(SECRETS.get(kind, "").split()) == hidden


@pytest.mark.parametrize(
    ("kind", "option", "name"),
    [
        ("slack", "api_url_file", "apiURL"),
        ("discord", "webhook_url_file", "apiURL"),
        ("msteams", "webhook_url_file", "webhookUrl"),
        ("msteamsv2", "webhook_url_file", "webhookURL"),
        ("telegram", "chat_id", "chatID"),
        ("sns", "topic_arn", "topicARN"),
        ("victorops", "api_url", "apiUrl"),
        ("email", "require_tls", "requireTLS"),
        ("slack", "callback_id", "callbackId"),
        ("wechat", "to_user", "toUser"),
    ],
)
def test_options_have_the_names_that_they_have_there(kind: str, option: str, name: str) -> None:
    assert called(kind, option) == name
    assert name in FIELDS[kind].split()


def test_an_integration_that_is_not_known_there_is_none() -> None:
    with pytest.raises(HasNoPlace, match="jira is no integration"):
        integration(Going(spec_of(FULL), Wish()), "x", "jira", {}, ())


def test_the_same_description_is_the_same_to_the_byte() -> None:
    assert for_operator(full()).files == EXPORT.files


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        (
            {"remote_write": {"central": {"url": "https://metrics.example/write"}}},
            "remote_write central is left out: that is for spec.remoteWrite of their Prometheus object to say",
        ),
        (
            {"external_labels": {"cluster": "eu"}},
            "external_labels cluster is left out: that is for spec.externalLabels of their Prometheus object to say",
        ),
        (
            {"grafana.env": {"GF_SMTP_ENABLED": "true"}},
            "grafana.env GF_SMTP_ENABLED is left out: that is for grafana.env in the values of their chart to say",
        ),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_tables_about_a_whole_product_are_told(tables: dict[str, Json], sentence: str) -> None:
    plain = shipped()
    assert sentence not in for_operator(plain).lost
    settings = replace(plain.settings, tables={**plain.settings.tables, **tables})
    assert sentence in for_operator(replace(plain, settings=settings)).lost


def test_arguments_of_their_processes_are_told() -> None:
    plain = shipped()
    given = {
        "prometheus.extra_args": ("--query.max-samples=9",),
        "alertmanager.extra_args": ("--log.level=debug",),
    }
    settings = replace(plain.settings, values={**plain.settings.values, **given})
    lost = for_operator(replace(plain, settings=settings)).lost
    assert "alertmanager.extra_args is left out: that is for their Alertmanager object to say" in lost
    assert any(sentence.startswith("prometheus.extra_args is left out: ") for sentence in lost)


def test_what_a_main_file_of_the_users_says_besides_is_told() -> None:
    main = shipped().tree["prometheus/prometheus.yml"].decode()
    main = main.replace("global:\n", "global:\n  query_log_file: /prometheus/log\n")
    main += "\nremote_read:\n  - {url: http://old/read, name: old}\ntracing: {endpoint: 't:4317'}\n"
    main += "scrape_configs: [{job_name: here}]\nstorage: {}\n"
    plain = shipped()
    tree = {**plain.tree, "prometheus/prometheus.yml": main.encode()}
    lost = set(for_operator(replace(plain, tree=tree)).lost) - set(for_operator(plain).lost)
    assert lost == {
        "query_log_file of global is left out: that is for their Prometheus object to say",
        "remote_read old is left out: that is for spec.remoteRead of their Prometheus object to say",
        "tracing is left out: that is for their Prometheus object to say",
        "scrape_configs of prometheus.yml is left out: jobs in files of own/prometheus/scrape/ come along",
    }
