"""Further hosts: exporters on other Docker engines, as ``own/hosts/NAME.toml`` says, and how they are scraped. Pure.

Each has a node_exporter, and the exporters of the servers whose files name the host. They are published on one address,
and answer over TLS to whoever has the password. The files hold where they are and what is known there of the password,
a hash; certificate, key and password lie in own/secrets/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from stack.components.build import Build
from stack.components.exporters.on_hosts import Onboard, onboard
from stack.components.exporters.server import SUFFIX
from stack.components.host_values import (
    check_address,
    check_cert_path,
    check_engine,
    check_hash,
    check_name,
    check_port,
)
from stack.components.node_exporter import PORT
from stack.components.own_paths import OWN_HOSTS, OWN_SECRETS, closing_line_cut
from stack.components.own_toml import Fault, Wrong, document_of
from stack.model.spec import HOST_JOBS, ConfigFile

FOLDER = OWN_HOSTS
USER = "prometheus"
WORDS: dict[str, type] = {"engine": str, "cert_path": str, "address": str, "port": int, "password_hash": str}
SECRET_KINDS = ("password", "crt", "key")


class FarHost(Struct, frozen=True):
    """One host. ``engine`` is the URL of its Docker engine, ``address`` and ``port`` where its exporter is asked.

    ``cert_path``: the folder here with the certificates for that engine; empty for those of the environment, if any.
    """

    name: str
    origin: str
    engine: str
    address: str
    port: int
    password_hash: str
    cert_path: str = ""

    @property
    def at(self) -> str:
        """Where its node_exporter is asked."""
        return self.at_port(self.port)

    def at_port(self, port: int) -> str:
        """A port of it, an IPv6 address in brackets."""
        return f"[{self.address}]:{port}" if ":" in self.address else f"{self.address}:{port}"

    @property
    def job(self) -> str:
        """The scrape job of its node_exporter."""
        return job_of(self.name)


def job_of(name: str, service: str = "") -> str:
    """The scrape job of a host's node_exporter, or of another exporter there."""
    return f"host-{name}-{service}" if service else f"host-{name}"


def path_of(name: str) -> str:
    """The file of a host."""
    return f"{FOLDER}{name}{SUFFIX}"


def secret_of(name: str, kind: str) -> str:
    """Where one of ``SECRET_KINDS`` of a host lies."""
    return f"{OWN_SECRETS}hosts/{name}.{kind}"


def stack_of(stack: str, name: str) -> str:
    """What the containers on that engine belong to, so that each engine can have stacks of its own."""
    return f"{stack}-host-{name}"


def files(tree: Mapping[str, bytes]) -> dict[str, str]:
    """The files of hosts: path > name."""
    found = (path for path in sorted(tree) if path.startswith(FOLDER) and path.endswith(SUFFIX))
    names = {path: path.removeprefix(FOLDER).removesuffix(SUFFIX) for path in found}
    return {path: name for path, name in names.items() if "/" not in name}


def hosts(tree: Mapping[str, bytes]) -> tuple[FarHost, ...]:
    """Those whose files can be used, by name."""
    return tuple(one for one in _all(tree) if isinstance(one, FarHost))


def faults(tree: Mapping[str, bytes]) -> tuple[Fault, ...]:
    """The files that cannot be used."""
    return tuple(one for one in _all(tree) if isinstance(one, Fault))


def named(tree: Mapping[str, bytes]) -> set[str]:
    """The files that hosts are made of: their own, and their secrets."""
    used = hosts(tree)
    secrets = {secret_of(host.name, kind) for host in used for kind in SECRET_KINDS}
    return {host.origin for host in used} | secrets


def _all(tree: Mapping[str, bytes]) -> Iterator[FarHost | Fault]:
    for path, name in files(tree).items():
        try:
            yield read(tree, path, name)
        except Wrong as wrong:
            yield Fault(path, str(wrong), wrong.hint)


def read(tree: Mapping[str, bytes], path: str, name: str) -> FarHost:
    """The host that a file says; ``Wrong`` with the remedy."""
    check_name(name)
    told = document_of(tree[path], WORDS)
    for kind in SECRET_KINDS:
        if not closing_line_cut(tree.get(secret_of(name, kind), b"")):
            hint = f"take the file away, and let host add {name} make it anew"
            raise Wrong(f"{secret_of(name, kind)} is missing or empty", hint)
    engine = check_engine(told.get("engine", ""))
    return FarHost(
        name=name,
        origin=path,
        engine=engine,
        cert_path=check_cert_path(told.get("cert_path", ""), engine),
        address=check_address(told.get("address", "")),
        port=check_port(told.get("port", PORT)),
        password_hash=check_hash(told.get("password_hash", "")),
    )


def jobs(build: Build) -> Iterator[ConfigFile]:
    """The scrape jobs of all hosts as one file; none where there is no host. JSON is YAML."""
    found = [json.dumps(job) for host in hosts(build.tree) for job in _jobs(build, host)]
    if found:
        lines = "".join(f"  - {line}\n" for line in found)
        yield ConfigFile(HOST_JOBS, f"scrape_configs:\n{lines}".encode(), origin=FOLDER)


def _jobs(build: Build, host: FarHost) -> Iterator[dict[str, Any]]:
    yield _job(host, host.job, host.port, {"instance": host.name})
    for one in onboard(build, host.name):
        yield _job(host, job_of(host.name, one.service), one.port, _labels(one))


def _labels(one: Onboard) -> dict[str, str]:
    """Those of a server whose exporter runs here, so that rules and dashboards find it."""
    return {"job": one.kind.name, "instance": one.server.name}


def _job(host: FarHost, name: str, port: int, labels: Mapping[str, str]) -> dict[str, Any]:
    """The host's own certificate alone is trusted, by its name, whatever the address is."""
    return {
        "job_name": name,
        "scheme": "https",
        "basic_auth": {"username": USER, "password_file": secret_of(host.name, "password")},
        "tls_config": {"ca_file": secret_of(host.name, "crt"), "server_name": host.name},
        "static_configs": [{"targets": [host.at_port(port)], "labels": {**labels, "host": host.name}}],
    }


def document(host: FarHost) -> str:
    """The host's file, as a person would write it."""
    told = {
        "engine": host.engine,
        **({"cert_path": host.cert_path} if host.cert_path else {}),
        "address": host.address,
        "port": host.port,
        "password_hash": host.password_hash,
    }
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in told.items())
    return "\n".join((f"# node_exporter on {host.name}, asked by this stack's Prometheus.", *lines, ""))
