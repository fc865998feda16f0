"""Broken configuration is refused with its place before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from stack.common.errors import ConfigurationInvalid
from stack.components import BY_NAME
from stack.engine.interface import Ran
from stack.model.spec import ConfigFile, Health, Limits, ServiceSpec, StackSpec
from stack.validation.files import validate
from stack.validation.syntax import check_syntax
from tests.fakes.engine.memory import MemoryEngine


def service(component: str, **files: bytes) -> ServiceSpec:
    made = tuple(ConfigFile(path, content) for path, content in files.items())
    return ServiceSpec(
        component, f"{component}:1", "id", 80, "/", Limits(1, 1.0), Health(("CMD", "true")), files=made
    )


def board(**keys: Any) -> bytes:
    return json.dumps({"uid": "a", "title": "A", "panels": []} | keys).encode()


SOURCE = "provisioning/datasources/stack.yml"
PROVIDER = "provisioning/dashboards/stack.yml"
GOOD_SOURCE = b"apiVersion: 1\ndatasources: [{uid: p, name: P, type: prometheus, isDefault: true}]\n"


NESTED = "foldersFromFilesStructure"


def sources(*changes: dict[str, Any]) -> bytes:
    found = [{"uid": "p", "name": "P", "type": "prometheus"} | change for change in changes]
    return json.dumps({"apiVersion": 1, "datasources": found}).encode()


def providers(*changes: dict[str, Any]) -> bytes:
    found = [{"name": "x", "options": {"path": "/"}} | change for change in changes]
    return json.dumps({"apiVersion": 1, "providers": found}).encode()


@pytest.mark.parametrize(
    ("component", "files", "message"),
    [
        ("prometheus", {"rules/a.yml": b"groups:\n  - name: [\n"}, "prometheus/rules/a.yml:3:1: "),
        (
            "prometheus",
            {"rules/a.yml": b"a: b: c\n"},
            "prometheus/rules/a.yml:1:5: mapping values are not allowed",
        ),
        ("prometheus", {"rules/a.yml": b"\xff\xfe\x00"}, "prometheus/rules/a.yml"),
        ("grafana", {"dashboards/a.json": b'{"uid": "a",}'}, "grafana/dashboards/a.json:1:13: "),
        ("grafana", {"dashboards/a.json": board(uid="")}, "grafana/dashboards/a.json: no uid: give"),
        ("grafana", {"dashboards/a.json": b"[]"}, "grafana/dashboards/a.json: no dashboard"),
        (
            "grafana",
            {"dashboards/a.json": b'{"apiVersion": "dashboard.grafana.app/v2", "spec": {"elements": {}}}'},
            "grafana/dashboards/a.json: a dashboard in the format of resources: Grafana loads the classic format",
        ),
        (
            "grafana",
            {"dashboards/a.json": board(elements={})},
            "grafana/dashboards/a.json: a dashboard in the format of resources",
        ),
        ("grafana", {"dashboards/a.json": board(panels=3)}, "grafana/dashboards/a.json: no dashboard"),
        (
            "grafana",
            {"dashboards/a.json": board(panels=[{}, None])},
            "a.json: panel 2 of its list is no object",
        ),
        ("grafana", {"dashboards/a.json": b"[" * 100_000}, "grafana/dashboards/a.json: nested too deep"),
        (
            "grafana",
            {"dashboards/a.json": b"\n[%s]" % (b"9" * 5000)},
            "a.json:2: 99999999999999999999... is no",
        ),
        (
            "grafana",
            {SOURCE: b"apiVersion: 1\ndatasources: 3\n"},
            f"grafana/{SOURCE}: datasources is no list",
        ),
        (
            "grafana",
            {SOURCE: b"apiVersion: 1\ndatasources: [3]\n"},
            f"grafana/{SOURCE}: datasources is no list",
        ),
        (
            "grafana",
            {PROVIDER: b"apiVersion: 1\nproviders: [{name: x}]\n"},
            f"grafana/{PROVIDER}: a provider without options.path",
        ),
        (
            "grafana",
            {"dashboards/a.json": board(), "dashboards/b.json": board(title="B")},
            "grafana/dashboards/b.json: uid 'a' is that of grafana/dashboards/a.json",
        ),
        (
            "grafana",
            {"dashboards/a.json": board(), "dashboards/b.json": board(uid="b")},
            "grafana/dashboards/b.json: title 'A' is that of grafana/dashboards/a.json",
        ),
        ("grafana", {SOURCE: b"datasources: []\n"}, f"grafana/{SOURCE}: no apiVersion: 1"),
        (
            "grafana",
            {SOURCE: GOOD_SOURCE, "provisioning/datasources/two.yml": GOOD_SOURCE},
            "grafana/provisioning/datasources/two.yml: a second default",
        ),
        (
            "grafana",
            {SOURCE: b"apiVersion: 1\ndatasources: [{type: prometheus}]\n"},
            "a data source without uid",
        ),
        (
            "grafana",
            {
                SOURCE: b"apiVersion: 1\ndatasources: [{uid: p, name: A, type: a}, {uid: p, name: B, type: b}]\n"
            },
            "uid 'p' is taken",
        ),
        (
            "grafana",
            {"dashboards/a.json": b'{"x": NaN}'},
            "grafana/dashboards/a.json:1: NaN is no number of JSON",
        ),
        ("grafana", {"dashboards/a.json": "{}".encode("utf-16")}, "save it as UTF-8"),
        ("prometheus", {"rules/a.yml": "groups: []\n".encode("utf-16")}, "rules/a.yml: 'utf-8' codec"),
        ("prometheus", {"rules/a.yml": b"# 5 \xb0C\ngroups: []\n"}, "save it as UTF-8"),
        (
            "grafana",
            {"dashboards/a.json": b"\xef\xbb\xbf{}"},
            "grafana/dashboards/a.json:1: it begins with a byte order mark",
        ),
        ("grafana", {"dashboards/a.json": board(uid="x" * 41)}, "is refused by Grafana: at most 40"),
        ("grafana", {"dashboards/a.json": board(uid="a/b")}, "uid 'a/b' is refused by Grafana"),
        ("grafana", {"dashboards/a.json": board(title=" ")}, "grafana/dashboards/a.json: no title"),
        ("grafana", {"dashboards/a.json": board(title="A ")}, "spaces around the title"),
        ("grafana", {"dashboards/a.json": board(refresh="1s")}, "refresh '1s': Grafana would make it 5s"),
        ("grafana", {"dashboards/a.json": board(refresh="often")}, "refresh 'often'"),
        (
            "grafana",
            {SOURCE: GOOD_SOURCE + b"apiVersion: 1\n"},
            f"grafana/{SOURCE}:3:1: 'apiVersion' stands twice",
        ),
        ("grafana", {SOURCE: sources({"uid": "a.b"})}, "uid 'a.b' is refused by Grafana"),
        ("grafana", {SOURCE: sources({}, {"uid": "q"})}, "name 'P' is taken"),
        (
            "grafana",
            {SOURCE: sources({"isDefault": "yes"})},
            "isDefault of P is 'yes': it must be true or false",
        ),
        ("grafana", {SOURCE: sources({"jsonData": [1]})}, "jsonData of P is [1]: it must be an object"),
        ("grafana", {SOURCE: sources({"url": 9090})}, "url of P is 9090: it must be text"),
        ("grafana", {SOURCE: sources({"orgId": 2})}, "orgId 2: this Grafana has one organisation"),
        (
            "grafana",
            {SOURCE: b"apiVersion: 1\ndeleteDatasources: [Old]\n"},
            f"grafana/{SOURCE}: deleteDatasources is no list of objects",
        ),
        ("grafana", {PROVIDER: providers({"type": "http"})}, "a provider of type 'http'"),
        ("grafana", {PROVIDER: providers({}, {})}, "a second provider named 'x'"),
        (
            "grafana",
            {PROVIDER: providers({"folder": "F", "folderUid": "f", "options": {"path": "/", NESTED: True}})},
            "folder beside foldersFromFilesStructure",
        ),
    ],
)
def test_the_place_and_the_remedy_are_named(component: str, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(ConfigurationInvalid) as error:
        check_syntax(BY_NAME, (component, service(component, **files).files))
    assert message in str(error.value)
    assert error.value.exit_code == 2


@pytest.mark.parametrize("refresh", [None, False, "", "auto", "5s", "1m30s", "1d"])
def test_good_files_pass(refresh: object) -> None:
    check_syntax(
        BY_NAME, ("grafana", grafana(**{SOURCE: GOOD_SOURCE, "dashboards/a.json": board(refresh=refresh)}))
    )


def grafana(**files: bytes) -> tuple[ConfigFile, ...]:
    return service("grafana", **files).files


def test_files_of_what_does_not_run_are_checked_too() -> None:
    idle = (("grafana", grafana(**{"dashboards/a.json": b"{"})),)
    with pytest.raises(ConfigurationInvalid, match=r"^grafana/dashboards/a.json:1:2: "):
        validate(StackSpec("s", ()), MemoryEngine(), BY_NAME, lambda identity: False, idle)


def test_files_of_what_does_not_run_are_checked_once() -> None:
    def check(content: bytes, good: tuple[str, ...]) -> tuple[str, ...]:
        idle = (("grafana", grafana(**{"dashboards/a.json": content})),)
        return validate(StackSpec("s", ()), MemoryEngine(), BY_NAME, good.__contains__, idle)

    good = check(board(uid="a"), ())
    assert len(good) == 1 and check(board(uid="a"), good) == good
    assert check(board(uid="b"), good) != good
    with pytest.raises(ConfigurationInvalid):
        check(b"{", good)


PROMETHEUS = service("prometheus", **{"prometheus.yml": b"global: {}\n"})


def engine(answer: Ran) -> MemoryEngine:
    made = MemoryEngine(program=lambda argv, files: answer)
    made.hold("prometheus:1")
    return made


def test_the_products_own_tool_judges_and_its_words_are_passed_on() -> None:
    said = '  FAILED: /etc/stack/current/rules/a.yml: group "g", rule 1: bad expr\n'
    with pytest.raises(ConfigurationInvalid, match=r'prometheus/rules/a.yml: group "g", rule 1: bad expr'):
        validate(StackSpec("s", (PROMETHEUS,)), engine(Ran(1, said)), BY_NAME, lambda identity: False)


def test_of_several_faults_below_one_another_the_first_is_named_and_the_rest_follow() -> None:
    said = "  FAILED:\n/etc/stack/current/rules/a.yml: 9:15: unclosed\n/etc/stack/current/rules/a.yml: 22:15: another\n"
    with pytest.raises(ConfigurationInvalid, match=r"^prometheus/rules/a.yml: 9:15: unclosed") as caught:
        validate(StackSpec("s", (PROMETHEUS,)), engine(Ran(1, said)), BY_NAME, lambda identity: False)
    assert "22:15" in "".join(caught.value.logs)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "  FAILED:\n/etc/stack/current/rules/a.yml: yaml: unmarshal errors:\nline 1: no list\nline 9: x\n",
            "prometheus/rules/a.yml:1: no list",
        ),
        (
            "Checking '/etc/stack/current/a.yml'  FAILED: yaml: unmarshal errors:\n  line 1: no map\n",
            "prometheus/a.yml:1: no map",
        ),
        (
            'FAILED: error loading scrape configs: "/etc/stack/current/a.yml": job_name is empty\n',
            "prometheus/a.yml: job_name is empty",
        ),
        (
            "  FAILED:\nChecking /etc/stack/current/rules/b.yml\n  SUCCESS: 7 rules found\n"
            "/etc/stack/current/rules/a.yml: 9:15: unclosed\n",
            "prometheus/rules/a.yml: 9:15: unclosed",
        ),
        ("Checking '/etc/stack/current/a.yml'  FAILED: no route\n", "prometheus/a.yml: no route"),
    ],
)
def test_a_heading_of_the_tool_is_followed_by_the_fault_itself(said: str, told: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        validate(StackSpec("s", (PROMETHEUS,)), engine(Ran(1, said)), BY_NAME, lambda identity: False)
    assert caught.value.message == told


def test_a_silent_failure_of_the_tool_is_a_failure() -> None:
    with pytest.raises(ConfigurationInvalid, match="no output"):
        validate(StackSpec("s", (PROMETHEUS,)), engine(Ran(1, "")), BY_NAME, lambda identity: False)


def test_what_was_found_good_is_not_asked_again_and_a_change_is() -> None:
    asked = engine(Ran(0, ""))
    good = validate(StackSpec("s", (PROMETHEUS,)), asked, BY_NAME, lambda identity: False)
    calls = len(asked.calls)
    assert validate(StackSpec("s", (PROMETHEUS,)), asked, BY_NAME, good.__contains__) == good
    assert len(asked.calls) == calls
    edited = service("prometheus", **{"prometheus.yml": b"global: {} # edited\n"})
    assert validate(StackSpec("s", (edited,)), asked, BY_NAME, good.__contains__) != good
    assert len(asked.calls) > calls


def test_a_secret_that_files_name_is_there_by_a_stand_in() -> None:
    files: dict[str, ConfigFile] = {}

    def promtool(argv: tuple[str, ...], given: Mapping[str, ConfigFile]) -> Ran:
        files.update(given)
        return Ran(0, "")

    asked = MemoryEngine(program=promtool)
    asked.hold("prometheus:1")
    secret = ConfigFile("secrets/app_token", b"the-token", mode=0o400, uid=65534, secret=True)
    spec = StackSpec("s", (replace(PROMETHEUS, assets=(secret, ConfigFile("user/page.html", b"page"))),))
    validate(spec, asked, BY_NAME, lambda identity: False)
    assert set(files) == {"/etc/stack/current/prometheus.yml", "/etc/stack/secrets/app_token"}
    given = files["/etc/stack/secrets/app_token"]
    assert (given.mode, given.uid) == (0o400, 65534)
    assert b"the-token" not in given.content
