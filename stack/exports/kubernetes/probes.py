"""When a container is started, ready and alive, by the description of its health. Pure.

Kubernetes asks over HTTP where the service speaks it: a command in a container costs a process each time.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from stack.exports.kubernetes.cluster import Json
from stack.model.spec import ServiceSpec

STARTING = {"prometheus": 600, "postgres": 600}
"""Seconds that a start may take where it reads what was written before, such as a write-ahead log."""
START_SECONDS = 120
ALIVE_EVERY, ALIVE_TIMEOUT, ALIVE_FAILURES = 15, 5, 4
"""A container is killed only after a minute of silence: a busy node is no reason."""


def port_name(service: ServiceSpec) -> str:
    """What its port is called: by what is spoken there."""
    return "http" if _path(service) else "tcp"


def probes(service: ServiceSpec) -> Json:
    """The three probes."""
    health = service.health
    ready = _ask(service, service.ready_path or _path(service))
    every, timeout = max(1, round(health.interval)), max(1, round(health.timeout))
    seconds = STARTING.get(service.kind, START_SECONDS)
    told = {"periodSeconds": every, "timeoutSeconds": timeout}
    return {
        "startupProbe": {**ready, **told, "failureThreshold": -(-seconds // every)},
        "readinessProbe": {**ready, **told, "failureThreshold": health.retries},
        "livenessProbe": {
            **_ask(service, _path(service)),
            "periodSeconds": ALIVE_EVERY,
            "timeoutSeconds": ALIVE_TIMEOUT,
            "failureThreshold": ALIVE_FAILURES,
        },
    }


def _path(service: ServiceSpec) -> str:
    """The path that its health check asks; empty where that speaks no HTTP."""
    address = service.health.test[-1]
    return urlsplit(address).path if address.startswith("http://") else service.ready_path


def _ask(service: ServiceSpec, path: str) -> Json:
    if path:
        return {"httpGet": {"path": path, "port": port_name(service)}}
    if "--version" in service.health.test:  # says only that the program can be run
        return {"tcpSocket": {"port": port_name(service)}}
    return {"exec": {"command": list(service.health.test[1:])}}
