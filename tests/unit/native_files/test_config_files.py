"""The native configuration files agree with each other and with the names that the stack gives its parts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from stack.components import COMPONENTS
from stack.components.places import NATIVE
from stack.model.spec import TEST_RECEIVER

ROOT = Path(__file__).resolve().parents[3]
YAML = sorted(
    path for folder in ("prometheus", "alertmanager", "grafana") for path in (ROOT / folder).rglob("*.yml")
)
JOBS = {
    "prometheus": ("prometheus", "localhost:9090"),
    "alertmanager": ("alertmanager", "alertmanager:9093"),
    "grafana": ("grafana", "grafana:3000"),
    "node_exporter": ("node", "node-exporter:9100"),
    "app": ("app", "app:8000"),
}
WEBHOOK = [{"url": "http://app:8000/alerts", "send_resolved": True}]


class Strict(yaml.SafeLoader):
    """Refuses a key that is written twice, which YAML forbids and PyYAML overlooks."""


def _mapping(loader: Strict, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    assert len(set(keys)) == len(keys), f"{node.start_mark}: a key is written twice in {keys}"
    return loader.construct_mapping(node, deep=True)


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def seconds(text: str) -> timedelta:
    found = promql_parser.parse_duration(text)
    assert isinstance(found, timedelta)
    return found


@pytest.mark.parametrize("path", YAML, ids=[str(path.relative_to(ROOT)) for path in YAML])
def test_no_key_is_written_twice(path: Path) -> None:
    yaml.load(path.read_text("utf-8"), Strict)


def test_scrape_settings() -> None:
    settings = load("prometheus/prometheus.yml")["global"]
    assert settings["scrape_interval"] == "5s"
    assert seconds(settings["scrape_timeout"]) < seconds(settings["scrape_interval"])
    assert settings["evaluation_interval"] == "15s"
    assert settings["external_labels"] == {"stack": "${STACK_NAME}"}


def test_everything_else_is_read_from_fragments() -> None:
    main = load("prometheus/prometheus.yml")
    for key, folder in (("rule_files", "rules"), ("scrape_config_files", "scrape")):
        assert main[key] == [f"{folder}/*{suffix}" for suffix in NATIVE]
    assert "scrape_configs" not in main


@pytest.mark.parametrize("component", JOBS)
def test_one_scrape_fragment_a_component(component: str) -> None:
    (config,) = load(f"prometheus/scrape/{component}.yml")["scrape_configs"]
    job, target = JOBS[component]
    assert config == {"job_name": job, "static_configs": [{"targets": [target]}]}


def test_no_other_fragment() -> None:
    assert {path.stem for path in (ROOT / "prometheus/scrape").glob("*.yml")} == set(JOBS)


def test_what_runs_where_it_is_needed_is_not_loaded_by_a_pattern_of_the_main_file() -> None:
    """docker-compose.yml mounts the folders as they are, and has none of these components."""
    optional = ROOT / "prometheus/scrape/optional"
    assert {path.stem for path in optional.iterdir()} == {
        c.name for c in COMPONENTS if c.switch == "needed" and c.several is None
    }
    for path in optional.iterdir():
        (config,) = yaml.safe_load(path.read_text("utf-8"))["scrape_configs"]
        assert config["job_name"] == path.stem


def test_every_receiver_ends_at_the_application() -> None:
    receivers = load("alertmanager/alertmanager.yml")["receivers"]
    assert {one["name"] for one in receivers} == {"stack-test", "default", "watchdog", "critical", "warning"}
    assert all(one["webhook_configs"] == WEBHOOK for one in receivers)


def test_the_proof_alert_is_delivered_at_once() -> None:
    first = load("alertmanager/alertmanager.yml")["route"]["routes"][0]
    assert (first["receiver"], first["matchers"]) == (TEST_RECEIVER, ['stack_test="true"'])
    assert (first["group_wait"], first["group_interval"], first["group_by"]) == ("0s", "300ms", ["..."])


def test_nothing_inhibits_the_proof_alert() -> None:
    (rule,) = load("alertmanager/alertmanager.yml")["inhibit_rules"]
    assert 'stack_test!="true"' in rule["target_matchers"]
    assert rule["equal"] == ["component", "gate"]


def test_example_receivers_keep_secrets_in_files() -> None:
    for receiver in load("alertmanager/receivers.example.yml")["receivers"]:
        for kind, configs in receiver.items():
            if kind != "name":
                for config in configs:
                    assert [key for key in config if key.endswith("_file")], f"{kind}: no secret file"


def test_grafana_data_sources() -> None:
    document = load("grafana/provisioning/datasources/stack.yml")
    assert document["apiVersion"] == 1, "without it Grafana ignores the uid"
    sources = {one["uid"]: one for one in document["datasources"]}
    assert set(sources) == {"prometheus", "alertmanager"}
    assert sources["prometheus"]["url"] == "http://prometheus:9090"
    assert sources["prometheus"]["isDefault"] is True
    assert sources["prometheus"]["jsonData"]["timeInterval"] == "5s"
    assert sources["alertmanager"]["url"] == "http://alertmanager:9093"
    assert not sources["alertmanager"].get("isDefault"), "two defaults end the process"


def test_grafana_dashboard_provider() -> None:
    document = load("grafana/provisioning/dashboards/stack.yml")
    (provider,) = document["providers"]
    assert document["apiVersion"] == 1
    assert provider["updateIntervalSeconds"] > 10, "at 10 or less a reload can end Grafana 12.3.0"
    assert provider["options"]["path"] == "/etc/stack/dashboards"
    assert provider["disableDeletion"] is False
    assert provider["folder"] == "Monitoring stack"
