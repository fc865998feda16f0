"""A stack file for Docker Swarm, with the files that it names: for ``docker stack deploy``.

Pure: the description in, texts out, the same to the byte for the same description. Swarm never changes a config, so
each is named by its content, and only a service whose files changed is replaced. Values of secrets stand nowhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import yaml
from msgspec import Struct
from msgspec.structs import replace

from stack.exports.compose import health_of, logging_of
from stack.exports.files import Placed, found_by_dns, placed, secret_names, secrets, slug
from stack.exports.swarm_notes import STACK_FILE, first_commands, head, notes
from stack.model.spec import CONFIG_ROOT, OPEN_FILES, Mount, ServiceSpec, StackSpec

LIMIT = 500 * 1024
"""Bytes that a config must stay below; the newest engines take twice as much."""
EVERYWHERE = ("node_exporter",)
"""Components that run on each node."""
NAME_LENGTH, DIGEST_LENGTH = 64, 12
LOOKED_UP = "15s"
"""How often Prometheus looks which nodes there are."""
TO_BECOME_HEALTHY = 120.0
"""Seconds at least in which a failed health check counts for nothing: Swarm ends what is unhealthy, where an engine
only says so."""
WATCHED = "20s"
"""How long after an update a service that fails goes back to what it was."""
NODE_NAME = "{{.Node.Hostname}}"
SCRAPE = "scrape/"
QUICK_LOOK, RUNBOOKS = "user/", ("user/runbooks/", "user/page.css")
"""Prometheus' folder of pages below CONFIG_ROOT, and what of it is no part of the quick look."""


class Wish(Struct, frozen=True):
    """What the user wants: ports by component on the addresses of its node, traffic between nodes encrypted.

    ``version`` ends the names of secrets, so that another value is another secret.
    """

    publish: tuple[tuple[str, int], ...] = ()
    encrypted: bool = False
    version: str = "1"


class Export(Struct, frozen=True):
    """Files by path, the nodes' labels, private file > name of each secret, and what is to be known."""

    files: dict[str, bytes]
    labels: tuple[str, ...]
    secrets: dict[str, str]
    notes: tuple[str, ...]


def swarm(spec: StackSpec, wish: Wish, beyond: tuple[str, ...] = ()) -> Export:
    """The stack file and the files that it names. ``beyond``: what was left out before, in sentences."""
    spec = replace(spec, services=tuple(_by_dns(s, spec) for s in spec.services))
    plain = secret_names(spec)
    called = {name: _secret(spec.name, name, wish.version) for name in sorted(set(plain.values()))}
    made = _Making(spec, wish, {place: called[name] for place, name in plain.items()})
    services = {s.host: made.service(s) for s in spec.services}
    outer = sorted({network.name for s in spec.services for network in s.networks})
    document: dict[str, Any] = {
        "version": "3.9",
        "services": services,
        "networks": {"default": _network(wish), **{_outer(n): {"name": n, "external": True} for n in outer}},
        "volumes": {volume: {} for volume in made.volumes},
        "configs": made.configs,
        "secrets": {name: {"external": True} for name in called.values()},
    }
    text = yaml.dump(
        _escaped({key: value for key, value in document.items() if value}),
        Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
        sort_keys=False,
        allow_unicode=True,
        width=110,
    )
    labels = tuple(label_of(spec, s) for s in spec.services if stays(s))
    commands = first_commands(spec.name, labels, called)
    told = (*notes(spec, LIMIT, wish.publish), *beyond)
    whole = (head(spec.name, commands, told) + text).encode()
    return Export({STACK_FILE: whole, **made.files}, labels, called, told)


def _by_dns(service: ServiceSpec, spec: StackSpec) -> ServiceSpec:
    """What runs on each node has an address on each, of which Prometheus finds all."""
    if service.component != "prometheus":
        return service
    files = service.files
    for other in (s for s in spec.services if s.component in EVERYWHERE):
        files = tuple(
            found_by_dns(f, other, f"tasks.{other.host}", LOOKED_UP) if f.path.startswith(SCRAPE) else f
            for f in files
        )
    return replace(service, files=files)


def stays(service: ServiceSpec) -> bool:
    """Whether it needs one node: for the data that it keeps there, or since it looks at that machine."""
    bound = any(_is_data(mount) or mount.kind == "bind" for mount in service.mounts)
    return bound and service.component not in EVERYWHERE


def label_of(spec: StackSpec, service: ServiceSpec) -> str:
    """The label of the node where it stays."""
    return f"{spec.name}.{service.host}"


def _secret(stack: str, name: str, version: str) -> str:
    """Its name in Swarm; one that is too long ends with a checksum in place of its rest."""
    rest = NAME_LENGTH - len(stack) - len(version) - 2
    if len(name) > rest:
        checksum = hashlib.sha256(name.encode()).hexdigest()[: DIGEST_LENGTH - 4]
        name = f"{name[: rest - len(checksum) - 1]}-{checksum}"
    return f"{stack}_{name}-{version}"


def _of_quick_look(one: Placed) -> bool:
    return one.file.path.startswith(QUICK_LOOK) and not one.file.path.startswith(RUNBOOKS)


def _is_data(mount: Mount) -> bool:
    return mount.kind == "volume" and mount.target != CONFIG_ROOT


def _network(wish: Wish) -> dict[str, Any]:
    """Others may join it, such as a proxy; plain traffic between nodes unless it is to be encrypted."""
    options = {"driver_opts": {"encrypted": "true"}} if wish.encrypted else {}
    return {"driver": "overlay", "attachable": True, **options}


