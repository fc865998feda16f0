"""A stack that others run: what is asked at the given addresses, and why something is not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.checks.check import RELOAD, SILENT
from stack.checks.model import Finding
from stack.common.errors import UsageError
from stack.components import assemble
from stack.deploy.describe import Description
from stack.deploy.elsewhere import PATIENCE, Elsewhere, elsewhere, suited
from tests.unit.components.test_components import build

URLS = {name: f"http://{name}.example/" for name in ("prometheus", "alertmanager", "grafana", "app")}


@pytest.fixture
def description(tmp_path: object) -> Description:
    made = build()
    settings = replace(made.settings, home=tmp_path)
    made = replace(made, settings=settings)
    return Description(made, assemble(made))


def at(description: Description, *names: str) -> Elsewhere:
    return elsewhere(description, {name: URLS[name] for name in names}, now=0.0)


def names(there: Elsewhere) -> set[str]:
    return {check.name for check in there.checks}


def test_with_all_addresses_only_an_engine_can_tell_the_rest(description: Description) -> None:
    there = at(description, *URLS)
    assert dict(there.expected.addresses)["grafana"] == "http://grafana.example"
    assert {one.check: one.reason for one in there.skipped} == {
        "stack.containers": "no engine is asked: whether each container runs, and as described, only its own can say",
        "alertmanager.secrets": "it runs a command in a container",
        "node_exporter.ready": "no address of node_exporter is given",
    }
    assert {"prometheus.targets", "path.alert", "path.watchdog", "grafana.panels"} <= names(there)
    assert not names(there) & {one.check for one in there.skipped}


def test_what_nobody_can_be_asked_about_is_named_with_the_reason(description: Description) -> None:
    there = at(description, "prometheus", "alertmanager")
    reasons = {one.check: one.reason for one in there.skipped}
    assert reasons["grafana.login"] == "no address of grafana is given"
    assert reasons["app.ready"] == "no address of app is given"
    assert "path.watchdog" in names(there), "Alertmanager itself says whether it came"
    assert not {name for name in names(there) if name.startswith(("grafana.", "app."))}


def test_one_product_alone_can_be_asked(description: Description) -> None:
    assert {name.partition(".")[0] for name in names(at(description, "alertmanager"))} == {"alertmanager"}


def test_one_that_runs_on_each_machine_may_have_any_number_of_targets(description: Description) -> None:
    jobs = {job.name: job for job in at(description, "prometheus").expected.jobs}
    assert (jobs["node"].addresses, jobs["node"].discovered) == ((), True)
    assert jobs["app"].addresses == ("app:8000",) and not jobs["app"].discovered


def test_remedies_are_not_those_of_an_engine_here_and_nobody_waits_for_a_start(
    description: Description,
) -> None:
    there = at(description, *URLS)
    assert not [check.name for check in there.checks if check.hint in (SILENT, RELOAD)]
    assert all(check.seconds == PATIENCE["ready"] or check.stage != "ready" for check in there.checks)


@pytest.mark.parametrize("name", ["postgres", "node", "grafanna"])
def test_an_address_of_nobody_is_refused(description: Description, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is no part of the stack that can be asked"):
        elsewhere(description, {name: "http://x"}, now=0.0)


def told(hint: str, component: str = "prometheus") -> Finding:
    return Finding("a.check", component, "checked", "failed", "why", hint)


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("monitoring-stack logs node_exporter shows why", "the log of node_exporter there shows why"),
        ("monitoring-stack logs shows why", "the log of prometheus there shows why"),
        (
            "monitoring-stack logs app and grafana names the address",
            "the log of app there and the log of grafana there names the address",
        ),
        ("correct it, then monitoring-stack reload", "correct it, then export and deploy again"),
        (
            "monitoring-stack reload delivers the file",
            "exporting and deploying again delivers the file",
        ),
        ("monitoring-stack validate names the line", "monitoring-stack validate names the line"),
        ("", ""),
    ],
)
def test_a_remedy_does_not_name_commands_for_an_engine_that_is_not_asked(
    description: Description, hint: str, said: str
) -> None:
    assert suited(told(hint), description.spec).hint == said


def test_who_knows_how_logs_are_read_there_says_it(description: Description) -> None:
    def log(component: str) -> str:
        return f"kubectl logs {component}"

    found = suited(told("monitoring-stack logs shows why", ""), description.spec, log)
    assert found.hint == "kubectl logs  shows why"
    assert suited(told("monitoring-stack logs app shows why"), description.spec, log).hint == (
        "kubectl logs app shows why"
    )
