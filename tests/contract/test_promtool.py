"""The products' own tools accept the configuration, and every alert fires and stays silent as its cases say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
Tool = Callable[[list[str], dict[str, bytes]], "CompletedProcess[str]"]
RULES = sorted(
    (path for path in (ROOT / "prometheus/rules").rglob("*.yml") if path.name != "stack-digest.yml"),
    key=lambda path: path.name,
)
ROUTES = {
    "stack_test=true severity=warning": "stack-test",
    "alertname=Watchdog severity=none": "watchdog",
    "alertname=GateUnavailable severity=critical": "critical",
    "alertname=GateLatencyHigh severity=warning": "warning",
    "alertname=Other": "default",
}

pytestmark = pytest.mark.engine


def tree(folder: str, *patterns: str) -> dict[str, bytes]:
    root = ROOT / folder
    return {str(path.relative_to(root)): path.read_bytes() for one in patterns for path in root.glob(one)}


def prometheus_tree() -> dict[str, bytes]:
    return tree("prometheus", "prometheus.yml", "scrape/*.yml", "rules/**/*.yml", "tests/*.yml")


def alertmanager_tree() -> dict[str, bytes]:
    return tree("alertmanager", "*.yml", "templates/*.tmpl")


def test_promtool_accepts_the_configuration(promtool: Tool) -> None:
    done = promtool(["check", "config", "--lint=all", "--lint-fatal", "prometheus.yml"], prometheus_tree())
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_runs_the_cases_of_every_rule_file(promtool: Tool) -> None:
    files = prometheus_tree()
    cases = sorted(name for name in files if name.startswith("tests/"))
    assert [Path(name).name for name in cases] == [path.name for path in RULES]
    done = promtool(["test", "rules", *cases], files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") == len(cases)


def test_promtool_notices_a_wrong_threshold(promtool: Tool) -> None:
    """The cases bite: a limit moved from 5 % to 50 % makes one fail."""
    files = prometheus_tree()
    rules = files["rules/app-gates.yml"]
    assert rules.count(b"> 0.05\n          and sum") == 1
    files["rules/app-gates.yml"] = rules.replace(b"> 0.05\n          and sum", b"> 0.5\n          and sum")
    done = promtool(["test", "rules", "tests/app-gates.yml"], files)
    assert done.returncode != 0
    assert "GateHighRejectionRate" in done.stdout + done.stderr


def test_amtool_accepts_the_configuration(amtool: Tool) -> None:
    done = amtool(["check-config", "alertmanager.yml"], alertmanager_tree())
    assert done.returncode == 0, done.stdout + done.stderr


def test_amtool_accepts_the_example_receivers(amtool: Tool) -> None:
    files = alertmanager_tree()
    config = yaml.safe_load(files["alertmanager.yml"])
    receivers = {one["name"]: one for one in config["receivers"]}
    for example in yaml.safe_load(files["receivers.example.yml"])["receivers"]:
        receivers[example["name"]].update(example)
    files["alertmanager.yml"] = yaml.safe_dump(config).encode()
    done = amtool(["check-config", "alertmanager.yml"], files)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("labels", "receiver"), ROUTES.items(), ids=ROUTES)
def test_amtool_routes(amtool: Tool, labels: str, receiver: str) -> None:
    command = ["config", "routes", "test", "--config.file=alertmanager.yml", *labels.split()]
    done = amtool([*command, f"--verify.receivers={receiver}"], alertmanager_tree())
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_templates_can_be_rendered(amtool: Tool) -> None:
    command = ["template", "render", "--template.glob=templates/*.tmpl", "--template.text"]
    done = amtool(
        [*command, '{{ template "stack.title" . }}|{{ template "stack.text" . }}'], alertmanager_tree()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    title, _, text = done.stdout.partition("|")
    assert title.strip()
    assert text.strip()
