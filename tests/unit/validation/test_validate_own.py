"""What native files say of each other, with the file, the line and the remedy as people know them."""

from __future__ import annotations

import json

import pytest
import trustme

from stack.common.errors import ConfigurationInvalid
from stack.components import BY_NAME, assemble
from stack.components.build import Build
from stack.engine.interface import Ran
from stack.model.found import FileFound
from stack.model.spec import ConfigFile, StackSpec
from stack.validation.files import validate
from stack.validation.native import known_line
from stack.validation.syntax import check_syntax
from tests.fakes.engine.memory import MemoryEngine
from tests.unit.components.test_own import JOB, MAIN, MINE, RULES, SCRAPE, TARGETS, own

CA = trustme.CA().cert_pem.bytes()
RECEIVER = "own/receivers/oncall.toml"
SLACK = b'type = "slack"\nurl_file = "own/secrets/slack"\n'
SECRETS = {"own/secrets/password": b"p", "own/secrets/team/ca.pem": CA, "own/secrets/a b": b"p"}
OPS = b"""\
templates: [templates/*.tmpl]
route: {receiver: a}
receivers:
- name: a
  slack_configs:
  - api_url_file: ../secrets/slack
    channel: %b
"""
STATIC = b"scrape_configs:\n- job_name: q\n  static_configs: [{targets: [a]}]\n"


def check(build: Build) -> None:
    check_syntax(BY_NAME, *((s.component, s.judged) for s in assemble(build).services))


