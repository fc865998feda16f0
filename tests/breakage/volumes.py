"""Configuration changed by hand on the engine, past the product: before and after the product has read it."""

from __future__ import annotations

import time

from tests.breakage.breakage import Act, Breakage, each
from tests.breakage.hands import (
    edited_in_volume,
    in_volume,
    killed,
    restarted,
    unlinked_in_volume,
    written_in_volume,
)
from tests.e2e.stack_command import Stack

RULES = "rules/prometheus.yml"
EXTRA = """groups:
  - name: added_by_hand
    rules:
      - record: added:by_hand:info
        expr: vector(1)
"""
OTHER = (
    r"(in Prometheus, .* in the file|the latest load|changed|not the rendered|in no file|not loaded|missing)"
)
VOLUME = "COMPONENT.container: NAME: FILE ..."
LOADED = "COMPONENT.config: loaded NAME differs from the rendered"
LINK = "import os; os.remove('/v/current'); os.symlink('nowhere', '/v/current')"
NO_MARK = "import os; os.remove('/v/.applied')"
MODE = """
import os, sys
os.chmod(os.path.join(os.path.realpath('/v/current'), sys.argv[1]), 0)
"""


def told(component: str) -> Act:
    """SIGHUP, and a moment to read the files."""

    def act(stack: Stack) -> None:
        killed(component, "HUP")(stack)
        time.sleep(0.5)

    return act


def _prometheus(name: str, *acts: Act, said: str = OTHER, entry: str = VOLUME) -> Breakage:
    return Breakage(name, each(*acts), rf"prometheus\.\w+: .*{said}", r"start|reload", entry)


def _alertmanager(name: str, *acts: Act, said: str = OTHER, entry: str = VOLUME) -> Breakage:
    return Breakage(name, each(*acts), rf"alertmanager\.\w+: .*{said}", r"start|reload", entry, on="whole")


HUP, AM_HUP = told("prometheus"), told("alertmanager")
EXPR = edited_in_volume("prometheus", RULES, "expr: up == 0", "expr: up == 7")

ROWS = (
    _prometheus("rule-changed-in-volume", EXPR),
    _prometheus("rule-changed-and-loaded", EXPR, HUP),
    _prometheus(
        "rule-labels-changed-and-loaded",
        edited_in_volume("prometheus", RULES, "severity: warning", "severity: critical"),
        HUP,
    ),
    _prometheus(
        "rule-for-changed-and-loaded", edited_in_volume("prometheus", RULES, "for: 1m", "for: 9m"), HUP
    ),
    _prometheus(
        "interval-changed-and-loaded",
        edited_in_volume("prometheus", "prometheus.yml", "scrape_interval: 5s", "scrape_interval: 7s"),
        HUP,
    ),
    _prometheus(
        "scrape-path-changed-and-loaded",
        edited_in_volume(
            "prometheus", "scrape/app.yml", "job_name: app", "job_name: app\n    metrics_path: /metrics?x"
        ),
        HUP,
    ),
    _prometheus("rule-file-removed", unlinked_in_volume("prometheus", RULES), HUP),
    _prometheus("rule-file-added", written_in_volume("prometheus", "rules/added.yml", EXTRA), HUP),
    _prometheus("garbage-not-loaded", written_in_volume("prometheus", "prometheus.yml", "\x01 {{ ]")),
    _prometheus("garbage-refused", written_in_volume("prometheus", "prometheus.yml", "\x01 {{ ]"), HUP),
    _prometheus("rule-unreadable", in_volume("prometheus", "config", MODE, RULES), HUP),
    _prometheus("link-astray", in_volume("prometheus", "config", LINK), HUP),
    Breakage("mark-removed", in_volume("prometheus", "config", NO_MARK)),
    _alertmanager(
        "route-changed-in-volume",
        edited_in_volume("alertmanager", "alertmanager.yml", "group_wait: 10s", "group_wait: 11s"),
    ),
    _alertmanager(
        "route-changed-and-loaded",
        edited_in_volume("alertmanager", "alertmanager.yml", "group_wait: 10s", "group_wait: 11s"),
        AM_HUP,
    ),
    _alertmanager(
        "alertmanager-garbage", written_in_volume("alertmanager", "alertmanager.yml", "{{ ]"), AM_HUP
    ),
    _alertmanager(
        "alertmanager-file-removed", unlinked_in_volume("alertmanager", "alertmanager.yml"), AM_HUP
    ),
    _alertmanager(
        "alertmanager-restarted-on-garbage",
        written_in_volume("alertmanager", "alertmanager.yml", "{{ ]"),
        restarted("alertmanager"),
        said=".*",
    ),
    _alertmanager(
        "template-added",
        written_in_volume("alertmanager", "templates/x.tmpl", '{{ define "x" }}y{{ end }}'),
    ),
    Breakage(
        "dashboard-changed-in-volume",
        edited_in_volume("grafana", "dashboards/slo.json", '"title"', '"titel"'),
        rf"grafana\.\w+: .*{OTHER}",
        r"start|reload",
        VOLUME,
        on="whole",
    ),
    Breakage(
        "data-source-changed-in-volume",
        edited_in_volume(
            "grafana", "provisioning/datasources/stack.yml", "http://prometheus:9090", "http://nobody:9090"
        ),
        rf"grafana\.\w+: .*{OTHER}",
        r"start|reload",
        VOLUME,
        on="whole",
    ),
)
