"""Files of the user's own in the description: beside the shipped ones, with the secrets and targets that they name."""

from __future__ import annotations

import pytest
import yaml
from msgspec.structs import replace

from stack.common.errors import ConfigurationInvalid
from stack.components import BY_NAME, assemble
from stack.components.build import Build
from stack.deploy.left_out import left_out, refuse_faults
from stack.model.left_out import LeftOut
from stack.model.spec import ConfigFile, StackSpec
from tests.unit.components.test_components import build

SCRAPE = "own/prometheus/scrape/"
RULES = "own/prometheus/rules/"
TARGETS = "own/prometheus/targets/"
MAIN = "own/alertmanager/alertmanager.yml"
JOB = b"""\
scrape_configs:
  - job_name: mine  # of mine
    basic_auth: {username: me, password_file: ../../secrets/password}
    tls_config:
      ca_file: &ca own/secrets/team/ca.pem
      cert_file: *ca
    http_headers:
      X-Key: {files: ["../../secrets/a b"]}
    file_sd_configs:
      - files: [../targets/*.json, own/prometheus/targets/eu/*.yml]
"""
MINE = b"""\
route:
  receiver: people
receivers:
  - name: people
    slack_configs: [{api_url_file: ../secrets/slack, channel: '#a'}]
"""


def own(files: dict[str, bytes], absent: tuple[tuple[str, str], ...] = ()) -> Build:
    return replace(build(), tree={**build().tree, **files}, absent=absent)


def by_origin(stack: StackSpec, component: str) -> dict[str, ConfigFile]:
    service = stack.service(component)
    return {file.origin: file for file in (*service.files, *service.assets) if file.origin}


def told(made: Build) -> dict[str, LeftOut]:
    stack = assemble(made)
    used = [f for s in stack.services for f in (*s.files, *s.assets)]
    used += [f for c in BY_NAME.values() if c.name not in stack.components for f in c.files(made)]
    return {one.path: one for one in left_out(made, used)}


def test_scrape_and_rule_files_are_beside_the_shipped_ones_whatever_their_names() -> None:
    files = {
        f"{SCRAPE}grafana-mine.yaml": b"scrape_configs: []\n",
        f"{SCRAPE}team/app.json": b'{"scrape_configs": []}',
        f"{RULES}app-slo.yml": b"groups: []\n",
        "prometheus/rules/team/a.yaml": b"groups: []\n",
    }
    found = by_origin(assemble(own(files, absent=(("grafana", "no image"),))), "prometheus")
    assert files.items() <= {origin: file.content for origin, file in found.items()}.items()
    assert found["prometheus/rules/app-slo.yml"].path == "rules/app-slo.yml"
    assert all(found[origin].path.count("/") == 1 and found[origin].path.endswith(".yml") for origin in files)
    assert not [one for one in told(own(files)).values() if one.path in files]


def test_secrets_reach_the_product_that_names_them_and_nothing_else_of_the_file_changes() -> None:
    secrets = {"password": b"p\n", "team/ca.pem": b"ca\r\n", "a b": b"k\n\n", "slack": b"s", "other": b"o"}
    files = {f"{SCRAPE}mine.yml": JOB, MAIN: MINE, **{f"own/secrets/{n}": t for n, t in secrets.items()}}
    stack = assemble(own(files))
    given = {
        component: {f.path: f for f in stack.service(component).files if f.secret}
        for component in ("prometheus", "alertmanager")
    }
    assert {path: file.content for path, file in given["prometheus"].items()} == {
        "secrets/password": b"p",
        "secrets/team/ca.pem": b"ca",
        "secrets/a b": b"k\n",
    }
    assert {path: file.content for path, file in given["alertmanager"].items()} == {"secrets/slack": b"s"}
    assert all((f.mode, f.uid) == (0o400, 65534) for found in given.values() for f in found.values())
    text = by_origin(stack, "prometheus")[f"{SCRAPE}mine.yml"].content.decode()
    (job,) = yaml.safe_load(text)["scrape_configs"]
    assert job["basic_auth"]["password_file"] == "/etc/stack/current/secrets/password"
    assert job["tls_config"] == dict.fromkeys(
        ("ca_file", "cert_file"), "/etc/stack/current/secrets/team/ca.pem"
    )
    assert job["http_headers"]["X-Key"]["files"] == ["/etc/stack/current/secrets/a b"]
    assert "# of mine" in text and len(text.splitlines()) == len(JOB.splitlines())
    assert told(own(files))["own/secrets/other"].weight == "quiet"
    assert "own/secrets/slack" not in told(own(files))


def test_targets_lie_where_they_never_move_and_only_those_that_are_named() -> None:
    named = {f"{TARGETS}a.json": b"[]", f"{TARGETS}eu/b.yml": b"[]"}
    others = {f"{TARGETS}a.yml": b"[]", f"{TARGETS}eu/deep/b.yml": b"[]", f"{TARGETS}a.txt": b""}
    made = own({f"{SCRAPE}mine.yml": JOB, **named, **others})
    service = assemble(made).service("prometheus")
    placed = {f.origin: f.path for f in service.assets if f.path.startswith("targets/") and f.origin}
    assert placed == {f"{TARGETS}a.json": "targets/a.json", f"{TARGETS}eu/b.yml": "targets/eu/b.yml"}
    assert {"targets/.keep", "targets/eu/.keep"} <= {f.path for f in service.assets}, (
        "a missing folder is not watched"
    )
    assert "targets" in service.exact
    (job,) = yaml.safe_load(by_origin(assemble(made), "prometheus")[f"{SCRAPE}mine.yml"].content)[
        "scrape_configs"
    ]
    assert job["file_sd_configs"][0]["files"] == ["/etc/stack/targets/*.json", "/etc/stack/targets/eu/*.yml"]
    assert others.keys() <= told(made).keys() and not named.keys() & told(made).keys()