def test_all_that_is_named_is_there() -> None:
    check(
        own(
            {f"{SCRAPE}mine.yml": JOB, **SECRETS, MAIN: MINE, "own/secrets/slack": b"https://hooks.example/x"}
        )
    )


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({f"{SCRAPE}a/b.yml": JOB}, f"{SCRAPE}a/b.yml:3: password_file: ../../secrets/password is not in"),
        (
            {f"{SCRAPE}b.yml": JOB},
            f"{SCRAPE}b.yml:3: password_file: own/secrets/password is missing or no file: put it there",
        ),
        ({MAIN: MINE}, f"{MAIN}:5: api_url_file: own/secrets/slack is missing"),
        (
            {RECEIVER: SLACK},
            f"{RECEIVER}: api_url_file: own/secrets/slack is missing or no file: put it there",
        ),
        (
            {
                RECEIVER: SLACK + b"text = '{{ template \"stack.txt\" . }}'\n",
                "own/secrets/slack": b"https://hooks.example/x",
            },
            f"{RECEIVER}: template stack.txt is not defined, so that no notification could be written: did you mean",
        ),
        (
            {
                MAIN: MINE.replace(b"'#a'", b"'{{ template \"x\" . }}'"),
                "own/secrets/slack": b"https://hooks.example/x",
            },
            f"{MAIN}:5: template x is not defined",
        ),
        (
            {"own/alertmanager/templates/a.tmpl": b'\n{{ define "a" }}{{ template "b" . }}{{ end }}'},
            "own/alertmanager/templates/a.tmpl:2: template b is not defined",
        ),
        (
            {MAIN: OPS % b"#a and b  ", "own/secrets/slack": b"https://hooks.example/x"},
            f'{MAIN}:7: channel: #a and b is a comment, and channel is empty: put it in quotes: channel: "#a and b"',
        ),
        (
            {"own/alertmanager/templates/a.tmpl": b'{{ .CommonLabels.a }}\n{{/* define "x" */}}'},
            "own/alertmanager/templates/a.tmpl: it defines no template, so nothing can use it: write {{ define",
        ),
        (
            {MAIN: MINE, "own/secrets/slack": b"\n"},
            "own/secrets/slack: it is empty: the secret as its one line",
        ),
        (
            {MAIN: MINE, "own/secrets/slack": b"a\nb\n"},
            "own/secrets/slack: more than one line: the secret as",
        ),
        (
            {MAIN: MINE, "own/secrets/slack": b"a \r\n"},
            "own/secrets/slack: a blank or an empty line around it",
        ),
        (
            {MAIN: MINE.replace(b"../secrets/slack", b"/etc/alertmanager/secrets/slack")},
            f"{MAIN}:5: api_url_file: /etc/alertmanager/secrets/slack is not in the container",
        ),
        (
            {f"{SCRAPE}b.yml": STATIC + b"  authorization: {credentials_file: /home/me/token}\n"},
            f"{SCRAPE}b.yml:4: credentials_file: /home/me/token is not in the container: put the file into",
        ),
        (
            {f"{SCRAPE}b.yml": STATIC + b"  file_sd_configs: [{files: [../targets/x.yml]}]\n"},
            f"{SCRAPE}b.yml:4: files: own/prometheus/targets/x.yml is missing",
        ),
        (
            {f"{SCRAPE}b.yml": STATIC + b"  file_sd_configs: [{files: [/srv/x.yml]}]\n"},
            f"{SCRAPE}b.yml:4: files: /srv/x.yml is not in the container",
        ),
        (
            {f"{SCRAPE}b.yml": STATIC.replace(b" q", b" app")},
            f"{SCRAPE}b.yml:2: job_name 'app' is that of prometheus/scrape/app.yml: choose another name",
        ),
        (
            {f"{SCRAPE}b.yml": STATIC, f"{SCRAPE}c/d.json": b'{"scrape_configs": [{"job_name": "q"}]}'},
            f"{SCRAPE}c/d.json:1: job_name 'q' is that of {SCRAPE}b.yml",
        ),
        (
            {
                f"{RULES}k.yml": b"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec: {groups: []}\n"
            },
            f"{RULES}k.yml: a PrometheusRule is no rule file of Prometheus: monitoring-stack rules add FILE takes",
        ),
        ({f"{RULES}grün.json": b'{"groups": [}'}, f"{RULES}grün.json:1:13: "),
        ({f"{RULES}a\nb.yml": b"a: ["}, f"{RULES}a\\nb.yml:2:1: "),
        (
            {f"{SCRAPE}b.yml": JOB, **SECRETS, f"{TARGETS}a.json": b'{"targets": []}'},
            f"{TARGETS}a.json: no list of targets",
        ),
        (
            {f"{SCRAPE}b.yml": JOB, **SECRETS, f"{TARGETS}a.json": b'[{"targets": "a:1"}]'},
            f"{TARGETS}a.json: no list of targets",
        ),
        ({f"{SCRAPE}b.yml": JOB, **SECRETS, f"{TARGETS}eu/b.yml": b"- ["}, f"{TARGETS}eu/b.yml:2:1: "),
        ({"own/alertmanager/templates/a.tmpl": b"\xff"}, "own/alertmanager/templates/a.tmpl: 'utf-8' codec"),
        (
            {
                MAIN: b"templates: [x/*.tmpl]\n" + MINE,
                "own/secrets/slack": b"https://hooks.example/x",
                "own/alertmanager/templates/a.tmpl": b"",
            },
            f"own/alertmanager/templates/a.tmpl: no pattern under templates of {MAIN} loads it: it needs",
        ),
        (
            {
                "prometheus/prometheus.yml": b"scrape_config_files: ['./scrape/*.yml']\nrule_files: [rules/app*.yml]\n"
            },
            "prometheus/rules/alertmanager.yml: no pattern under rule_files of prometheus/prometheus.yml loads it",
        ),
        (
            {MAIN: MINE + b"  - name: stack-test\n", "own/secrets/slack": b"https://hooks.example/x"},
            f"{MAIN}:6: no route leads to the receiver stack-test, so no alert path can be proven: add the route",
        ),
        (
            {"own/grafana/dashboards/a.json": b'{"uid": "slo", "title": "T", "panels": []}'},
            "own/grafana/dashboards/a.json: uid 'slo' is that of grafana/dashboards/slo.json",
        ),
    ],
)
def test_file_line_and_remedy_are_named(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(ConfigurationInvalid) as error:
        check(own(files))
    assert str(error.value).startswith(message)


def test_a_main_file_of_the_users_own_need_not_load_what_is_shipped() -> None:
    check(own({MAIN: MINE, "own/secrets/slack": b"https://hooks.example/x"}))


@pytest.mark.parametrize("text", [b"", b"\n", b'{{/* define "x" */}}\n{{- /* two\nlines */ -}}\n'])
def test_a_template_file_of_comments_alone_is_none_that_anybody_misses(text: bytes) -> None:
    check(own({"own/alertmanager/templates/a.tmpl": text}))


def test_lines_are_told_as_the_user_has_them() -> None:
    source = b"a: 1\nb:\n  - x\n  - y\nc: 2\n"
    file = ConfigFile("a.yml", source).edited(b"a: 1\nb:\n  - ours\n  - x\n  - y\nc: 3\n")
    assert [known_line(file, line) for line in (1, 2, 4, 5, 6)] == [1, 2, 3, 4, 5]
    assert known_line(file, 3) == 2, "a line of ours: behind which it was put"
    gone = ConfigFile("a.yml", source).edited(b"a: 1\nc: 2\n")
    assert known_line(gone, 2) == 5
    assert known_line(ConfigFile("a.yml", source), 4) == 4


def test_a_tool_speaks_of_the_users_own_path_and_line() -> None:
    said = (
        "Checking '/etc/stack/current/alertmanager.yml'  FAILED: yaml: unmarshal errors:\n"
        "  line 7: field slak_configs not found in type config.plain\n"
    )
    asked = MemoryEngine(
        program=lambda argv, files: Ran(1, said) if "amtool" in " ".join(argv) else Ran(0, "")
    )
    spec = assemble(own({MAIN: MINE, "own/secrets/slack": b"https://hooks.example/x"}))
    for service in spec.services:
        asked.hold(service.image)
    only = StackSpec("s", (spec.service("alertmanager"),))
    with pytest.raises(
        ConfigurationInvalid, match=rf"^{MAIN}:5: this Alertmanager has no integration slak: "
    ):
        validate(only, asked, BY_NAME, lambda identity: False)


def test_promtool_gets_targets_and_real_certificates_and_speaks_of_the_users_paths() -> None:
    given: dict[str, bytes] = {}

    def promtool(argv: tuple[str, ...], files: dict[str, ConfigFile]) -> Ran:
        given.update({path: file.content for path, file in files.items()})
        return Ran(1, "  FAILED: /etc/stack/current/rules/~own+a%2Eyaml.yml: /etc/stack/targets/a.json: no\n")

    files = {f"{SCRAPE}b.yml": JOB, f"{RULES}a.yaml": b"groups: []\n", f"{TARGETS}a.json": b"[]"}
    spec = assemble(own({**files, **SECRETS, "own/secrets/team/ca.pem": CA + b"\n"}))
    asked = MemoryEngine(program=promtool)
    asked.hold(spec.service("prometheus").image)
    only = StackSpec("s", (spec.service("prometheus"),))
    with pytest.raises(ConfigurationInvalid, match=rf"^{RULES}a.yaml: {TARGETS}a.json: no"):
        validate(only, asked, BY_NAME, lambda identity: False)
    assert given["/etc/stack/targets/a.json"] == b"[]"
    assert given["/etc/stack/current/secrets/team/ca.pem"] == CA


NAMES_IN_IMAGE = STATIC + b"  tls_config: {ca_file: /etc/ssl/certs/company.pem}\n"


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "is not there in image prometheus:1: put"),
        (FileFound("folder", 0o755, 0), "is a folder in image prometheus:1: put"),
        (FileFound("other", 0o666, 0), "is no file in image prometheus:1: put"),
        (FileFound("file", 0o600, 0, CA), "is not readable for user 65534 in image prometheus:1: put"),
    ],
)
def test_a_file_that_the_image_lacks_is_named(found: FileFound | None, message: str) -> None:
    with pytest.raises(ConfigurationInvalid) as error:
        judge_in_image(found)
    place = f"{SCRAPE}b.yml:4: ca_file: /etc/ssl/certs/company.pem"
    assert str(error.value).startswith(f"{place} {message}")


