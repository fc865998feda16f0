"""render --own: docker compose gets the files of the user's own, as start would write them, or nothing at all."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import pytest
import yaml

from stack.cli.generated import render
from stack.cli.printer import Printer
from stack.cli.probe_files import Wish, files_of
from stack.common.errors import ConfigurationInvalid, SettingsError, StackError

ROOT = Path(__file__).resolve().parents[3]
JOB = """\
scrape_configs:
  - job_name: mine
    authorization: {credentials_file: own/secrets/token}
    file_sd_configs: [{files: [own/prometheus/targets/eu/*.yml]}]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("prometheus", "alertmanager", "grafana"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    return tmp_path


def run() -> int:
    options = argparse.Namespace(name=None, check=False, secrets=False, own=True)
    return render(options, Printer(quiet=True))


def put(home: Path, path: str, text: str) -> Path:
    file = home / "own" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def mounts(home: Path) -> dict[str, dict[str, Path]]:
    document = yaml.safe_load((home / "docker-compose.override.yml").read_text())
    return {
        name: {volume["target"]: Path(volume["source"]) for volume in service.get("volumes", ())}
        for name, service in document["services"].items()
    }


def test_mounts_of_the_products_that_have_some_lead_to_rendered_files(home: Path) -> None:
    put(home, "prometheus/scrape/a.yaml", JOB)
    put(home, "secrets/token", "geheim\n")
    targets = put(home, "prometheus/targets/eu/a.yml", "- targets: [a]\n")
    put(home, "grafana/dashboards/a.json", '{"uid": "mine", "title": "Mine", "panels": []}')
    assert run() == 0
    found = mounts(home)
    assert {name: set(of) for name, of in found.items()} == {
        "prometheus": {"/etc/stack/current", "/etc/stack/targets"},
        "grafana": {"/etc/stack/current", "/etc/stack/dashboards"},
    }
    current = found["prometheus"]["/etc/stack/current"]
    assert (current / "secrets/token").read_text() == "geheim"
    assert "/etc/stack/current/secrets/token" in (current / "scrape/~own+a%2Eyaml.yml").read_text()
    assert (found["grafana"]["/etc/stack/dashboards"] / "~own+a.json").is_file()
    assert (found["prometheus"]["/etc/stack/targets"] / "eu/a.yml").is_file()
    assert (current / "secrets").stat().st_mode & 0o777 == 0o755
    assert (home / ".stack").stat().st_mode & 0o077 == 0, "the folder above is private"
    number = current.stat().st_ino
    targets.unlink()
    assert run() == 0
    assert not (found["prometheus"]["/etc/stack/targets"] / "eu/a.yml").exists()
    assert current.stat().st_ino == number, "a mounted folder stays the same"


def test_without_files_of_ones_own_it_is_taken_away(home: Path) -> None:
    put(home, "alertmanager/templates/a.tmpl", "")
    assert run() == 0
    assert set(mounts(home)) == {"alertmanager"}
    shutil.rmtree(home / "own")
    assert run() == 0
    assert not (home / "docker-compose.override.yml").exists()
    assert not list((home / ".stack").rglob("*.tmpl"))


def test_what_is_wrong_is_refused_before_anything_is_written(home: Path) -> None:
    put(home, "prometheus/scrape/a.yaml", JOB)
    with pytest.raises(ConfigurationInvalid, match="own/secrets/token is missing"):
        run()
    assert not (home / "docker-compose.override.yml").exists()


def test_an_installed_package_has_no_compose_file(home: Path) -> None:
    (home / "docker-compose.yml").unlink()
    with pytest.raises(StackError, match=r"there is no docker-compose\.yml"):
        run()


def test_a_component_that_a_file_needs_is_a_service_of_the_override_alone(home: Path) -> None:
    probe = files_of(Wish("shop", "https://shop/", "http_2xx", codes=(204,)))
    for file in probe:
        put(home, file.path.removeprefix("own/"), (file.content or b"").decode())
    assert run() == 0
    document = yaml.safe_load((home / "docker-compose.override.yml").read_text())
    assert document["services"].keys() == {"prometheus", "blackbox", "grafana"}
    assert (mounts(home)["grafana"]["/etc/stack/dashboards"] / "probes.json").is_file()
    added = document["services"]["blackbox"]
    assert added["image"] == "${STACK_BLACKBOX_IMAGE:-prom/blackbox-exporter:v0.29.1}"
    assert added["read_only"] and added["cap_drop"] == ["ALL"] and "ports" not in added
    assert added["networks"]["default"]["aliases"] == ["blackbox"]
    current = mounts(home)["blackbox"]["/etc/stack/current"]
    assert "shop" in yaml.safe_load((current / "blackbox.yml").read_text())["modules"]
    scraped = mounts(home)["prometheus"]["/etc/stack/current"] / "scrape"
    assert (scraped / "+optional+blackbox.yml").is_file() and (scraped / "~own+shop.yml").is_file()
    shutil.rmtree(home / "own")
    assert run() == 0
    assert not (home / "docker-compose.override.yml").exists()


def test_settings_that_no_variable_can_say_reach_compose(home: Path) -> None:
    put(home, "secrets/heartbeat", "https://hc.example/uuid\n")
    put(home, "secrets/slack", "https://hooks.example/x\n")
    (home / "stack.toml").write_text(
        'public_url = "https://{component}.example.com"\n'
        '[watchdog]\nurl_file = "own/secrets/heartbeat"\n'
        '[receivers.oncall]\ntype = "slack"\nurl_file = "own/secrets/slack"\n'
    )
    assert run() == 0
    found = mounts(home)["alertmanager"]
    told = yaml.safe_load((home / "docker-compose.override.yml").read_text())["services"]
    assert "--web.external-url=https://prometheus.example.com" in told["prometheus"]["command"]
    assert "--web.external-url=https://alertmanager.example.com" in told["alertmanager"]["command"]
    assert any("${STACK_RETENTION_TIME:-15d}" in word for word in told["prometheus"]["command"])
    assert told["grafana"]["environment"] == {
        "GF_SECURITY_COOKIE_SECURE": "true",
        "GF_SERVER_ROOT_URL": "https://grafana.example.com/",
    }
    assert told["app"] == {"environment": {"STACK_APP_ALLOWED_HOSTS": "app.example.com"}}
    current = found["/etc/stack/current"]
    assert (found["/etc/stack/secrets"] / "watchdog_url").read_text() == "https://hc.example/uuid"
    assert "https://grafana.example.com" in (current / "templates/links.tmpl").read_text()
    main = yaml.safe_load((current / "alertmanager.yml").read_text())
    assert {"stack-heartbeat", "oncall"} <= {one["name"] for one in main["receivers"]}


def test_an_address_of_the_heartbeat_that_is_not_there_is_said(home: Path) -> None:
    (home / "stack.toml").write_text('[watchdog]\nurl_file = "own/secrets/heartbeat"\n')
    with pytest.raises(SettingsError, match=r"watchdog.url_file: .*own/secrets/heartbeat: No such file"):
        run()
    assert not (home / "docker-compose.override.yml").exists()


def test_a_public_address_without_a_place_for_the_product_keeps_each_port(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_ALERTMANAGER_PORT", "9999")
    (home / "stack.toml").write_text('public_url = "http://ops.example.com"\n')
    assert run() == 0
    told = yaml.safe_load((home / "docker-compose.override.yml").read_text())["services"]
    assert "--web.external-url=http://ops.example.com:9090" in told["prometheus"]["command"]
    assert "--web.external-url=http://ops.example.com:9999" in told["alertmanager"]["command"]
    assert told["grafana"]["environment"] == {"GF_SERVER_ROOT_URL": "http://ops.example.com:3000/"}


def test_below_a_path_products_are_told_to_serve_at_their_root(home: Path) -> None:
    (home / "stack.toml").write_text('public_url = "https://ops.example.com/mon"\n')
    assert run() == 0
    told = yaml.safe_load((home / "docker-compose.override.yml").read_text())["services"]
    for name in ("prometheus", "alertmanager"):
        assert f"--web.external-url=https://ops.example.com/mon/{name}" in told[name]["command"]
        assert "--web.route-prefix=/" in told[name]["command"]
    assert told["grafana"]["environment"]["GF_SERVER_ROOT_URL"] == "https://ops.example.com/mon/grafana/"
