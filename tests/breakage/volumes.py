"""Configuration changed by hand on the engine, past the product: before and after the product has read it."""

from __future__ import annotations

import re
import time

from tests.breakage.breakage import Act, Breakage, Kind, each
from tests.breakage.containers import AGAIN, in_state
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
CHANGED, MISSING, ADDED = "was changed", "is missing", "was added"
UNREADABLE, ASTRAY = "has permissions 0 instead of 444", "names another version than"
ENTRIES = {
    CHANGED: "COMPONENT.container: NAME: FILE was changed",
    MISSING: "COMPONENT.container: NAME: FILE is missing",
    ADDED: "COMPONENT.container: NAME: FILE was added",
    UNREADABLE: "COMPONENT.container: NAME: FILE has permissions MODE instead of MODE",
    ASTRAY: "COMPONENT.container: NAME: current names another version than VERSION",
}
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


def _changed(
    component: str, name: str, *acts: Act, path: str, what: str = CHANGED, kind: Kind = "bare"
) -> Breakage:
    return Breakage(
        name,
        each(*acts),
        rf"{component}\.container: \S+: .*{re.escape(path)} {what}",
        "reload writes the rendered files anew",
        ENTRIES[what],
        on=kind,
    )


def _prometheus(name: str, *acts: Act, path: str = RULES, what: str = CHANGED) -> Breakage:
    return _changed("prometheus", name, *acts, path=path, what=what)


def _alertmanager(name: str, *acts: Act, path: str = "alertmanager.yml", what: str = CHANGED) -> Breakage:
    return _changed("alertmanager", name, *acts, path=path, what=what, kind="whole")


def _grafana(name: str, *acts: Act, path: str) -> Breakage:
    return _changed("grafana", name, *acts, path=path, kind="whole")


def garbage(component: str, path: str) -> Act:
    """No product can read this."""
    return written_in_volume(component, path, "\x01 {{ ]")


HUP, AM_HUP = told("prometheus"), told("alertmanager")
EXPR = edited_in_volume("prometheus", RULES, "expr: up == 0", "expr: up == 7")
ROUTE = edited_in_volume("alertmanager", "alertmanager.yml", "group_wait: 10s", "group_wait: 11s")
DASHBOARD, SOURCES = "dashboards/slo.json", "provisioning/datasources/stack.yml"

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
        path="prometheus.yml",
    ),
    _prometheus(
        "scrape-path-changed-and-loaded",
        edited_in_volume(
            "prometheus", "scrape/app.yml", "job_name: app", "job_name: app\n    metrics_path: /x"
        ),
        HUP,
        path="scrape/app.yml",
    ),
    _prometheus("rule-file-removed", unlinked_in_volume("prometheus", RULES), HUP, what=MISSING),
    _prometheus(
        "rule-file-added",
        written_in_volume("prometheus", "rules/added.yml", EXTRA),
        HUP,
        path="rules/added.yml",
        what=ADDED,
    ),
    _prometheus("garbage-not-loaded", garbage("prometheus", "prometheus.yml"), path="prometheus.yml"),
    _prometheus("garbage-refused", garbage("prometheus", "prometheus.yml"), HUP, path="prometheus.yml"),
    _prometheus("rule-unreadable", in_volume("prometheus", "config", MODE, RULES), HUP, what=UNREADABLE),
    _prometheus("link-astray", in_volume("prometheus", "config", LINK), HUP, path="current", what=ASTRAY),
    Breakage("mark-removed", in_volume("prometheus", "config", NO_MARK)),
    _alertmanager("route-changed-in-volume", ROUTE),
    _alertmanager("route-changed-and-loaded", ROUTE, AM_HUP),
    _alertmanager("alertmanager-garbage", garbage("alertmanager", "alertmanager.yml"), AM_HUP),
    _alertmanager(
        "alertmanager-file-removed",
        unlinked_in_volume("alertmanager", "alertmanager.yml"),
        AM_HUP,
        what=MISSING,
    ),
    Breakage(
        "restarted-on-garbage",
        each(
            garbage("alertmanager", "alertmanager.yml"),
            restarted("alertmanager"),
            in_state("alertmanager", "restarting", "exited"),
        ),
        r"alertmanager\.container: \S+ ends .*again and again",
        "logs alertmanager",
        AGAIN,
        status=5,
        on="whole",
    ),
    _alertmanager(
        "template-added",
        written_in_volume("alertmanager", "added.tmpl", '{{ define "x" }}y{{ end }}'),
        path="added.tmpl",
        what=ADDED,
    ),
    _grafana(
        "dashboard-changed-in-volume",
        edited_in_volume("grafana", DASHBOARD, '"title"', '"titel"'),
        path="slo.json",
    ),
    _grafana(
        "data-source-changed-in-volume",
        edited_in_volume("grafana", SOURCES, "http://prometheus:9090", "http://nobody:9090"),
        path="datasources/stack.yml",
    ),
)
