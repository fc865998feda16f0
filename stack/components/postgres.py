"""PostgreSQL for the application's packets, where ``database.mode`` asks for it. Not published; the application alone
asks it.

Started by our own script, which the official image and the local build both can run: no step of it needs root.
"""

from __future__ import annotations

from pathlib import Path

from stack.components.build import MIB, Build, config_files
from stack.config.state import POSTGRES_PASSWORD
from stack.images.pins import PINS, POSTGRES_PROGRAMS
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile, Health, Limits, Mount, ServiceSpec

PORT = 5432
UID = PINS["postgres"].user
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
    return ServiceSpec(
        component="postgres",
        image=build.images["postgres"].ref,
        image_id=build.images["postgres"].id,
        port=PORT,
        ready_path="",  # speaks no HTTP
        limits=Limits(memory=256 * MIB, cpus=1.0),
        health=Health(("CMD", f"{POSTGRES_PROGRAMS}/pg_isready", *ASKED), start_period=60.0),
        user=f"{UID}:{UID}",
        entrypoint=("/bin/sh",),
        command=(f"{CONFIG_ROOT}/{CURRENT}/start.sh",),
        mounts=(
            build.config_mount("postgres"),
            build.data_mount("postgres", "/var/lib/postgresql"),
            Mount("tmpfs", "", "/tmp", read_only=False, size=64 * MIB),  # noqa: S108 - inside the container
        ),
        files=files(build),
        assets=build.secret_file(POSTGRES_PASSWORD, UID),
        stop_seconds=30,
        stop_signal="INT",
    )


def files(build: Build) -> tuple[ConfigFile, ...]:
    """What starts it, its settings and who may come in."""
    del build
    return config_files({path: (FOLDER / name).read_bytes() for path, name in FILES.items()})


def url(build: Build) -> str:
    """What the application connects to; it holds the password."""
    return f"postgresql://{ROLE}:{build.secrets[POSTGRES_PASSWORD].reveal()}@postgres:{PORT}/{DATABASE}"
