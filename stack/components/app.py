"""The instrumented application: what is watched, and the receiver that makes the alert path provable."""

from __future__ import annotations

from stack.components.build import MIB, Build
from stack.spec import ConfigFile, Health, Limits, Mount, ServiceSpec

PORT = 8000
ASK = (
    "import http.client as h,sys;c=h.HTTPConnection('127.0.0.1',%d,timeout=2);"
    "c.request('GET','/health');sys.exit(c.getresponse().status!=200)"
)


def service(build: Build) -> ServiceSpec:
    """The container; load and fault switches follow the settings."""
    settings = build.settings
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
        ),
        mounts=(
            build.data_mount("app", "/data"),
            Mount("tmpfs", "", "/tmp", read_only=False, size=64 * MIB),  # noqa: S108 - inside the container
        ),
        published=build.published("app", PORT),
    )


def files(build: Build) -> tuple[ConfigFile, ...]:
    """None: it is told everything by its arguments."""
    del build
    return ()
