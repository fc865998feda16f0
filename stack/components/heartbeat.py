"""The Watchdog to an address outside: somebody elsewhere notices when it comes no more, whatever has died here.

A route and a receiver of their own in Alertmanager's main file, before all others, where the setting names the file
with the address. Pure: text in, text out; what stands in the file stays to the byte.
"""

from __future__ import annotations

import re

from stack.common import yaml_edit as edit
from stack.common.durations import duration, seconds
from stack.components.alertmanager_text import with_ways
from stack.components.build import Build
from stack.components.manifest import SecretSpec
from stack.config import values as read
from stack.config.table import Setting
from stack.model.receivers import HEARTBEAT
from stack.model.spec import CONFIG_ROOT, NOBODY, SECRETS, ConfigFile

ADDRESS = SecretSpec(
    "watchdog_url",
    setting="watchdog.url_file",
    generated=False,
    pattern=re.compile(r"https?://[^\s/]+\S*"),
    form="an address like https://hc-ping.com/UUID",
)
SETTINGS = (
    Setting(
        "watchdog.url_file",
        "STACK_WATCHDOG_URL_FILE",
        str,
        "",
        "file with the address outside that hears of the Watchdog again and again",
    ),
    Setting(
        "watchdog.every",
        "STACK_WATCHDOG_EVERY",
        read.match(re.compile(r"[1-9][0-9]{0,3}[smh]"), "like 1m"),
        "1m",
        "how often that address hears of it",
    ),
)
GROUP_INTERVAL = 5.0
"""Seconds between two looks of Alertmanager at whether it is time."""
TOLD = {
    "name": HEARTBEAT,
    "webhook_configs": [{"url_file": f"{CONFIG_ROOT}/{SECRETS}/{ADDRESS.name}", "send_resolved": False}],
}


def address_file(build: Build) -> tuple[ConfigFile, ...]:
    """The address, for Alertmanager's user alone; none where none is set."""
    return build.secret_file(ADDRESS.name, NOBODY)


def with_heartbeat(build: Build, content: bytes) -> bytes:
    """The file with the way to the address; as it is where there is none, or where a way cannot be added."""
    if ADDRESS.name not in build.secrets:
        return content
    route = _route(str(build.settings["watchdog.every"]))
    return with_ways(content, (edit.flow(TOLD),), (edit.flow(route),))


def _route(every: str) -> dict[str, object]:
    """It goes on, so that all others hear of the Watchdog as before."""
    return {
        "receiver": HEARTBEAT,
        "matchers": ['alertname="Watchdog"'],
        "group_by": ["alertname"],
        "group_wait": "0s",
        "group_interval": duration(min(GROUP_INTERVAL, seconds(every))),
        "repeat_interval": every,
        "continue": True,
    }