def test_the_container_does_not_change_with_files_of_ones_own() -> None:
    files = {f"{SCRAPE}mine.yml": JOB, f"{TARGETS}a.json": b"[]", MAIN: MINE}
    for component in ("prometheus", "alertmanager"):
        before, after = (assemble(one).service(component) for one in (build(), own(files)))
        assert before.digest() == after.digest()
        assert before.files_digest() != after.files_digest()


def test_an_own_dashboard_goes_to_grafana_under_its_uid_and_to_the_quick_look() -> None:
    made = own({"own/grafana/dashboards/team/x.json": b'{"uid": "mine", "title": "Mine", "panels": []}'})
    stack = assemble(made)
    linked = stack.service("grafana").linked
    assert linked and ("mine.json", "dashboards/~own+team+x.json") in linked.links
    assert "user/dashboards/~own+team+x.json" in {f.path for f in stack.service("prometheus").assets}


def test_the_users_own_main_file_takes_the_place_of_the_shipped_one() -> None:
    main = by_origin(assemble(own({MAIN: MINE})), "alertmanager")[MAIN]
    assert main.path == "alertmanager.yml" and main.source == MINE
    document = yaml.safe_load(main.content)
    assert [one["receiver"] for one in document["route"]["routes"]] == ["people", "stack-test", "stack-test"]
    assert document["route"]["routes"][0]["matchers"][1] == 'stack_receiver="people"'
    assert document["route"]["routes"][2]["continue"] is True
    assert [one["name"] for one in document["receivers"]] == ["stack-test", "people"]
    left = told(own({MAIN: MINE}))
    assert left["alertmanager/alertmanager.yml"].weight == "quiet"


@pytest.mark.parametrize(
    ("files", "path", "why"),
    [
        ({f"{RULES}alert.rules": b""}, f"{RULES}alert.rules", "does not end with .yml, .yaml or .json"),
        (
            {"prometheus/rules/a.rules": b""},
            "prometheus/rules/a.rules",
            "does not end with .yml, .yaml or .json",
        ),
        ({"own/prometheus/a.yml": b""}, "own/prometheus/a.yml", "nothing reads a file in own/prometheus/"),
        ({"own/dashboards/a.json": b""}, "own/dashboards/a.json", "nothing reads a file in own/dashboards/"),
        ({"own/grafana/dashboards/a.yml": b""}, "own/grafana/dashboards/a.yml", "does not end with .json"),
        ({"own/alertmanager/templates/a.html": b""}, "own/alertmanager/templates/a.html", "end with .tmpl"),
        ({f"{TARGETS}a.txt": b""}, f"{TARGETS}a.txt", "does not end with"),
        ({f"{TARGETS}a.yml": b""}, f"{TARGETS}a.yml", "no file_sd_configs"),
        ({f"{MAIN}/a.yml": b""}, f"{MAIN}/a.yml", "is a folder where a file should be"),
        (
            {MAIN: MINE, MAIN.replace("yml", "yaml"): MINE},
            MAIN.replace("yml", "yaml"),
            f"{MAIN} is read instead",
        ),
        (
            {"alertmanager/alertmanager.yaml": b""},
            "alertmanager/alertmanager.yaml",
            "alertmanager/alertmanager.yml is read instead",
        ),
    ],
)
def test_what_nobody_reads_is_named_with_the_reason(files: dict[str, bytes], path: str, why: str) -> None:
    one = told(own(files))[path]
    assert why in one.why and one.weight == "unused"
    refuse_faults([one])


def test_what_nobody_expects_to_be_read_is_told_quietly() -> None:
    files = {"own/README.md": b"", "own/prometheus/tests/a.yml": b"", "own/secrets/x": b""}
    made = own(files, absent=(("grafana", "no image"),))
    left = told(made)
    assert {left[path].weight for path in files} == {"quiet"}
    assert left["prometheus/rules/grafana.yml"].why == "it is about grafana, which does not run"
    assert all(one.weight == "quiet" for one in left.values()), "the shipped files are all accounted for"


def test_a_secret_that_a_setting_names_is_used() -> None:
    made = replace(
        build(STACK_GRAFANA_PASSWORD_FILE="own/secrets/x"), tree={**build().tree, "own/secrets/x": b""}
    )
    assert "own/secrets/x" not in told(made)


def test_the_first_fault_is_raised_and_the_others_follow() -> None:
    faults = [
        LeftOut("own/a", "gone", "mend it", "fault"),
        LeftOut("own/b", "x"),
        LeftOut("own/c", "y", "", "fault"),
    ]
    with pytest.raises(ConfigurationInvalid, match=r"^own/a: gone \(and 1 more\): mend it") as error:
        refuse_faults(faults)
    assert error.value.logs == ("own/c: y",)
