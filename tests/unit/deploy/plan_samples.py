"""Services for the tests of plans: small, alike, with one file each."""

from __future__ import annotations

from typing import Literal

from stack.model.spec import (
    CONFIG_ROOT,
    ConfigFile,
    Health,
    Limits,
    Mount,
    Port,
    ServiceSpec,
    config_volume,
    data_volume,
)

NAME = "demo"
MIB = 1 << 20


def service(
    component: str,
    *,
    needs: tuple[str, ...] = (),
    port: int = 0,
    reload: Literal["signal", "api", "restart"] = "signal",
) -> ServiceSpec:
    """A service with a volume for its file and one for its data."""
    return ServiceSpec(
        component=component,
        image=f"x/{component}:1",
        image_id=f"sha256:{component}",
        port=9000,
        ready_path="/",
        limits=Limits(MIB, 1.0),
        health=Health(("CMD", "x")),
        mounts=(
            Mount("volume", config_volume(NAME, component), CONFIG_ROOT),
            Mount("volume", data_volume(NAME, component), "/data", read_only=False),
        ),
        published=Port(9000, port) if port else None,
        needs=needs,
        reload=reload,
        files=(ConfigFile("main.yml", component.encode()),),
    )
