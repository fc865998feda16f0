"""The instrumented application: what is watched, and the receiver that makes the alert path provable."""

from __future__ import annotations

from stack.components import postgres
from stack.components.build import MIB, Build, private_file
from stack.components.token import token_file
from stack.config.state import APP_TOKEN
from stack.model.spec import CONFIG_ROOT, ConfigFile, Health, Limits, Mount, ServiceSpec

PORT = 8000
UID = 65534
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
    return ServiceSpec(
        component="app",
        image=build.images["app"].ref,
        image_id=build.images["app"].id,
        port=PORT,
        ready_path="/health",
        limits=Limits(memory=384 * MIB, cpus=1.0),
        health=Health(("CMD", "python3", "-I", "-S", "-c", ASK % PORT), interval=10.0),
        command=("--host", "0.0.0.0", "--port", str(PORT), "--data", "/data"),  # noqa: S104 - its own network
        environment=(
            ("STACK_APP_FAULTS", "true" if settings["app.faults"] else "false"),
            ("STACK_APP_LOAD", settings["app.load"]),
            ("STACK_APP_LOAD_RATE", f"{settings['app.load_rate']:g}"),
            *((VARIABLES[f.path.rpartition("/")[2]], f"{CONFIG_ROOT}/{f.path}") for f in secrets),
        ),
        mounts=(
            *((build.config_mount("app"),) if secrets else ()),
            build.data_mount("app", "/data"),
            Mount("tmpfs", "", "/tmp", read_only=False, size=64 * MIB),  # noqa: S108 - inside the container
        ),
        published=build.published("app", PORT),
        needs=database,
        awaits=database,
        assets=secrets,
    )


def files(build: Build) -> tuple[ConfigFile, ...]:
    """None: it is told everything by its arguments, variables and secrets."""
    del build
    return ()


def _secrets(build: Build) -> tuple[ConfigFile, ...]:
    if "postgres" not in build.present:
        return token_file(build)
    return (*token_file(build), private_file(DATABASE_URL, postgres.url(build), UID))
