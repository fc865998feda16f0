"""Templates that receivers name: defined in a loaded file, or Alertmanager's own; anything else is named."""

from __future__ import annotations

import pytest

from stack.checks.alert_templates import CHECKS
from stack.checks.model import Finding
from stack.checks.runner import run
from tests.unit.checks.fake_stack import FakeStack

LOADED = 'templates: ["templates/*.tmpl"]\n'
DEFINING = ("templates/own.tmpl", '{{ define "own.title" }}x{{ end }}{{- define `own.text` -}}{{ end }}')


def receiver(text: str) -> str:
    return f"receivers:\n  - name: mine\n    slack_configs:\n      - title: '{text}'\n"


def found(config: str, *templates: tuple[str, str]) -> Finding:
    with FakeStack().running(alertmanager_config=config, templates=templates) as expected:
        (finding,) = run(CHECKS, expected).findings
    return finding


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        '{{ template "own.title" . }}',
        '{{- template "own.text" . -}}',
        '{{ template "slack.default.title" . }}',
        '{{ template "__subject" . }}',
    ],
)
def test_a_defined_name_is_well(text: str) -> None:
    assert found(LOADED + receiver(text), DEFINING).status == "ok"


def test_an_undefined_name_is_told_with_its_receiver() -> None:
    finding = found(LOADED + receiver('{{ template "nowhere" . }}'), DEFINING)
    assert finding.evidence.startswith("alertmanager.yml: receiver mine: template nowhere is not defined")
    assert "monitoring-stack reload" in finding.hint


def test_a_file_that_no_pattern_loads_defines_nothing() -> None:
    config = LOADED + receiver('{{ template "own.title" . }}')
    assert found(config, ("templates/deep/own.tmpl", DEFINING[1])).status == "failed"
    assert found(receiver('{{ template "own.title" . }}'), DEFINING).status == "failed"


def test_a_template_that_names_an_undefined_one_is_told_with_its_file() -> None:
    inner = ("templates/a.tmpl", '{{ define "a" }}{{ template "b" . }}{{ end }}')
    assert found(LOADED + receiver("x"), inner).evidence.startswith("templates/a.tmpl: template b")
