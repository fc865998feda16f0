"""PostgreSQL for the application's packets, where the settings ask for it. Not published; the application asks it.

Started by our own script, which the official image and the local build both can run: no step of it needs root.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from stack.components.build import MIB, SCRATCH, Build, config_files
from stack.components.manifest import Component, Data, SecretSpec
from stack.config.table import switch_setting
from stack.engine.interface import ImageConfig
from stack.images.pins import LOOKED_UP, Line, Pin
from stack.images.recipes import ACCOUNTS, COMMON, LEFT_OUT, LINKS, Recipe
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile, Health, ServiceSpec
from stack.model.volumes import DUMP

PORT = 5432
UID = 999
"""As in the official image."""
PROGRAMS = "/usr/lib/postgresql/18/bin"
"""Of the pinned major version. Programs are asked for by their names alone, since a named image may have another."""
PASSWORD = "postgres_password"  # noqa: S105 - the name of a secret
ROLE, DATABASE = "app", "packets"
"""As start.sh makes them."""
ASKED = ("-q", "-h", "127.0.0.1", "-U", ROLE, "-d", DATABASE)
FOLDERS = "/var/lib/postgresql"
TO_DUMP = (
    *("pg_dump", "-h", "/tmp", "-U", "postgres", "-Fc", "-Z0"),  # noqa: S108 - inside the container
    *("-f", f"{FOLDERS}/{DUMP}", DATABASE),
)
"""Over the socket, as the administrator; what it writes is packed by whoever takes it."""
FOLDER = Path(__file__).parent
FILES = {
    "start.sh": "postgres_start.sh",
    "postgresql.conf": "postgres.conf",
    "pg_hba.conf": "postgres_hba.conf",
}


def service(build: Build) -> ServiceSpec:
    """The container."""
    return POSTGRES.container(
        build,
        health=Health(("CMD", "pg_isready", *ASKED), start_period=60.0),
        user=f"{UID}:{UID}",
        entrypoint=("/bin/sh",),
        command=(f"{CONFIG_ROOT}/{CURRENT}/start.sh",),
        mounts=(
            build.config_mount("postgres"),
            build.data_mount("postgres", FOLDERS),
            SCRATCH,
        ),
        assets=build.secret_file(PASSWORD, UID),
        stop_seconds=30,
        stop_signal="INT",
    )


def files(build: Build) -> tuple[ConfigFile, ...]:
    """What starts it, its settings and who may come in."""
    del build
    return config_files({path: (FOLDER / name).read_bytes() for path, name in FILES.items()})


def url(build: Build) -> str:
    """What the application connects to; it holds the password."""
    return f"postgresql://{ROLE}:{build.secrets[PASSWORD].reveal()}@postgres:{PORT}/{DATABASE}"


def recipe() -> Recipe:
    """How it is made of Debian's package."""
    passwd, group = (text for _, text in ACCOUNTS)
    return Recipe(
        (*COMMON, "postgresql-18"),
        "postgresql-18",
        ImageConfig(
            (f"{PROGRAMS}/postgres",),
            user=f"{UID}:{UID}",
            env=(("PATH", f"/usr/bin:{PROGRAMS}"), ("LANG", "C.UTF-8")),
            ports=(PORT,),
        ),
        folders=(("var/lib/postgresql", UID),),
        files=(
            ("etc/passwd", f"{passwd}postgres:x:{UID}:{UID}:postgres:/var/lib/postgresql:/bin/sh\n"),
            ("etc/group", f"{group}postgres:x:{UID}:\n"),
        ),
        links=(*LINKS, ("usr/bin/mv", "busybox"), ("usr/bin/rm", "busybox")),
        left_out=(*LEFT_OUT, "usr/lib/postgresql/*/lib/bitcode/*", "usr/share/locale/*"),
    )


POSTGRES = Component(
    name="postgres",
    title="PostgreSQL",
    purpose="keeps the application's packets in place of SQLite",
    service=service,
    port=PORT,
    http=False,
    pin=Pin(
        "postgres",
        "postgres:18.6-trixie",
        (f"{PROGRAMS}/postgres", "--version"),
        user=UID,
        line=Line("18", "until November 2030", LOOKED_UP, date(2027, 2, 28)),
    ),
    memory=256 * MIB,
    switch="off",
    serves=("app",),
    start_seconds=3.0,
    settings=(
        switch_setting(
            "database.mode",
            "STACK_DATABASE",
            {"sqlite": "off", "postgres": "on"},
            "postgres",
            "what keeps app's packets: sqlite or postgres",
        ),
    ),
    secrets=(SecretSpec(PASSWORD),),
    files=files,
    recipe=recipe,
    keeps="the application's packets",
    data=Data(dump=TO_DUMP, version_file="packets/PG_VERSION", version_argv=("postgres", "--version")),
)
