"""How much of a container's output is kept, by settings; by default each container is the one that it was before."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.common.errors import SettingsError
from stack.components import BY_NAME, assemble, load
from stack.components.build import Build, Image
from stack.components.grafana import PASSWORD as GRAFANA_PASSWORD
from stack.config.secret import Secret
from stack.config.tree import read_tree
from stack.engine import convert
from stack.exports.compose import service as composed
from stack.model.digests import digest_of
from stack.model.spec import LATER, ServiceSpec

ROOT = Path(__file__).resolve().parents[3]
IDENTITY_LEFT_OUT = ("files", "assets", "linked", "exact", "reload", "awaits", "networks")


def build(**environ: str) -> Build:
    images = {name: Image(f"{name}:1", f"sha256:{name}") for name in BY_NAME}
    secrets = {GRAFANA_PASSWORD: Secret("secret")}
    return Build(load(environ=environ, project=ROOT), images, read_tree(ROOT), secrets)


def app(**environ: str) -> ServiceSpec:
    return assemble(build(**environ)).service("app")


def test_a_container_keeps_three_files_of_ten_megabytes() -> None:
    told = convert.service_body("s", app())["HostConfig"]["LogConfig"]
    assert told == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}


def test_settings_say_otherwise_for_each_of_them() -> None:
    other = build(STACK_LOG_MAX_SIZE="1GB", STACK_LOG_MAX_FILES="9")
    for service in assemble(other).services:
        told = convert.service_body("s", service)["HostConfig"]["LogConfig"]["Config"]
        assert told == {"max-size": "1g", "max-file": "9"}
        assert composed(service, other, None)["logging"]["options"] == told
    assert app(STACK_LOG_MAX_SIZE="20MB").digest() != app().digest()


def test_what_is_new_with_its_usual_value_is_no_other_container() -> None:
    service = app()
    before = {
        name: getattr(service, name)
        for name in service.__struct_fields__
        if name not in (*IDENTITY_LEFT_OUT, *LATER)
    }
    assert service.digest() == digest_of(before)


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        ("STACK_LOG_MAX_SIZE", "0MB", "must be a size like 10MB"),
        ("STACK_LOG_MAX_SIZE", "1TB", "must be a size like 10MB"),
        ("STACK_LOG_MAX_SIZE", "10m", "must be a size like 10MB"),
        ("STACK_LOG_MAX_FILES", "0", "must be a number of 1 to 100"),
        ("STACK_LOG_MAX_FILES", "many", "must be a number of 1 to 100"),
    ],
)
def test_a_log_without_a_bound_is_refused(variable: str, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(environ={variable: text}, project=ROOT)