@pytest.mark.parametrize(("mode", "uid"), [(0o644, 0), (0o640, 0), (0o400, 65534), (0o400, None)])
def test_a_file_that_the_image_has_will_do(mode: int, uid: int | None) -> None:
    judge_in_image(FileFound("file", mode, uid, CA))


def judge_in_image(found: FileFound | None) -> None:
    engine = MemoryEngine()
    if found:
        engine.of_images["/etc/ssl/certs/company.pem"] = found
    spec = assemble(own({f"{SCRAPE}b.yml": NAMES_IN_IMAGE}))
    only = StackSpec("s", (spec.service("prometheus"),))
    engine.hold(only.services[0].image)
    validate(only, engine, BY_NAME, lambda identity: False)


def test_what_the_tool_says_of_a_receiver_names_the_place_that_it_is_made_of() -> None:
    spec = assemble(
        own({RECEIVER: SLACK + b"chanel = 'a'\n", "own/secrets/slack": b"https://hooks.example/x"})
    )
    main = next(f for f in spec.service("alertmanager").files if f.path == "alertmanager.yml")
    line = next(n for n, text in enumerate(main.content.splitlines(), 1) if b"chanel" in text)
    said = (
        "Checking '/etc/stack/current/alertmanager.yml'  FAILED: yaml: unmarshal errors:\n"
        f"  line {line}: field chanel not found in type config.plain\n"
    )
    asked = MemoryEngine(program=lambda argv, files: Ran(1, said))
    asked.hold(spec.service("alertmanager").image)
    only = StackSpec("s", (spec.service("alertmanager"),))
    with pytest.raises(ConfigurationInvalid, match=rf"^{RECEIVER}: field chanel not found"):
        validate(only, asked, BY_NAME, lambda identity: False)


