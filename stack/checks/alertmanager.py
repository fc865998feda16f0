"""Checks of Alertmanager itself: it answers and runs exactly the rendered file. The alert path is in ``paths``."""

from __future__ import annotations

from stack.checks.check import LOGS, RELOAD, Check
from stack.checks.context import CheckContext
from stack.checks.model import Broken
from stack.clients.alertmanager import published_hash
from stack.common.wait import NotYet


def ready(context: CheckContext) -> str:
    """The readiness address answers."""
    return context.alertmanager.ready()


def configuration(context: CheckContext) -> str:
    """The latest load succeeded, and the published hash is that of the rendered file.

    The text in /api/v2/status has defaults filled in and secrets masked; the hash is of the file as it was read.
    """
    text = context.expected.alertmanager_config
    if not text:
        raise Broken("no configuration is expected", "alertmanager.yml is empty or was not rendered")
    if not context.alertmanager.reload_succeeded():
        raise NotYet("alertmanager_config_last_reload_successful is 0: the previous file is still active")
    loaded, wanted = context.alertmanager.config_hash(), published_hash(text)
    if loaded != wanted:
        raise NotYet(f"the loaded file has hash {loaded:.0f}, the rendered one {wanted:.0f}")
    return f"the loaded file is the rendered one, hash {wanted:.0f}"


CHECKS = (
    Check("alertmanager.ready", "Alertmanager serves", "alertmanager", "ready", ready, LOGS, 60),
    Check(
        "alertmanager.config",
        "it runs exactly the rendered file",
        "alertmanager",
        "checked",
        configuration,
        RELOAD,
        10,
    ),
)