def _outer(name: str) -> str:
    return f"outer-{name}"


class _Making:
    """One export on its way: what the services name is gathered beside them."""

    def __init__(self, spec: StackSpec, wish: Wish, names: Mapping[tuple[str, str], str]) -> None:
        self.spec, self.wish, self.names = spec, wish, names
        self.configs: dict[str, dict[str, str]] = {}
        self.files: dict[str, bytes] = {}
        self.volumes: list[str] = []

    def service(self, service: ServiceSpec) -> dict[str, Any]:
        """One service of the file."""
        told: dict[str, Any] = {
            "image": service.image,
            "user": service.user,
            "hostname": NODE_NAME if service.component in EVERYWHERE else None,
            "entrypoint": list(service.entrypoint),
            "command": list(service.command),
            "environment": dict(service.environment),
            "ports": self._ports(service),
            "volumes": [self._volume(service, m) for m in service.mounts if m.target != CONFIG_ROOT],
            "configs": [self._config(service, one) for one in self._placed(service)],
            "secrets": [self._secret(service, one) for one in secrets(service)],
            "networks": {
                "default": {"aliases": sorted(service.aliases)},
                **{_outer(network.name): {} for network in service.networks},
            },
            "healthcheck": health_of(_patient(service)),
            "stop_signal": service.stop_signal,
            "stop_grace_period": f"{service.stop_seconds}s",
            "read_only": True,
            "cap_drop": ["ALL"],
            "ulimits": {"nofile": {"soft": OPEN_FILES, "hard": OPEN_FILES}},
            "logging": logging_of(service),
            "deploy": _deploy(self.spec, service),
        }
        return {key: value for key, value in told.items() if value}

    def _placed(self, service: ServiceSpec) -> list[Placed]:
        """Beside Grafana without the quick look, with which a changed dashboard would replace Prometheus too."""
        found, beside = placed(service, LIMIT), "grafana" in self.spec.components
        return [one for one in found if not (beside and _of_quick_look(one))]

    def _ports(self, service: ServiceSpec) -> list[dict[str, Any]]:
        """On the node where it runs: what has no virtual address cannot be published on all."""
        return [
            {"target": service.port, "published": port, "protocol": "tcp", "mode": "host"}
            for component, port in self.wish.publish
            if component == service.component
        ]

    def _volume(self, service: ServiceSpec, mount: Mount) -> dict[str, Any]:
        if mount.kind == "tmpfs":
            return {"type": "tmpfs", "target": mount.target, "tmpfs": {"size": mount.size}}
        if mount.kind == "bind":
            return {"type": "bind", "source": mount.source, "target": mount.target, "read_only": True}
        name = mount.source.removeprefix(f"{self.spec.name}-")
        self.volumes.append(name)
        return {"type": "volume", "source": name, "target": mount.target}

    def _config(self, service: ServiceSpec, one: Placed) -> dict[str, Any]:
        inside = one.path.removeprefix(f"{CONFIG_ROOT}/")
        rest = NAME_LENGTH - len(self.spec.name) - DIGEST_LENGTH - 2
        key = f"{slug(f'{service.host}-{inside}'.replace('/', '-'))[:rest]}-{one.digest[:DIGEST_LENGTH]}"
        if key not in self.configs:
            place = f"configs/{service.host}/{inside}"
            self.files[place] = one.content
            self.configs[key] = {"name": f"{self.spec.name}_{key}", "file": f"./{place}"}
        return {"source": key, "target": one.path, **_owner(service, one)}

    def _secret(self, service: ServiceSpec, one: Placed) -> dict[str, Any]:
        return {"source": self.names[service.component, one.path], "target": one.path, **_owner(service, one)}


def _owner(service: ServiceSpec, one: Placed) -> dict[str, Any]:
    if not one.file.uid:
        return {"mode": one.file.mode}
    return {"uid": str(one.file.uid), "gid": service.user.partition(":")[2] or "0", "mode": one.file.mode}


def _patient(service: ServiceSpec) -> ServiceSpec:
    """A minute of silence ends it, not the quarter of one after which an engine calls it unhealthy."""
    health = service.health
    health = replace(health, start_period=max(health.start_period, TO_BECOME_HEALTHY))
    return replace(service, health=replace(health, timeout=max(health.timeout, 10.0), retries=6))


def _deploy(spec: StackSpec, service: ServiceSpec) -> dict[str, Any]:
    """The old one ends before the new one begins: two of them would hold one folder of data, or one port."""
    limits = service.limits
    everywhere = service.component in EVERYWHERE
    told: dict[str, Any] = {"mode": "global"} if everywhere else {"mode": "replicated", "replicas": 1}
    told |= {
        "endpoint_mode": "dnsrr",
        "resources": {
            "limits": {"cpus": f"{limits.cpus:g}", "memory": str(limits.memory), "pids": limits.pids}
        },
        "restart_policy": {"condition": "any", "delay": "5s"},
        "update_config": {
            "parallelism": 1,
            "order": "stop-first",
            "failure_action": "rollback",
            "monitor": WATCHED,
        },
        "rollback_config": {"parallelism": 1, "order": "stop-first"},
    }
    if stays(service):
        told["placement"] = {"constraints": [f"node.labels.{label_of(spec, service)} == true"]}
    return told


def _escaped(value: Any) -> Any:
    """``docker stack`` would put variables in place of each ``$``."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    return {key: _escaped(one) for key, one in value.items()} if isinstance(value, dict) else value