@pytest.mark.parametrize(
    ("kind", "said", "place"),
    [
        ("slack", "no Slack API URL nor App token set either inline or in a file", RECEIVER),
        ("email", "no global SMTP smarthost set", RECEIVER),
        ("email", "no route provided in config", "alertmanager/alertmanager.yml"),
    ],
)
def test_a_complaint_without_a_line_names_the_receivers_that_it_can_be_about(
    kind: str, said: str, place: str
) -> None:
    spec = assemble(own({RECEIVER: f'type = "{kind}"\n'.encode()}))
    asked = MemoryEngine(
        program=lambda argv, files: Ran(1, f"Checking '/etc/stack/current/alertmanager.yml'  FAILED: {said}")
    )
    asked.hold(spec.service("alertmanager").image)
    only = StackSpec("s", (spec.service("alertmanager"),))
    with pytest.raises(ConfigurationInvalid, match=rf"^{place}: {said}"):
        validate(only, asked, BY_NAME, lambda identity: False)


def test_texts_that_are_to_be_sent_are_written_for_samples_with_their_places() -> None:
    spec = assemble(
        own({RECEIVER: SLACK + b"text = '{{ .Foo }}'\n", "own/secrets/slack": b"https://hooks.example/x"})
    )
    words = BY_NAME["alertmanager"].tool_words(spec.service("alertmanager").files)
    assert json.loads(words[0])["alerts"]
    assert words[1:4] == (RECEIVER, "text", "{{ .Foo }}") and words[6] == '{{ template "stack.title" . }}'


def test_a_comment_behind_a_key_is_a_comment() -> None:
    for value in (b"ops #a", b"# none", b"'' #a", b"|\n      #a"):
        check(own({MAIN: OPS % value, "own/secrets/slack": b"https://hooks.example/x"}))
