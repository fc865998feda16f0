"""The instrumented application: what is watched, and the receiver that makes the alert path provable."""

from __future__ import annotations

from stack.components import postgres
from stack.components.addresses import told
from stack.components.build import MIB, SCRATCH, Build, private_file
from stack.components.manifest import Checks, Component, Data
from stack.components.token import APP_TOKEN, TOKEN, token_file
from stack.config import values as read
from stack.config.table import Setting
from stack.model.spec import CONFIG_ROOT, NOBODY, ConfigFile, Health, ServiceSpec

PORT = 8000
ASK = (
    "import http.client as h,sys;c=h.HTTPConnection('127.0.0.1',%d,timeout=2);"
    "c.request('GET','/health');sys.exit(c.getresponse().status!=200)"
)
DATABASE_URL = "database_url"
VARIABLES = {APP_TOKEN: "STACK_APP_TOKEN_FILE", DATABASE_URL: "STACK_DATABASE_URL_FILE"}
"""Which variable names the file of which secret."""


def service(build: Build) -> ServiceSpec:
    """The container; load and fault switches follow the settings."""
    settings = build.settings
    secrets = _secrets(build)
    database = ("postgres",) if "postgres" in build.present else ()
    return APP.container(
        build,
        ready_path="/health",
        health=Health(("CMD", "python3", "-I", "-S", "-c", ASK % PORT), interval=10.0),
        command=("--host", "0.0.0.0", "--port", str(PORT), "--data", "/data"),  # noqa: S104 - its own network
        environment=(
            ("STACK_APP_FAULTS", "true" if settings["app.faults"] else "false"),
            ("STACK_APP_LOAD", settings["app.load"]),
            ("STACK_APP_LOAD_RATE", f"{settings['app.load_rate']:g}"),
            *((("STACK_APP_ALLOWED_HOSTS", hosts),) if (hosts := _hosts(build)) else ()),
            *((VARIABLES[f.path.rpartition("/")[2]], f"{CONFIG_ROOT}/{f.path}") for f in secrets),
        ),
        mounts=(
            *((build.config_mount("app"),) if secrets else ()),
            build.data_mount("app", "/data"),
            SCRATCH,
        ),
        needs=database,
        awaits=database,
        assets=secrets,
    )


def _hosts(build: Build) -> str:
    """The names under which it may be asked: those of the setting, and its public one."""
    named = [name for name in str(build.settings["app.allowed_hosts"]).split(",") if name.strip()]
    public = build.address("app").host
    return ",".join((*named, public) if told(build.settings) and public not in named else named)


def _secrets(build: Build) -> tuple[ConfigFile, ...]:
    if "postgres" not in build.present:
        return token_file(build)
    return (*token_file(build), private_file(DATABASE_URL, postgres.url(build), NOBODY))


def checks() -> Checks:
    """Its own, and that the Watchdog reaches it."""
    from stack.checks import app

    return Checks(app.CHECKS, ("app.ready",))


APP = Component(
    name="app",
    title="App",
    purpose="the demo: gates, tools and memory, instrumented; receives alerts",
    service=service,
    port=PORT,
    pin=None,
    publish=8000,
    memory=512 * MIB,
    start_seconds=0.7,
    settings=(
        Setting(
            "app.load",
            "STACK_LOAD",
            read.choice("steady", "full", "off"),
            "steady",
            "load that the application makes",
        ),
        Setting("app.load_rate", "STACK_LOAD_RATE", read.rate, 10.0, "operations a second of that load"),
        Setting(
            "app.allowed_hosts",
            "STACK_APP_ALLOWED_HOSTS",
            str,
            "",
            "host names, separated by commas, under which app may be asked besides local ones",
        ),
        Setting("app.faults", "STACK_FAULTS", read.switch, False, "allow fault switches for drills"),
        Setting(
            "app.token_file",
            "STACK_APP_TOKEN_FILE",
            str,
            "",
            "file with the bearer token that app then asks for",
        ),
    ),
    secrets=(TOKEN,),
    dashboards=("gate-security", "l9-tool-observability", "slo"),
    checks=checks,
    keeps="its packets, where SQLite keeps them",
    data=Data(),
)
