"""[grafana.env]: variables of Grafana, secrets as files that it reads, and what would break a promise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from stack.components import load
from stack.components.build import Build
from stack.components.grafana import environment, files
from stack.components.grafana_env import faults
from tests.unit.components.test_components import build

SECRETS = {"own/secrets/smtp": b"s3cr3t\n"}


def made(table: dict[str, Any], tree: dict[str, bytes] | None = None) -> Build:
    found = build()
    settings = replace(found.settings, tables={"grafana.env": table})
    return replace(found, settings=settings, tree={**found.tree, **(tree or {})})


def test_variables_join_those_of_the_bundle() -> None:
    found = dict(environment(made({"GF_SMTP_ENABLED": True, "GF_SMTP_HOST": "mail:25", "GF_SMTP_X_Y": 5})))
    assert (found["GF_SMTP_ENABLED"], found["GF_SMTP_HOST"], found["GF_SMTP_X_Y"]) == ("true", "mail:25", "5")
    assert found["GF_AUTH_ANONYMOUS_ENABLED"] == "false"


def test_what_is_only_a_default_can_be_another() -> None:
    assert (
        dict(environment(made({"GF_PLUGINS_PREINSTALL_DISABLED": False})))["GF_PLUGINS_PREINSTALL_DISABLED"]
        == "false"
    )


def test_without_the_table_nothing_differs() -> None:
    assert environment(build()) == environment(made({}))


def test_a_secret_is_a_file_that_grafana_reads() -> None:
    found = made({"GF_SMTP_PASSWORD__FILE": "own/secrets/smtp"}, SECRETS)
    told = dict(environment(found))
    assert told["GF_SMTP_PASSWORD"] == "$__file{/etc/stack/current/secrets/smtp}"
    assert "GF_SMTP_PASSWORD__FILE" not in told and "s3cr3t" not in str(told.values())
    (file,) = (one for one in files(found) if one.secret)
    assert (file.path, file.content, file.mode, file.uid) == ("secrets/smtp", b"s3cr3t", 0o400, 472)
    assert file.origin == "own/secrets/smtp"


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"SMTP_HOST": "x"}, "SMTP_HOST is no setting of Grafana", "GF_SECTION_KEY"),
    ({"gf_smtp_host": "x"}, "gf_smtp_host is no setting of Grafana", "GF_SECTION_KEY"),
    ({"GF_AUTH_ANONYMOUS_ENABLED": True}, "cannot be set: nobody gets in without a login", "take it out"),
    ({"GF_SECURITY_ADMIN_PASSWORD__FILE": "own/secrets/x"}, "cannot be set: the bundle makes", "take it out"),
    ({"GF_SMTP_HOST": ["a"]}, "is no text", "quotes"),
    ({"GF_SMTP_PASSWORD__FILE": "own/secrets/none"}, "own/secrets/none is missing", "own/secrets/NAME"),
    ({"GF_SMTP_PASSWORD__FILE": "/etc/passwd"}, "/etc/passwd is not below own/secrets/", "own/secrets/NAME"),
]


@pytest.mark.parametrize(("table", "why", "hint"), WRONG)
def test_what_cannot_be_used_is_told_and_left_out(table: dict[str, Any], why: str, hint: str) -> None:
    found = made(table)
    (fault,) = faults(found)
    assert why in fault.why and hint in fault.hint and fault.path == "stack.toml [grafana.env]"
    assert environment(found) == tuple(sorted(environment(build())))


def test_the_table_lies_in_that_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text('[grafana]\nmode = "off"\n[grafana.env]\nGF_SMTP_HOST = "a"\n')
    found = load({}, environ={"STACK_HOME": str(tmp_path)})
    assert found.switch("grafana") == "off" and found.words("grafana.env") == {"GF_SMTP_HOST": "a"}
