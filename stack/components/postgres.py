"""PostgreSQL for the application's packets, where the settings ask for it. Not published; the application asks it.

Started by our own script, which the official image and the local build both can run: no step of it needs root.
"""

from __future__ import annotations

from pathlib import Path

from stack.components.build import MIB, SCRATCH, Build, config_files
from stack.components.manifest import Component, SecretSpec
from stack.config.table import switch_setting
from stack.images.pins import PINS, POSTGRES_PROGRAMS
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile, Health, ServiceSpec

PORT = 5432
UID = PINS["postgres"].user
PASSWORD = "postgres_password"  # noqa: S105 - the name of a secret
ROLE, DATABASE = "app", "packets"
"""As start.sh makes them."""
ASKED = ("-q", "-h", "127.0.0.1", "-U", ROLE, "-d", DATABASE)
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
        health=Health(("CMD", f"{POSTGRES_PROGRAMS}/pg_isready", *ASKED), start_period=60.0),
        user=f"{UID}:{UID}",
        entrypoint=("/bin/sh",),
        command=(f"{CONFIG_ROOT}/{CURRENT}/start.sh",),
        mounts=(
            build.config_mount("postgres"),
            build.data_mount("postgres", "/var/lib/postgresql"),
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


POSTGRES = Component(
    name="postgres",
    title="PostgreSQL",
    purpose="keeps the application's packets in place of SQLite",
    service=service,
    port=PORT,
    http=False,
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
    keeps="the application's packets",
)
