"""Samples sent elsewhere for the time of a drill: another version of Prometheus' files, in use until it is taken back.

The version that was verified stays in the volume. So going back is moving a link, also after a drill that was killed:
the version that it used stands in the stack's state before it is written.
"""

from __future__ import annotations

from msgspec.structs import replace

from stack.checks.drills import PROMETHEUS, Drill
from stack.components.remote_write import Remote, with_remotes
from stack.deploy.links import versioned
from stack.deploy.state import StateStore
from stack.engine.interface import Engine
from stack.model.spec import CURRENT, ConfigFile, ServiceSpec, config_volume, container_name

MAIN = "prometheus.yml"
AT_ONCE = {"batch_send_deadline": "1s"}
NONE = [{"source_labels": ["__name__"], "regex": ".*", "action": "drop"}]


def lead(engine: Engine, state: StateStore, service: ServiceSpec, drill: Drill) -> None:
    """Has Prometheus send its samples to the drill's address too."""
    options = {"name": drill.name, "url": drill.sends, "queue_config": AT_ONCE}
    remote = Remote(drill.name, "", {**options, **({"write_relabel_configs": NONE} if drill.held else {})})
    led = replace(service, files=tuple(_led(file, remote) for file in service.files))
    version = led.files_digest()
    state.change(detour=version)
    volume = config_volume(state.stack, PROMETHEUS)
    engine.write_volume(
        volume, state.stack, service.image, versioned(led), ((CURRENT, version),), only=version
    )
    engine.signal(container_name(state.stack, PROMETHEUS), "HUP")


def back(engine: Engine, state: StateStore) -> bool:
    """Puts the files that were verified back in use; False where no drill has others in use."""
    version = state.now.detour
    there = {one.component: one for one in engine.observe(state.stack).containers}.get(PROMETHEUS)
    if version and there is not None and there.applied.version:
        volume = config_volume(state.stack, PROMETHEUS)
        engine.write_volume(volume, state.stack, there.image, (), ((CURRENT, there.applied.version),))
        if there.running:
            engine.signal(there.name, "HUP")
        engine.remove_from_volume(volume, state.stack, there.image, (version,))
    if version:
        state.change(detour="")
    return bool(version)


def _led(file: ConfigFile, remote: Remote) -> ConfigFile:
    return replace(file, content=with_remotes(file.content, (remote,), {})) if file.path == MAIN else file
