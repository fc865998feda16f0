"""Checks of Alertmanager itself: it answers, runs exactly the rendered file, and has the files that this one names.

The alert path is in ``alert_path``, what holds alerts back in ``alert_routes`` and ``silences``.
"""

from __future__ import annotations

from stack.checks.alertmanager_file import FILE, parting, rendered, secret_files, understood
from stack.checks.check import RELOAD, SILENT, Check, knows_its_address, later
from stack.checks.context import CheckContext
from stack.checks.model import Broken
from stack.clients.alertmanager import published_hash
from stack.clients.http import HttpFailure
from stack.common.wait import NotYet
from stack.model.spec import CONFIG_ROOT, CURRENT

LACKING = (
    'cd "$1" && shift && for file; do [ -s "$file" ] && [ -r "$file" ] || echo "lacks $file"; done; echo all'
)
"""Says which of the named files are missing, empty or unreadable for the server's own user."""


def ready(context: CheckContext) -> str:
    """The readiness address answers."""
    return context.alertmanager.ready()


def configuration(context: CheckContext) -> str:
    """The latest load succeeded, and the published hash is that of the rendered file.

    The text in /api/v2/status has defaults filled in and secrets masked, so it only says where the two part; the hash
    is of the file as it was read.
    """
    text = context.expected.alertmanager_config
    rendered(text)
    if not context.alertmanager.reload_succeeded():
        raise NotYet("alertmanager_config_last_reload_successful is 0: the previous file is still active")
    loaded, wanted = context.alertmanager.config_hash(), published_hash(text)
    if loaded != wanted:
        where = _where(context)
        raise NotYet(
            f"the loaded {FILE} is not the rendered one: {where} (hash {loaded:.0f}, not {wanted:.0f})"
        )
    return f"the loaded file is the rendered one, hash {wanted:.0f}"


def _where(context: CheckContext) -> str:
    try:
        with understood():
            return parting(context.expected.alertmanager_config, context.alertmanager.config())
    except HttpFailure as failure:
        return str(failure)


def secrets(context: CheckContext) -> str:
    """Each file that a receiver reads its secret from is there, not empty, and readable for the server."""
    with understood():
        named = list(secret_files(rendered(context.expected.alertmanager_config)))
    if not named:
        return "no receiver reads a secret from a file"
    paths = [path for _, path in named]
    argv = ("sh", "-c", LACKING, "sh", f"{CONFIG_ROOT}/{CURRENT}", *paths)
    lines = context.execute("alertmanager", argv).output.splitlines()
    if "all" not in lines:
        raise NotYet(f"its container does not say which files it has: {' '.join(lines)[:200] or 'nothing'}")
    for place, path in named:
        if f"lacks {path}" in lines:
            message = f"{FILE}: {place} names {path}, which is missing, empty or unreadable in the container"
            raise Broken(
                message, f"correct the path, or remove that entry from {FILE}, then monitoring-stack reload"
            )
    return f"the {len(paths)} files that receivers read are there"


CHECKS = (
    Check(
        "alertmanager.ready",
        "Alertmanager serves",
        "alertmanager",
        "ready",
        ready,
        SILENT,
        60,
        recurring=True,
    ),
    Check(
        "alertmanager.config",
        "it runs exactly the rendered file",
        "alertmanager",
        "checked",
        configuration,
        RELOAD,
        10,
    ),
    knows_its_address("alertmanager"),
    Check(
        "alertmanager.secrets",
        "the files that receivers read are there",
        "alertmanager",
        "checked",
        secrets,
        "",
        10,
        by_engine=True,
    ),
    Check(
        "alertmanager.notifications",
        "receivers take what they are sent",
        "alertmanager",
        "checked",
        later("notifications:arriving"),
        "monitoring-stack receiver test NAME says what a receiver answers",
        10,
        recurring=True,
    ),
)
