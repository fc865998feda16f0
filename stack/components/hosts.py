"""Further hosts: a node_exporter on another Docker engine, as ``own/hosts/NAME.toml`` says. Pure.

The exporter there is described as the one here, and hardened alike. It is published on one address, and answers over
TLS to whoever has the password. The files hold where it is and what it knows of the password, a hash; certificate,
key and password lie in own/secrets/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from stack.components.build import Build, Image
from stack.components.exporters.server import SUFFIX
from stack.components.host_values import (
    check_address,
    check_cert_path,
    check_engine,
    check_hash,
    check_name,
    check_port,
)
from stack.components.node_exporter import HOST_NETWORK, NODE_EXPORTER, PORT, TEXTFILE
from stack.components.own_paths import OWN_HOSTS, OWN_SECRETS, closing_line_cut
from stack.components.own_toml import Fault, Wrong, parsed
from stack.model.digests import digest_of
from stack.model.spec import (
    HOST_JOBS,
    NOBODY,
    ConfigFile,
    Health,
    Mount,
    Port,
    ServiceSpec,
    StackSpec,
    config_volume,
)

FOLDER = OWN_HOSTS
USER = "prometheus"
WORDS: dict[str, type] = {"engine": str, "cert_path": str, "address": str, "port": int, "password_hash": str}
CALLED: dict[type, str] = {str: "text", int: "number"}
SECRET_KINDS = ("password", "crt", "key")
FOLDER_THERE = "/etc/web"
WEB = "web.yml"
"""The exporter's web configuration; the files that it names lie beside it."""
REFUSES = (
    'said=$(wget -q -O - http://{}/ 2>&1)\ncase "$said" in *" 400 "*) exit 0;; esac\necho "$said"\nexit 1'
)
"""It listens, and refuses who speaks no TLS: the busybox of its image cannot speak it, and has no password."""


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
        """Where its exporter is asked, an IPv6 address in brackets."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    @property
    def job(self) -> str:
        """The scrape job."""
        return job_of(self.name)


def job_of(name: str) -> str:
    """The scrape job of a host."""
    return f"host-{name}"


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
    told = _document(tree[path])
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


def _document(content: bytes) -> dict[str, Any]:
    document: dict[str, Any] = parsed(content)
    for key, value in document.items():
        if key not in WORDS:
            raise Wrong(f"unknown key {key}", f"known are {', '.join(WORDS)}")
        if not isinstance(value, WORDS[key]) or isinstance(value, bool):
            raise Wrong(f"{key}: {value!r} is no {CALLED[WORDS[key]]}", "correct the value")
    return document


def jobs(build: Build) -> Iterator[ConfigFile]:
    """The scrape jobs of all hosts as one file; none where there is no host. JSON is YAML."""
    found = [json.dumps(_job(host)) for host in hosts(build.tree)]
    if found:
        lines = "".join(f"  - {line}\n" for line in found)
        yield ConfigFile(HOST_JOBS, f"scrape_configs:\n{lines}".encode(), origin=FOLDER)


def _job(host: FarHost) -> dict[str, Any]:
    """The host's own certificate alone is trusted, by its name, whatever the address is."""
    return {
        "job_name": host.job,
        "scheme": "https",
        "basic_auth": {"username": USER, "password_file": secret_of(host.name, "password")},
        "tls_config": {"ca_file": secret_of(host.name, "crt"), "server_name": host.name},
        "static_configs": [{"targets": [host.at], "labels": {"instance": host.name, "host": host.name}}],
    }


def far_spec(build: Build, host: FarHost, image: Image) -> StackSpec:
    """What runs on the host: the exporter as it is described here, published, and closed by its web configuration.

    That lies in a volume named by its content, so that other content is another container: an engine cannot be asked
    for files of a container that has the host's root mounted, since it mounts all of that once more (20.10).
    """
    name = stack_of(build.settings.name, host.name)
    plain = {HOST_NETWORK: False, TEXTFILE: ""}  # both are told in words of this machine
    settings = replace(build.settings, values={**build.settings.values, **plain})
    here = replace(build, settings=settings, images={**build.images, NODE_EXPORTER.name: image})
    (usual,) = NODE_EXPORTER.services(here)
    beside = bool(build.settings[HOST_NETWORK])
    listens = host.at if beside else f"127.0.0.1:{PORT}"
    closed: ServiceSpec = replace(
        usual,
        command=(
            *usual.command,
            *((f"--web.listen-address={host.at}",) if beside else ()),
            f"--web.config.file={FOLDER_THERE}/{WEB}",
        ),
        mounts=(*usual.mounts, Mount("volume", volume_of(name, far_files(build.tree, host)), FOLDER_THERE)),
        published=None if beside else Port(PORT, host.port, host.address),
        host_network=beside,
        health=Health(("CMD", "sh", "-c", REFUSES.format(listens)), interval=30.0, timeout=10.0),
        ready_path="",
        hostname="" if beside else host.name,
    )
    return StackSpec(name, (closed,))


def volume_of(stack: str, given: tuple[ConfigFile, ...]) -> str:
    """The volume of these files; what is called so goes when nothing uses it."""
    content = digest_of([file.fingerprint() for file in given])
    return config_volume(stack, f"{NODE_EXPORTER.name}-{content[:12]}")


def far_files(tree: Mapping[str, bytes], host: FarHost) -> tuple[ConfigFile, ...]:
    """What lies in that volume, for the exporter's user alone."""
    web = {
        "tls_server_config": {"cert_file": "host.crt", "key_file": "host.key"},
        "basic_auth_users": {USER: host.password_hash},
    }
    texts = {
        WEB: (json.dumps(web).encode(), host.origin),
        "host.crt": (tree[secret_of(host.name, "crt")], secret_of(host.name, "crt")),
        "host.key": (tree[secret_of(host.name, "key")], secret_of(host.name, "key")),
    }
    return tuple(
        ConfigFile(path, content, 0o400, NOBODY, True, origin) for path, (content, origin) in texts.items()
    )


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
