"""Configuration changed by hand on the engine, past the product: before and after the product has read it."""

from __future__ import annotations

import re
import time

from tests.breakage.breakage import Act, Breakage, Kind, each
from tests.breakage.containers import AGAIN, in_state, started_again
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
UNREADABLE, CLOSED = "has permissions 0 instead of 444", "has permissions 700 instead of 755"
ASTRAY, TAKEN = "names another version than", "belongs to user 1234 instead of"
ENTRIES = {
    CHANGED: "COMPONENT.container: NAME: FILE was changed",
    MISSING: "COMPONENT.container: NAME: FILE is missing",
    ADDED: "COMPONENT.container: NAME: FILE was added",
    UNREADABLE: "COMPONENT.container: NAME: FILE has permissions MODE instead of MODE",
    CLOSED: "COMPONENT.container: NAME: FILE has permissions MODE instead of MODE",
    TAKEN: "COMPONENT.container: NAME: FILE belongs to user USER instead of USER",
    ASTRAY: "COMPONENT.container: NAME: current names another version than VERSION",
}
LINK = "import os; os.remove('/v/current'); os.symlink('nowhere', '/v/current')"
CIRCLE = "import os; os.remove('/v/current'); os.symlink('current', '/v/current')"
BOARD = "open('/v/user/dashboards/added.json', 'w').write('{}')"
SHUT = "import os; os.chmod('/v', 0o700)"
SHUT_RULES = "import os; os.chmod(os.path.realpath('/v/current') + '/rules', 0o700)"
TAKE = """
import os
for folder, _, names in os.walk('/v'):
    for name in names:
        path = os.path.join(folder, name)
        if not os.stat(path).st_mode & 4: os.chown(path, 1234, 1234)
"""
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


def _grafana(name: str, *acts: Act, path: str, what: str = CHANGED) -> Breakage:
    return _changed("grafana", name, *acts, path=path, what=what, kind="whole")


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
    _prometheus("link-in-a-circle", in_volume("prometheus", "config", CIRCLE), path="current", what=ASTRAY),
    _prometheus("volume-shut", in_volume("prometheus", "config", SHUT), path="/etc/stack", what=CLOSED),
    _prometheus("folder-shut", in_volume("prometheus", "config", SHUT_RULES), HUP, path="rules", what=CLOSED),
    _grafana(
        "secret-taken",
        in_volume("grafana", "config", TAKE),
        path="secrets/grafana_admin_password",
        what=TAKEN,
    ),
    Breakage(
        "restarted-on-a-closed-file",
        each(
            in_volume("prometheus", "config", MODE, "prometheus.yml"),
            restarted("prometheus"),
            started_again("prometheus", 3),
        ),
        r"prometheus\.container: \S+ ends .*again and again(?: \(start \d+\))?: prometheus.yml " + UNREADABLE,
        "start writes the files anew",
        AGAIN,
        status=5,
    ),
    _prometheus(
        "board-added",
        in_volume("prometheus", "config", BOARD),
        path="user/dashboards/added.json",
        what=ADDED,
    ),
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
