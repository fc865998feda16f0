"""Grafana: closed, without outside calls, provisioned from files.

The administrator's password is a file that Grafana itself reads; a missing file stops the process (it fails closed).
"""

from __future__ import annotations

from stack.components.build import MIB, Build, config_files, wget
from stack.config.state import GRAFANA_PASSWORD
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile, Health, Limits, ServiceSpec

PORT = 3000
UID = 472
USER = "admin"
PASSWORD_PATH = f"secrets/{GRAFANA_PASSWORD}"
PROVISIONED = ("provisioning/", "dashboards/")


def service(build: Build) -> ServiceSpec:
    """The container."""
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
        files=files(build),
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


def files(build: Build) -> tuple[ConfigFile, ...]:
    """Data sources, the dashboard provider and the dashboards."""
    tree = build.below("grafana/")
    return config_files({path: text for path, text in tree.items() if path.startswith(PROVISIONED)})
