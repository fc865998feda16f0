"""The table and docs/troubleshooting.md agree: what can be provoked has its entry, and the other way round."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.breakage.breakage import Breakage, nothing
from tests.breakage.hint import HINTS, Hint
from tests.breakage.judge import pattern
from tests.breakage.table import ALL, BY_NAME, SELDOM, UNPROVEN

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
LEAST = 60
PROVOKED = ("Start (5)", "Checks (6)")
"""Sections of which each entry is provoked here, or proven by the test that stands below."""
ELSEWHERE = {
    "COMPONENT.container: NAME is not known as ALIAS on its network": (
        "tests/unit/deploy/test_condition.py: is not known as"
    ),
    "NAME: ... (waited N s)": "tests/unit/deploy/test_verify.py: waited 90 s",
    "NAME was killed for memory: its limit is N": "tests/unit/deploy/test_verify.py: killed for memory",
    "NAME: the disk of volume VOLUME is full": "tests/unit/deploy/test_verify.py: disk of volume",
    "prometheus.WHAT: Prometheus ... store": "tests/unit/checks/test_checks_products.py: Prometheus fails to store",
    "alertmanager.notifications: receiver NAME (TYPE) took none of N notifications ...": (
        "tests/unit/checks/test_notifications_check.py: took none of 2 notifications"
    ),
    "receiver NAME (TYPE): N of M notifications failed since its start or reload": (
        "tests/unit/checks/test_notifications_check.py: 1 of 4 notifications failed"
    ),
    "alertmanager.receivers: alertmanager.yml: receiver NAME: template NAME is not defined": (
        "tests/unit/checks/test_alert_templates.py: template nowhere is not defined"
    ),
    "receiver NAME was never tested": "tests/e2e/test_e2e_receivers.py: was never tested",
    "the engine's clock is N ahead of this machine's": "tests/unit/deploy/test_condition.py: is 2 h ahead of this",
    "prometheus.config: the latest load of the files failed": (
        "tests/unit/checks/test_checks_products.py: previous configuration is still active"
    ),
    "container NAME was made by somebody else just now": (
        "tests/contract/test_engine_docker.py: made by somebody else just now"
    ),
    "container NAME is gone": "tests/contract/test_engine_contract.py: is gone",
    "volume NAME is gone": "tests/contract/test_engine_contract.py: is gone",
    "its helper is gone": "tests/contract/test_engine_contract.py: is gone",
    "NAME does not run, so it cannot take SIGHUP": "tests/fakes/engine/memory.py: does not run, so it cannot",
    "WHAT: ... fully subnetted": "tests/unit/engine/test_engine_failures.py: fully subnetted",
    "WHAT: ... non-overlapping IPv4 address pool ...": (
        "tests/unit/engine/test_engine_failures.py: non-overlapping IPv4 address pool"
    ),
    "WHAT: ... No chain/target/match by that name...": (
        "tests/unit/engine/test_engine_failures.py: No chain/target/match by that name"
    ),
    "WHAT: ... apparmor ...": "tests/unit/engine/test_engine_failures.py: apparmor",
    "WHAT: ... no space left on device": "tests/unit/engine/test_engine_failures.py: no space left on device",
    "WHAT did not end within N s": "tests/contract/test_engine_docker.py: did not end within",
    "... runs its previous files again": "tests/scenarios/test_changed_files.py: runs its previous files again",
    "Grafana refuses every login of admin after too many wrong passwords": (
        "tests/contract/test_grafana_login.py: locked"
    ),
    "Grafana refuses the password that was just set": (
        "tests/unit/deploy/test_verify.py: refuses the password that was just set"
    ),
    "Grafana's password could not be set again": "tests/unit/deploy/test_verify.py: could not be set again",
    "Grafana did not load its provisioning": "tests/contract/test_grafana_files.py: provisioning/datasources/reload",
    "interrupted": "tests/e2e/test_e2e_killed.py: interrupted",
    "volume NAME exists and is not ours": "tests/unit/engine/test_engine_labels.py: exists and is not ours",
    "gateway.certificate: URL: its certificate is refused: ...": (
        "tests/unit/checks/test_gateway_door.py: its certificate is refused"
    ),
    "gateway.certificate: no certificate: ISSUER: ...": "tests/unit/checks/test_gateway_door.py: no valid A",
    "gateway.certificate: its authority has no root certificate yet": (
        "tests/unit/checks/test_gateway_door.py: no root certificate yet"
    ),
    "the gateway's certificate ends in N days": ("tests/unit/checks/test_gateway_door.py: renew it"),
    "gateway.login: URL lets in without a login": (
        "tests/unit/checks/test_gateway_door.py: lets in without a login"
    ),
    "gateway.login: URL refuses the login of the checks": (
        "tests/unit/checks/test_gateway_door.py: refuses the login of the checks"
    ),
    "gateway.login: URL answers N behind the login": (
        "tests/unit/checks/test_gateway_door.py: answers 502 behind the login"
    ),
    "gateway.grafana: URL got N for a WebSocket, which Grafana itself opens": (
        "tests/unit/checks/test_gateway_door.py: which Grafana itself opens"
    ),
    "gateway.alone: published besides the gateway: COMPONENT at ADDRESS": (
        "tests/unit/checks/test_gateway_door.py: prometheus at b:2"
    ),
    "gateway.config: it runs configuration X, the files make Y": (
        "tests/unit/checks/test_gateway_door.py: configuration d2"
    ),
    "NAME does not load its files: ...": (
        "tests/scenarios/test_commands_gateway.py: does not load its files"
    ),
    "prometheus.persistence": "tests/e2e/test_e2e_whole_stack.py: prometheus.persistence",
    "COMPONENT.address: its address for people is X, not Y": (
        "tests/unit/checks/test_checks_public.py: its address for people is http://127"
    ),
    "app.address: it refuses to be asked as HOST": "tests/unit/checks/test_checks_public.py: it refuses to be asked as",
    "prometheus.public: ADDRESS: nobody listens there": "tests/e2e/test_e2e_proxies.py: nobody listens there",
    "... answers 502": "tests/unit/checks/test_checks_public.py: answers 502",
    "grafana.variables": "tests/unit/checks/test_checks_products.py: grafana.variables",
    "prometheus.variables": "tests/unit/checks/test_checks_products.py: prometheus.variables",
    "grafana.login": "tests/unit/checks/test_checks_products.py: grafana.login",
    "grafana.default_login": "tests/unit/checks/test_checks_products.py: grafana.default_login",
    "grafana.anonymous": "tests/unit/checks/test_checks_products.py: grafana.anonymous",
    "grafana.data_sources": "tests/unit/checks/test_checks_products.py: grafana.data_sources",
    "grafana.data_source_health": "tests/unit/checks/test_checks_products.py: grafana.data_source_health",
    "grafana.dashboards": "tests/unit/checks/test_checks_products.py: grafana.dashboards",
    "prometheus.config: WHAT is X in Prometheus, Y in FILE": (
        "tests/e2e/test_e2e_prometheus_proof.py: 25s in Prometheus, 5s in"
    ),
    "prometheus.rules: FILE GROUP/RULE: WHAT is X in Prometheus, Y in the file": (
        "tests/e2e/test_e2e_prometheus_proof.py: up == 7 in Prometheus"
    ),
    "prometheus.targets: job JOB (FILE): WHAT is X in Prometheus, Y in the file": (
        "tests/e2e/test_e2e_prometheus_proof.py: 7s in Prometheus, 5s in the file"
    ),
    "prometheus.targets: job JOB (FILE): 0 targets, expected N; it reads FILE": (
        "tests/unit/checks/test_differences.py: it reads /ca.pem"
    ),
    "prometheus.targets: job JOB (FILE): its service discovery (KIND) has found no target": (
        "tests/unit/checks/test_discoveries.py: its service discovery (http) has found no target"
    ),
    "prometheus.targets: job JOB (FILE): its relabel_configs leave none of its N targets, such as HOST:PORT": (
        "tests/unit/checks/test_discoveries.py: its relabel_configs leave none of its 2 targets, such as a:1"
    ),
    "job JOB (FILE): its service discovery fails: REASON": (
        "tests/unit/checks/test_discoveries.py: its service discovery fails: refused"
    ),
    "prometheus.samples: JOB INSTANCE is up and none of its samples is kept": (
        "tests/unit/checks/test_prometheus_targets.py: is up and none of its samples is kept"
    ),
    "alertmanager.secrets: alertmanager.yml: PLACE names PATH, which is missing, empty or unreadable": (
        "tests/unit/checks/test_checks_alerts.py: which is missing, empty or unreadable"
    ),
    "prometheus.expressions: FILE GROUP/RULE fails when it is evaluated: ...": (
        "tests/unit/checks/test_checks_products.py: fails when it is evaluated"
    ),
    "COMPONENT.panels: UID / PANEL / QUERY is empty": (
        "tests/unit/checks/test_checks_products.py: gates / Now / A is empty"
    ),
    "NAME ended...": "tests/unit/deploy/test_verify.py: ended with exit code 3",
    "app.store": "tests/e2e/test_e2e_postgres.py: app.store",
    "app.metrics": "tests/unit/checks/test_checks_products.py: app.metrics",
    "app.counter": "tests/unit/checks/test_checks_products.py: app.counter",
    "NAME is healthy and its port [ADDRESS]:PORT refuses: this engine forwards no IPv6 address": (
        "tests/unit/deploy/test_forwarding.py: this engine forwards no IPv6 address"
    ),
    "NAME answers inside its container, and nothing comes back from ADDRESS:PORT": (
        "tests/unit/deploy/test_forwarding.py: nothing comes back from"
    ),
    "smoke --deep needs an engine on this machine": "tests/e2e/test_e2e_remote.py: needs an engine on this machine",
    "FILE: Permission denied": "tests/unit/config/test_walk.py: Permission denied",
    "a second default data source": "tests/unit/validation/test_validate.py: a second default",
    "without uid": "tests/unit/validation/test_validate.py: a data source without uid",
    "is taken": "tests/unit/validation/test_validate.py: 'P' is taken",
    "grafana/...: uid ... is refused by Grafana": (
        "tests/unit/validation/test_validate.py: is refused by Grafana: at most 40"
    ),
    "refresh ...": "tests/unit/validation/test_validate.py: Grafana would make it 5s",
    "grafana/...: ... it must be": "tests/unit/validation/test_validate.py: it must be an object",
    "orgId": "tests/unit/validation/test_validate.py: orgId 2: this Grafana has one organisation",
    "a provider of type": "tests/unit/validation/test_validate.py: a provider of type 'http'",
    "folder beside foldersFromFilesStructure": (
        "tests/unit/validation/test_validate.py: folder beside foldersFromFilesStructure"
    ),
    "components need each other in a circle": "tests/unit/model/test_spec.py: need each other in a circle",
    "no image for NAME: registry ... does not answer; ...": (
        "tests/unit/cli/test_cli_session.py: no image for prometheus: nobody has it"
    ),
    "degraded  grafana is absent": "tests/e2e/test_e2e_degraded.py: degraded  grafana is absent",
    "the registry has no such image": (
        "tests/unit/engine/test_engine_failures.py: the registry has no such image"
    ),
    "the registry refused": "tests/unit/engine/test_engine_failures.py: the registry refused",
    "rate limit is reached": "tests/unit/engine/test_engine_failures.py: rate limit is reached",
    "the pull broke off after ...": "tests/unit/engine/test_engine_failures.py: broke off after 'layer 1'",
    "the engine's disk is full": "tests/unit/engine/test_engine_failures.py: the engine's disk is full",
    "a local build needs apt-get and dpkg-deb": (
        "tests/unit/images/test_images_debian.py: apt-get and dpkg-deb"
    ),
    "the keys in the package debian-archive-keyring": (
        "tests/unit/images/test_images_debian.py: debian-archive-keyring"
    ),
    "apt-get update: ...": "tests/contract/test_image_build.py: apt-get update",
    "apt did not download ...": "tests/unit/images/test_images_debian.py: apt did not download",
    "package NAME cannot be read": "tests/unit/images/test_images_debian.py: cannot be read",
    "the packages have no PATH": "tests/unit/images/test_images_tree.py: usr/bin/gone",
    "NAME: ... failed in the built image": "tests/unit/images/test_images_resolver.py: exec format error",
    "app: ...": "tests/unit/images/test_images_programs.py: No matching distribution found for thing==1",
    "app: requirements-app.lock is missing": "tests/unit/images/test_images_programs.py: is missing",
    "app: its base ... is not there": "tests/unit/images/test_images_programs.py: base:1 is not there",
    "python3 does not run in the base": "tests/unit/images/test_images_programs.py: python3 does not run",
    "image NAME is not on this engine": "tests/contract/test_engine_contract.py: is not on this engine",
    "vanished as soon as it was made": "tests/contract/test_engine_images.py: vanished as soon as it was made",
    "registry ... does not answer: nothing is known of newer releases": (
        "tests/contract/test_images_check.py: nothing is known of newer"
    ),
    "there is no image to save": "tests/unit/images/test_images_inventory.py: no image to save",
    "no official image is here whose digest could be locked": (
        "tests/unit/images/test_images_inventory.py: no official image"
    ),
    "create NAME: invalid mount config ...: bind source path does not exist: FOLDER": (
        "tests/unit/engine/test_engine_failures.py: bind source path does not exist: /x"
    ),
    "node_exporter.textfile: node_exporter cannot read a file of its textfile folder": (
        "tests/unit/components/test_node_exporter.py: cannot read a file of its textfile folder"
    ),
    "node_exporter.textfile: nobody has written for long: FILE AGE": (
        "tests/unit/components/test_node_exporter.py: nobody has written for long: jobs.prom"
    ),
    "the checks inside the network gave no report": "tests/unit/checks/test_checks_prober.py: gave no report",
    "no check was run": "tests/unit/cli/test_cli_milestones.py: no check was run",
}


def entries(section: str = "") -> list[str]:
    """The messages of the first column, of one section or of all."""
    found: list[str] = []
    title = ""
    for line in TEXT.splitlines():
        if line.startswith("## "):
            title = line[3:]
        if line.startswith("| `") and (not section or title == section):
            found += re.findall(r"`([^`]+)`", line.split(" | ")[0])
    return found


@pytest.mark.parametrize("hint", HINTS, ids=lambda hint: hint.name)
def test_each_hint_has_its_entry(hint: Hint) -> None:
    assert hint.entry in entries()


def test_the_table_is_large_and_its_names_are_distinct() -> None:
    assert len(ALL) >= LEAST
    assert [name for name, count in Counter(row.name for row in ALL).items() if count > 1] == []


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_each_row_has_its_entry(row: Breakage) -> None:
    assert {row.entry, row.refusal_entry} - {""} <= set(entries())


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_a_row_that_finds_something_demands_an_entry(row: Breakage) -> None:
    finds = row.said or row.warns or row.refusal
    assert bool(row.entry) == bool(finds), row.name


@pytest.mark.parametrize("section", PROVOKED)
def test_each_entry_is_provoked_or_proven_elsewhere(section: str) -> None:
    listed = entries(section)
    assert listed
    told = {entry for row in ALL for entry in (row.entry, row.refusal_entry)} | {hint.entry for hint in HINTS}
    assert [entry for entry in listed if entry not in told and entry not in ELSEWHERE] == []


@pytest.mark.parametrize("entry", ELSEWHERE)
def test_what_is_proven_elsewhere_is_named_there(entry: str) -> None:
    assert entry in entries(), "an entry that is gone"
    place, _, words = ELSEWHERE[entry].partition(": ")
    assert words in (ROOT / place).read_text(encoding="utf-8"), f"{place} does not say {words!r}"


@pytest.mark.parametrize(
    ("entry", "message", "fits"),
    [
        ("container NAME is gone", "container x-app is gone", True),
        ("container NAME is gone", "container x-app runs", False),
        ("COMPONENT.container: NAME is paused", "app.container: x-app is paused: docker unpause", True),
        ("silence ID ... holds back ALERT", "silence 7 of a=b holds back Watchdog", True),
        ("answered (401)", "answered 401", False),
    ],
)
def test_words_in_capitals_and_dots_stand_for_anything(entry: str, message: str, fits: bool) -> None:
    assert bool(re.search(pattern(entry), message)) == fits


def test_a_fault_that_nobody_repairs_is_no_row() -> None:
    with pytest.raises(ValueError, match="somebody must"):
        Breakage("x", nothing, start="refuses")


def test_what_runs_seldom_is_a_row_and_the_rest_is_still_large() -> None:
    assert set(BY_NAME) >= SELDOM | UNPROVEN
    assert len(ALL) - len(SELDOM | UNPROVEN) >= LEAST
