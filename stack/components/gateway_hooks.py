"""How the gateway is helped: it loads new files when asked, and keeps the old ones where it cannot."""

from __future__ import annotations

import json
from functools import partial

from stack.common.errors import StartFailed
from stack.components.gateway_config import SOCKET
from stack.components.hooks import Hooks, Scene
from stack.model.spec import CONFIG_ROOT, CURRENT, container_name

RELOAD = f"reload --force --config {CONFIG_ROOT}/{CURRENT}/caddy.json --address unix/{SOCKET}"
"""``--force``: a certificate may have changed in its file, and nothing else."""
SECONDS = 30.0


def reload(program: str, scene: Scene) -> None:
    """It runs the files that are in use now; ``StartFailed`` with its words where it refuses them."""
    name = container_name(scene.spec.name, scene.service.component)
    ran = scene.engine.execute(name, ("/bin/sh", "-c", program % RELOAD), seconds=SECONDS)
    if ran.code:
        raise StartFailed(f"{name} does not load its files: {_said(ran.output)}")


def _said(output: str) -> str:
    """The last thing that it said, out of a log line in JSON or not."""
    last = next(iter(output.strip().splitlines()[-1:]), "no word")
    start = last.find("{")
    try:
        found = json.loads(last[start:]) if start >= 0 else {}
    except ValueError:
        found = {}
    return str(found.get("error") or last) if isinstance(found, dict) else last


def hooks(program: str) -> Hooks:
    """All of it; ``program`` is the script that runs Caddy with the words put in its place."""
    return Hooks(reload=partial(reload, program), needs_for_reload=("gateway.ready",))
