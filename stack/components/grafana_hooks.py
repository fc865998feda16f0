"""How Grafana is helped: it reads its provisioning when asked, and a password that does not fit is set again."""

from __future__ import annotations

from functools import partial

from stack.checks.grafana import classify_login, reload_provisioning
from stack.checks.model import Finding
from stack.common.errors import StartFailed
from stack.components.hooks import Hooks, Scene
from stack.model.events import Progress
from stack.model.spec import CONFIG_ROOT, LOG_LINES, container_name

READY, LOGIN = "grafana.ready", "grafana.login"
LINES = 200
RESETS = 3
STILL_REFUSED = "is its first user still called admin, enabled and an administrator?"
RESET = f"grafana cli admin reset-admin-password --password-from-stdin < {CONFIG_ROOT}/%s"


def provision(scene: Scene) -> None:
    """Data sources and dashboards are read again; it prunes only data sources that it has seen twice."""
    reload_provisioning(scene.engine, scene.spec, scene.expected, scene.image)


def repair(password_path: str, scene: Scene, finding: Finding, before: tuple[str, ...]) -> bool:
    """A changed or lost password is set again; a locked name is only locked, its password may be right.

    What Grafana has logged since ``before`` tells which, so that no further try counts for the lock.
    """
    if finding.check != LOGIN:
        return False
    name = container_name(scene.spec.name, scene.service.component)
    said = [line for line in scene.engine.logs(name, LINES) if line not in frozenset(before)]
    if classify_login(401, said) == "locked":
        message = "Grafana refuses every login of admin after too many wrong passwords"
        raise StartFailed(message, hint="wait five minutes, then start again")
    if name in scene.repaired:
        message = "Grafana refuses the password that was just set"
        raise StartFailed(message, hint=STILL_REFUSED, logs=scene.engine.logs(name, LOG_LINES))
    scene.repaired.append(name)
    scene.emit(Progress("grafana", "the stored password does not fit: setting it again"))
    _set_password(scene, name, RESET % password_path)
    return True


def _set_password(scene: Scene, name: str, command: str) -> None:
    for _ in range(RESETS):  # the server may be writing to its database just then
        ran = scene.engine.execute(name, ("sh", "-c", command))
        if ran.code == 0:
            return
    last = tuple(ran.output.splitlines()[-LOG_LINES:])
    raise StartFailed("Grafana's password could not be set again", logs=last)


def hooks(password_path: str) -> Hooks:
    """All of it; the administrator's password lies at ``password_path`` below the configuration."""
    return Hooks(
        reload=provision,
        needs_for_reload=(READY, LOGIN),
        settle=provision,
        repair=partial(repair, password_path),
        log_lines=LINES,
    )
