"""Checks of the gateway, asked as a person's browser asks: over TLS, under the addresses that people use.

What stands behind it is asked by checks of its own, which do not pass here.
"""

from __future__ import annotations

from stack.checks.check import LOGS, RELOAD, SILENT, Check, later

GATEWAY = "gateway"
USERS = "monitoring-stack user list shows who may log in"
START = "monitoring-stack start"
CHECKS = (
    Check(
        "gateway.ready",
        "the gateway answers over TLS",
        GATEWAY,
        "ready",
        later("gateway_door:ready"),
        SILENT,
        60,
        recurring=True,
    ),
    Check(
        "gateway.config",
        "it runs exactly the rendered files",
        GATEWAY,
        "checked",
        later("gateway_door:config"),
        RELOAD,
        10,
        by_engine=True,
    ),
    Check(
        "gateway.certificate",
        "its certificate is valid, and for how long",
        GATEWAY,
        "checked",
        later("gateway_door:certificate"),
        LOGS,
        60,
        every=0.2,
        recurring=True,
    ),
    Check(
        "gateway.redirect",
        "plain HTTP is sent to TLS",
        GATEWAY,
        "checked",
        later("gateway_door:redirect"),
        LOGS,
        10,
    ),
    Check(
        "gateway.login",
        "nobody enters without a login, and with one the products answer",
        GATEWAY,
        "checked",
        later("gateway_door:login"),
        USERS,
        20,
        after=("gateway.certificate",),
    ),
    Check(
        "gateway.grafana",
        "Grafana answers behind it, and its live channel opens",
        GATEWAY,
        "checked",
        later("gateway_door:grafana"),
        LOGS,
        20,
        needs=("grafana",),
        after=("gateway.certificate", "grafana.ready"),
    ),
    Check(
        "gateway.alone",
        "nothing else of the stack is published",
        GATEWAY,
        "checked",
        later("gateway_door:alone"),
        START,
        10,
        by_engine=True,
    ),
)
