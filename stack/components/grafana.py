"""Grafana: closed, without outside calls, provisioned from files.

The administrator's password is a file that Grafana itself reads; a missing file stops the process (it fails closed).
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

from stack.components.build import BOARDS_PLACE, MIB, Build, config_files, wget
from stack.components.manifest import Checks, Component, Data, Login, SecretSpec
from stack.components.scrape_interval import followed, panel_interval
from stack.config.table import Setting, switch_setting
from stack.images.pins import LOOKED_UP, Line, Pin
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile, Health, LinkFolder, ServiceSpec

if TYPE_CHECKING:
    from stack.components.hooks import Hooks

PORT = 3000
UID = 472
USER = "admin"
PASSWORD = "grafana_admin_password"  # noqa: S105 - the name of a secret
PASSWORD_PATH = f"secrets/{PASSWORD}"
DASHBOARDS = "dashboards"


def service(build: Build) -> ServiceSpec:
    """The container."""
    provisioned = files(build)
    return GRAFANA.container(
        build,
        ready_path="/api/health",
        health=Health(wget(PORT, "/api/health"), start_period=30.0),
        user=f"{UID}:0",
        environment=environment(build),
        mounts=(build.config_mount("grafana"), build.data_mount("grafana", "/var/lib/grafana")),
        reload="api",
        linked=LinkFolder(DASHBOARDS, links(provisioned)),
        assets=build.secret_file(PASSWORD, UID),
    )


def environment(build: Build) -> tuple[tuple[str, str], ...]:
    """Settings by variable: closed, quiet, and no call to the outside."""
    place = build.address("grafana")
    ours = (
        ("GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false"),
        ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false"),
        ("GF_ANALYTICS_REPORTING_ENABLED", "false"),
        ("GF_AUTH_ANONYMOUS_ENABLED", "false"),
        ("GF_DATABASE_WAL", "true"),
        ("GF_LOG_MODE", "console"),
        ("GF_PATHS_PROVISIONING", f"{CONFIG_ROOT}/{CURRENT}/provisioning"),
        ("GF_PLUGINS_PREINSTALL_DISABLED", "true"),
        ("GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED", "true"),
        ("GF_SECURITY_ADMIN_PASSWORD", f"$__file{{{CONFIG_ROOT}/{PASSWORD_PATH}}}"),
        ("GF_SECURITY_ADMIN_USER", USER),
        *((("GF_SECURITY_COOKIE_SECURE", "true"),) if place.secure else ()),
        ("GF_SECURITY_DISABLE_GRAVATAR", "true"),
        ("GF_SERVER_ROOT_URL", f"{place.url}/"),
        ("GF_USERS_ALLOW_SIGN_UP", "false"),
    )
    if not build.settings.words("grafana.env"):
        return ours
    from stack.components.grafana_env import variables

    return tuple(sorted({**dict(ours), **variables(build)}.items()))


def links(provisioned: tuple[ConfigFile, ...]) -> tuple[tuple[str, str], ...]:
    """One link a dashboard, named by its uid: Grafana knows a dashboard by the path of its file.

    So it keeps its number, and with that stars, permissions and public links, when its content or the file's name
    changes; and under another uid it is another one, and the old one goes.
    """
    boards = (file for file in provisioned if file.path.startswith(f"{DASHBOARDS}/"))
    return tuple(sorted((_link(file), file.path) for file in boards if file.path.endswith(".json")))


def _link(file: ConfigFile) -> str:
    folder, slash, name = file.path.removeprefix(f"{DASHBOARDS}/").rpartition("/")
    try:
        board = json.loads(file.content)
    except (ValueError, RecursionError):  # refused before anything is written
        board = None
    uid = board.get("uid") if isinstance(board, dict) else None
    return f"{folder}{slash}{uid}.json" if uid and isinstance(uid, str) else f"{folder}{slash}{name}"


def files(build: Build) -> tuple[ConfigFile, ...]:
    """Data sources, which follow the scrape interval, the dashboard provider and the dashboards."""
    tree = build.below("grafana/")
    provisioned = {path: text for path, text in tree.items() if path.startswith("provisioning/")}
    native = followed(config_files(provisioned, "grafana/"), panel_interval(build))
    if not build.settings.words("grafana.env"):
        return (*native, *build.dashboards())
    from stack.components.grafana_env import files as secrets

    return (*native, *secrets(build, UID), *build.dashboards())


def check_files(files: tuple[ConfigFile, ...]) -> None:
    """What Grafana would answer with silence, a stop, or a mere warning."""
    from stack.validation.provisioning import check_provisioning

    check_provisioning(files)


def checks() -> Checks:
    """Its own, and what the dashboards ask through it."""
    from stack.checks import grafana, panel_table

    after = ("grafana.ready", "grafana.login", "grafana.data_sources", "grafana.dashboards")
    return Checks((*grafana.CHECKS, *panel_table.OF_GRAFANA), after)


def hooks() -> Hooks:
    """Its provisioning is read again by request; a password that does not fit is set again."""
    from stack.components import grafana_hooks

    return grafana_hooks.hooks(PASSWORD_PATH)


GRAFANA = Component(
    name="grafana",
    title="Grafana",
    purpose="dashboards",
    service=service,
    port=PORT,
    pin=Pin(
        "grafana",
        "grafana/grafana:12.4.12",
        ("grafana", "--version"),
        user=UID,
        line=Line("12.4", "the last of 12, patches until May 2027", LOOKED_UP, date(2027, 1, 31)),
    ),
    publish=3000,
    memory=512 * MIB,
    switch="auto",
    start_seconds=1.5,
    settings=(
        switch_setting(
            "grafana.mode",
            "STACK_GRAFANA",
            {"auto": "auto", "required": "on", "off": "off"},
            "grafana",
            "whether Grafana runs: auto, required or off",
        ),
        Setting(
            "grafana.password_file",
            "STACK_GRAFANA_PASSWORD_FILE",
            str,
            "",
            "file with the password of Grafana's administrator instead of a generated one",
        ),
    ),
    secrets=(SecretSpec(PASSWORD, setting="grafana.password_file"),),
    files=files,
    places=(BOARDS_PLACE,),
    check_files=check_files,
    checks=checks,
    hooks=hooks,
    login=Login(USER, PASSWORD),
    instead="its dashboards meanwhile: {prometheus}/user/",
    keeps="dashboards made by hand, users, preferences",
    data=Data(),
)
