"""Sources, their order, and the error that each bad value gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.common.errors import SettingsError
from stack.components import load
from stack.config import settings as config_settings
from stack.config.table import Table, Unit


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "prometheus").mkdir()
    return tmp_path


def write(project: Path, toml: str = "", dotenv: str = "") -> None:
    (project / "stack.toml").write_text(toml)
    (project / ".env").write_text(dotenv)


def test_defaults_are_closed_and_complete(project: Path) -> None:
    settings = load(environ={}, project=project)
    assert (settings.name, settings.bind) == ("monitoring", "127.0.0.1")
    ports = {c: settings.port(c) for c in ("grafana", "prometheus", "alertmanager", "app")}
    assert ports == {"grafana": 3000, "prometheus": 9090, "alertmanager": 9093, "app": 8000}
    assert set(settings.components) == {"prometheus", "alertmanager", "grafana", "node_exporter", "app"}
    assert settings.state == project / ".stack" / "monitoring"


def test_options_win_over_environment_over_dotenv_over_toml_over_defaults(project: Path) -> None:
    write(project, toml='name = "from-toml"\n[grafana]\nport = 3001\n[prometheus]\nport = 9001\n')
    toml_only = load(environ={}, project=project)
    assert (toml_only.name, toml_only.port("grafana"), toml_only.port("prometheus")) == (
        "from-toml",
        3001,
        9001,
    )
    write(
        project,
        toml='name = "from-toml"\n[grafana]\nport = 3001\n',
        dotenv="STACK_NAME=from-dotenv\nOTHER=1\n",
    )
    assert load(environ={}, project=project).name == "from-dotenv"
    assert load(environ={"STACK_NAME": "from-env"}, project=project).name == "from-env"
    assert (
        load({"name": "from-option"}, environ={"STACK_NAME": "from-env"}, project=project).name
        == "from-option"
    )


def test_a_single_port_of_the_same_source_stays_beside_a_port_base(project: Path) -> None:
    settings = load({}, environ={"STACK_PORT_BASE": "20000", "STACK_APP_PORT": "1234"}, project=project)
    assert [settings.port(c) for c in ("grafana", "app")] == [20000, 1234]
    with pytest.raises(SettingsError, match=r"app\.port: 20001 is the port of prometheus too"):
        load({}, environ={"STACK_PORT_BASE": "20000", "STACK_APP_PORT": "20001"}, project=project)


def test_a_port_base_counts_up_and_wins_over_single_ports_of_weaker_sources(project: Path) -> None:
    settings = load({"port_base": "20000"}, environ={"STACK_APP_PORT": "1234"}, project=project)
    assert [settings.port(c) for c in ("grafana", "prometheus", "alertmanager", "app")] == [
        20000,
        20001,
        20002,
        20003,
    ]


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"STACK_GRAFANA_PORT": "70000"},
            "grafana.port: must be 1-65535, got 70000: change it in STACK_GRAFANA_PORT",
        ),
        ({"STACK_GRAFANA_PORT": "x"}, "grafana.port: must be 1-65535, got x"),
        ({"STACK_APP_PORT": "-1"}, "app.port: must be 1-65535, got -1"),
        ({"STACK_APP_PORT": "٣"}, "app.port: must be 1-65535"),
        ({"STACK_PORT_BASE": "65535"}, "port_base: must be 1-65531, got 65535"),
        ({"STACK_NAME": "Not OK"}, "name: must be 1-40 of a-z, 0-9 and -, got 'Not OK'"),
        ({"STACK_NAME": "../x"}, "name: must be"),
        ({"STACK_BIND": "everywhere"}, "bind: must be an IP address, got 'everywhere'"),
        ({"STACK_BIND": "0.0.0.0"}, "bind: 0.0.0.0 opens the stack to the network: keep 127.0.0.1"),
        ({"STACK_BIND": "::"}, "bind: :: opens the stack"),
        ({"STACK_GRAFANA": "maybe"}, "grafana.mode: must be one of auto, required, off, got 'maybe'"),
        (
            {"STACK_DATABASE": "mysql"},
            "database.mode: must be one of sqlite, postgres, got 'mysql': change it in STACK_DATABASE",
        ),
        ({"STACK_LOAD_RATE": "nan"}, "app.load_rate: must be above 0"),
        ({"STACK_RETENTION_SIZE": "0GB"}, "prometheus.retention_size: must be like 2GB, got '0GB'"),
        ({"STACK_APP_PORT": "9090"}, "app.port: 9090 is the port of prometheus too: choose another"),
    ],
)
def test_bad_values_name_place_and_remedy(project: Path, environ: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(environ=environ, project=project)
    assert str(error.value).startswith(message)
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("toml", "dotenv", "message"),
    [
        ("[grafana]\nprot = 1\n", "", "unknown setting grafana.prot: did you mean grafana.port?"),
        ("nonsense = 1\n", "", "unknown setting nonsense: see docs/settings.md"),
        ("name = \n", "", "Invalid value"),
        (
            "",
            "STACK_GRAFANA_PROT=1\n",
            "unknown setting STACK_GRAFANA_PROT: did you mean STACK_GRAFANA_PORT?",
        ),
        ("[grafana]\nport = 70000\n", "", "grafana.port: must be 1-65535, got 70000"),
    ],
)
def test_files_are_named_in_errors(project: Path, toml: str, dotenv: str, message: str) -> None:
    write(project, toml, dotenv)
    with pytest.raises(SettingsError) as error:
        load(environ={}, project=project)
    assert message in str(error.value)
    assert str(project) in str(error.value)


def test_an_open_bind_address_needs_an_explicit_word(project: Path) -> None:
    environ = {"STACK_BIND": "0.0.0.0", "STACK_INSECURE_BIND": "true"}
    assert load(environ=environ, project=project).bind == "0.0.0.0"


def test_grafana_can_be_switched_off_and_components_left_out(project: Path) -> None:
    assert "grafana" not in load(environ={"STACK_GRAFANA": "off"}, project=project).components
    assert "app" not in load({"components.app": "off"}, environ={}, project=project).components


PLACES = {"grafana": "127.0.0.1:3000", "prometheus": "0.0.0.0:9190", "node_exporter": "", "app": "0.0.0.0:?"}


def test_what_is_published_elsewhere_is_asked_there_and_the_rest_where_the_settings_say(
    project: Path,
) -> None:
    settings = load({"port_base": "20000"}, environ={}, project=project)
    placed = settings.as_placed(PLACES, keep_bind=True)
    ports = [placed.port(c) for c in ("grafana", "prometheus", "alertmanager", "app")]
    assert ports == [3000, 9190, 20002, 20003]
    assert placed.bind == "0.0.0.0"
    assert settings.port("grafana") == 20000, "settings are values"


def test_to_be_started_again_it_is_placed_on_the_address_of_the_settings(project: Path) -> None:
    placed = load(environ={}, project=project).as_placed(PLACES, keep_bind=False)
    assert (placed.bind, placed.port("prometheus")) == ("127.0.0.1", 9190)


def test_an_address_of_ipv6_is_told_from_its_port(project: Path) -> None:
    placed = load(environ={}, project=project).as_placed({"app": "[::1]:8100"}, keep_bind=True)
    assert (placed.bind, placed.port("app")) == ("::1", 8100)


def test_settings_can_be_limited_to_the_components_that_there_are(project: Path) -> None:
    settings = load(environ={}, project=project).limited_to(frozenset({"prometheus", "app", "postgres"}))
    assert set(settings.components) == {"prometheus", "app", "postgres"}


def test_what_the_stack_remembers_stands_between_the_settings_and_the_command_line(project: Path) -> None:
    held = {"components.postgres": "on"}
    environ = {"STACK_COMPONENTS": "postgres=off"}
    assert "postgres" in load(environ=environ, project=project, remembered=held).components
    asked = {"components.postgres": "off"}
    assert "postgres" not in load(asked, environ=environ, project=project, remembered=held).components


def test_the_database_is_a_component_only_where_it_is_chosen(project: Path) -> None:
    assert "postgres" not in load(environ={}, project=project).components
    assert "postgres" in load(environ={"STACK_DATABASE": "postgres"}, project=project).components


def test_a_token_file_counts_from_the_folder_of_the_settings(project: Path, tmp_path: Path) -> None:
    assert load(environ={}, project=project).file("app.token_file") is None
    write(project, toml='[app]\ntoken_file = "secrets/token"\n')
    assert load(environ={}, project=project).file("app.token_file") == project / "secrets" / "token"
    absolute = {"STACK_APP_TOKEN_FILE": str(tmp_path / "token")}
    assert load(environ=absolute, project=project).file("app.token_file") == tmp_path / "token"


@pytest.mark.parametrize("name", ["stack.toml", ".env"])
def test_a_settings_file_that_is_no_text_or_no_file_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"STACK_NAME=\xff\n")
    with pytest.raises(SettingsError, match=f"{name}: .*invalid start byte: save it as UTF-8"):
        load(environ={"STACK_HOME": str(tmp_path)})
    path.unlink()
    path.mkdir()
    with pytest.raises(SettingsError, match=f"{name}: Is a directory"):
        load(environ={"STACK_HOME": str(tmp_path)})


def test_components_are_switched_in_every_source(project: Path) -> None:
    for toml, dotenv, environ in (
        ('[components]\napp = "off"\npostgres = "on"\n', "", {}),
        ('components = "app=off,postgres=on"\n', "", {}),
        ("components.app = 'off'\ncomponents.postgres = 'on'\n", "", {}),
        ("", "STACK_COMPONENTS=app=off,postgres=on\n", {}),
        ("", "", {"STACK_COMPONENTS": " app = off , , postgres=on,"}),
    ):
        write(project, toml, dotenv)
        settings = load(environ=environ, project=project)
        assert (settings.switch("app"), settings.switch("postgres")) == ("off", "on")
        assert settings.switch("grafana") == "auto", "what is not named keeps its default"
        assert {"components.app", "components.postgres"} == settings.given
        assert set(settings.components) == {"prometheus", "alertmanager", "node_exporter", "grafana"}


def test_a_later_source_changes_only_what_it_names(project: Path) -> None:
    write(project, toml='[components]\napp = "off"\nnode_exporter = "off"\n')
    settings = load(environ={"STACK_COMPONENTS": "app=on"}, project=project)
    assert (settings.switch("app"), settings.switch("node_exporter")) == ("on", "off")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"STACK_COMPONENTS": "app"}, "components: must be like app=off,postgres=on, got 'app'"),
        ({"STACK_COMPONENTS": "app:off"}, "components: must be like app=off,postgres=on, got 'app:off'"),
        ({"STACK_COMPONENTS": "app=maybe"}, "components.app: must be one of on, off, auto, got 'maybe'"),
        ({"STACK_COMPONENTS": "app="}, "components.app: must be one of on, off, auto, got ''"),
        (
            {"STACK_COMPONENTS": "prometeus=off"},
            "STACK_COMPONENTS: unknown setting components.prometeus: did you mean components.prometheus?",
        ),
        ({"STACK_COMPONENTS": "prometheus=off"}, "components.prometheus: it cannot be left out"),
        ({"STACK_APP_MEMORY": "16m"}, "app.limits.memory: must be at least 32m, got '16m'"),
        ({"STACK_APP_MEMORY": "1G"}, "app.limits.memory: must be like 512m or 2g, got '1G'"),
        ({"STACK_APP_MEMORY": "\u0661g"}, "app.limits.memory: must be like 512m or 2g"),
        ({"STACK_APP_CPUS": "0"}, "app.limits.cpus: must be a number above 0 like 0.5 or 2, got '0'"),
        ({"STACK_APP_CPUS": "0.00"}, "app.limits.cpus: must be a number above 0"),
        ({"STACK_APP_CPUS": "nan"}, "app.limits.cpus: must be a number above 0"),
        ({"STACK_APP_CPUS": "-1"}, "app.limits.cpus: must be a number above 0"),
        ({"STACK_APP_CPUS": "\u0661"}, "app.limits.cpus: must be a number above 0"),
        ({"STACK_RETENTION_TIME": "1\u0665d"}, "prometheus.retention_time: must be like 15d"),
        ({"STACK_RETENTION_TIME": "\u0661\u0665d"}, "prometheus.retention_time: must be like 15d"),
        ({"STACK_RETENTION_SIZE": "\u0662GB"}, "prometheus.retention_size: must be like 2GB"),
        ({"STACK_LOAD_RATE": "\u0661"}, "app.load_rate: must be above 0"),
        ({"STACK_PORT_BASE": "\u0663\u0660\u0660\u0660"}, "port_base: must be 1-65535"),
        ({"STACK_NAME": "d\u00e9mo"}, "name: must be 1-40 of a-z, 0-9 and -"),
    ],
)
def test_bad_switches_limits_and_digits_name_place_and_remedy(
    project: Path, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError) as error:
        load(environ=environ, project=project)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[app]\nimage = ["a"]\n', "app.image: must be a text or a number, got ['a']"),
        ("[app]\nimage = 2026-01-01\n", "app.image: must be a text or a number"),
        ('components = ["app=off"]\n', "components: must be a text or a number"),
        ("[components]\napp = false\n", "components.app: must be one of on, off, auto, got 'false'"),
        ("[prometheus.limits]\nmemory = 1\n", "prometheus.limits.memory: must be like 512m or 2g, got '1'"),
        ("[prometheus]\nlimits = 1\n", "unknown setting prometheus.limits"),
        ("[app.port]\nx = 1\n", "unknown setting app.port.x"),
        ("[grafana]\nport = true\n", "grafana.port: must be 1-65535, got true"),
        ("[grafana]\nport = 3000.5\n", "grafana.port: must be 1-65535, got 3000.5"),
    ],
)
def test_a_value_of_another_kind_is_named_with_its_file(project: Path, toml: str, message: str) -> None:
    write(project, toml)
    with pytest.raises(SettingsError) as error:
        load(environ={}, project=project)
    assert message in str(error.value)
    assert "stack.toml" in str(error.value)


def test_a_list_where_a_text_is_wanted_is_shown_as_text(project: Path) -> None:
    write(project, '[prometheus]\nextra_args = ["--a", "--b=1"]\n')
    with pytest.raises(SettingsError) as error:
        load(environ={}, project=project)
    assert error.value.hint == 'write one text: "--a --b=1"'


SHOP = b"scrape_configs: []"
NEEDY = Table(
    (
        Unit("prometheus"),
        Unit("probing", switch="needed", needed=lambda tree: "own/prometheus/scrape/shop.yml" in tree),
        Unit("redis", switch="off"),
    )
)


def test_a_component_runs_where_a_file_needs_it(project: Path) -> None:
    settings = config_settings.load(NEEDY, environ={}, project=project)
    assert settings.components == ("prometheus",), "no file was looked at yet"
    beside = settings.for_files({"own/prometheus/scrape/shop.yml": SHOP})
    assert beside.components == ("prometheus", "probing")
    assert beside.for_files({}).components == ("prometheus",)


@pytest.mark.parametrize(
    ("switch", "runs"), [("on", True), ("off", False), ("auto", True), ("needed", False)]
)
def test_whoever_switches_it_decides(project: Path, switch: str, runs: bool) -> None:
    write(project, toml=f'[components]\nprobing = "{switch}"\n')
    settings = config_settings.load(NEEDY, environ={}, project=project)
    assert ("probing" in settings.for_files({}).components) is runs


def test_only_what_can_tell_whether_it_is_needed_can_be_switched_to_it(project: Path) -> None:
    write(project, toml='[components]\nredis = "needed"\n')
    with pytest.raises(SettingsError, match=r"components.redis: must be one of on, off, auto, got 'needed'"):
        config_settings.load(NEEDY, environ={}, project=project)


def test_a_running_stack_follows_its_files(project: Path) -> None:
    settings = config_settings.load(NEEDY, environ={}, project=project)
    running = frozenset({"prometheus", "redis"})
    beside = settings.for_files({"own/prometheus/scrape/shop.yml": SHOP})
    assert beside.as_needed(running) == running | {"probing"}
    assert settings.as_needed(running | {"probing"}) == running
    write(project, toml='[components]\nprobing = "on"\n')
    switched = config_settings.load(NEEDY, environ={}, project=project)
    assert switched.as_needed(running) == running, "what is switched follows its switch, at the next start"
