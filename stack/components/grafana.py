"""Grafana: closed, without outside calls, provisioned from files.

The administrator's password is a file that Grafana itself reads; a missing file stops the process (it fails closed).
"""

from __future__ import annotations

import json

from stack.components.build import MIB, Build, config_files, wget
from stack.config.state import GRAFANA_PASSWORD
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile, Health, Limits, LinkFolder, ServiceSpec

PORT = 3000
UID = 472
USER = "admin"
PASSWORD_PATH = f"secrets/{GRAFANA_PASSWORD}"
DASHBOARDS = "dashboards"
PROVISIONED = ("provisioning/", f"{DASHBOARDS}/")


def service(build: Build) -> ServiceSpec:
    """The container."""
    provisioned = files(build)
    return ServiceSpec(
        component="grafana",
        image=build.images["grafana"].ref,
        image_id=build.images["grafana"].id,
        port=PORT,
        ready_path="/api/health",
        limits=Limits(memory=512 * MIB, cpus=1.0),
        health=Health(wget(PORT, "/api/health"), start_period=30.0),
        user=f"{UID}:0",
        environment=environment(build),
        mounts=(build.config_mount("grafana"), build.data_mount("grafana", "/var/lib/grafana")),
        published=build.published("grafana", PORT),
        reload="api",
        files=provisioned,
        linked=LinkFolder(DASHBOARDS, links(provisioned)),
        assets=build.secret_file(GRAFANA_PASSWORD, UID),
    )


def environment(build: Build) -> tuple[tuple[str, str], ...]:
    """Settings by variable: closed, quiet, and no call to the outside."""
    return (
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
        ("GF_SECURITY_DISABLE_GRAVATAR", "true"),
        ("GF_SERVER_ROOT_URL", build.url("grafana") + "/"),
        ("GF_USERS_ALLOW_SIGN_UP", "false"),
    )


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
    except ValueError:  # refused before anything is written
        board = None
    uid = board.get("uid") if isinstance(board, dict) else None
    return f"{folder}{slash}{uid}.json" if uid and isinstance(uid, str) else f"{folder}{slash}{name}"


def files(build: Build) -> tuple[ConfigFile, ...]:
    """Data sources, the dashboard provider and the dashboards."""
    tree = build.below("grafana/")
    return config_files({path: text for path, text in tree.items() if path.startswith(PROVISIONED)})
