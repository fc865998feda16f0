"""Variables of a shell in files of products that replace none."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.model.spec import ConfigFile, StackSpec
from stack.validation.variables import told
from tests.unit.deploy.plan_samples import NAME, service

SCRAPE = "scrape/shop.yml"


def remarks(text: str, path: str = SCRAPE, component: str = "prometheus") -> list[str]:
    file = ConfigFile(path, text.encode(), origin=f"own/{component}/{path}")
    return list(told(StackSpec(NAME, (replace(service(component), files=(file,)),))))


def test_a_variable_in_a_scrape_file_is_told_with_its_line() -> None:
    (told_of,) = remarks("scrape_configs:\n  - job_name: shop\n    params: {token: ['${SHOP_TOKEN}']}\n")
    assert told_of.startswith(
        "own/prometheus/scrape/shop.yml:3: Prometheus replaces no ${SHOP_TOKEN}: write the value"
    )


def test_one_in_alertmanagers_file_too() -> None:
    (told_of,) = remarks(
        "receivers: [{slack_configs: [{api_url: '${URL}'}]}]\n", "alertmanager.yml", "alertmanager"
    )
    assert "Alertmanager replaces no ${URL}" in told_of


@pytest.mark.parametrize(
    "text",
    [
        "relabel_configs: [{regex: '(?P<a>x)', replacement: '${a}', target_label: '${a}'}]",
        "relabel_configs: [{replacement: '${1}'}]",
        "# ${SHOP_TOKEN}\n",
        "global: {external_labels: {a: '${HOST}'}}",
        "a: [",
        "password: 'a$b{c}'",
    ],
)
def test_what_is_no_variable_is_not_told(text: str) -> None:
    assert remarks(text) == []


def test_rules_have_templates_of_their_own() -> None:
    assert remarks("a: '${x}'", "rules/a.yml") == []
