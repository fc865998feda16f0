"""What runs on a further host: node_exporter and the exporters of servers, described as here, and hardened alike. Pure.

Each is published on one address of the host, and closed by its web configuration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec.structs import replace

from stack.components.build import Build, Image
from stack.components.exporters.kind import runnable
from stack.components.exporters.on_hosts import Onboard, onboard
from stack.components.hosts import USER, FarHost, secret_of, stack_of
from stack.components.node_exporter import HOST_NETWORK, NODE_EXPORTER, PORT, TEXTFILE
from stack.model.digests import digest_of
from stack.model.spec import NOBODY, ConfigFile, Health, Mount, Port, ServiceSpec, StackSpec, config_volume

FOLDER_THERE = "/etc/web"
WEB = "web.yml"
"""The exporters' web configuration; the files that it names lie beside it."""
REFUSES = (
    'said=$(wget -q -O - http://{}/ 2>&1)\ncase "$said" in *" 400 "*) exit 0;; esac\necho "$said"\nexit 1'
)
"""It listens, and refuses who speaks no TLS: the busybox of its image cannot speak it, and has no password."""


def kinds_on(build: Build, host: FarHost) -> tuple[str, ...]:
    """The components of which something runs there, node_exporter first."""
    return (NODE_EXPORTER.name, *dict.fromkeys(one.kind.name for one in onboard(build, host.name)))


def far_spec(build: Build, host: FarHost, images: Mapping[str, Image]) -> StackSpec:
    """What runs there; ``images`` are those of ``kinds_on``, as that engine has them.

    The web configuration lies in a volume named by its content, so that other content is another container: an engine
    cannot be asked for files of a container that has the host's root mounted, since it mounts all of that once more
    (20.10).
    """
    name = stack_of(build.settings.name, host.name)
    plain = {"name": name, HOST_NETWORK: False, TEXTFILE: ""}  # the two are told in words of this machine
    settings = replace(build.settings, values={**build.settings.values, **plain})
    here = replace(build, settings=settings, images={**build.images, **images})
    web = Mount("volume", volume_of(name, far_files(build.tree, host)), FOLDER_THERE)
    first = _node_exporter(here, host, web, beside=bool(build.settings[HOST_NETWORK]))
    return StackSpec(name, (first, *(_other(here, host, web, one) for one in onboard(build, host.name))))


def _node_exporter(here: Build, host: FarHost, web: Mount, *, beside: bool) -> ServiceSpec:
    (usual,) = NODE_EXPORTER.services(here)
    listens = host.at if beside else f"127.0.0.1:{PORT}"
    there = (f"--web.listen-address={host.at}",) if beside else ()
    told = replace(usual, command=(*usual.command, *there), hostname="" if beside else host.name)
    closed = _closed(told, web, None if beside else Port(PORT, host.port, host.address))
    return replace(closed, host_network=beside, health=_refuses(listens))


def _other(here: Build, host: FarHost, web: Mount, one: Onboard) -> ServiceSpec:
    usual, kind = one.kind.service(here, one.server), one.kind
    closed = _closed(usual, web, Port(kind.port, one.port, host.address))
    if kind.health == runnable(kind.packaged.program):
        return closed
    return replace(closed, health=_refuses(f"127.0.0.1:{kind.port}"))


def _closed(usual: ServiceSpec, web: Mount, port: Port | None) -> ServiceSpec:
    return replace(
        usual,
        command=(*usual.command, f"--web.config.file={FOLDER_THERE}/{WEB}"),
        mounts=(*usual.mounts, web),
        published=port,
        ready_path="",
    )


def _refuses(listens: str) -> Health:
    return Health(("CMD", "sh", "-c", REFUSES.format(listens)), interval=30.0, timeout=10.0)


def volume_of(stack: str, given: tuple[ConfigFile, ...]) -> str:
    """The volume of these files; what is called so goes when nothing uses it."""
    content = digest_of([file.fingerprint() for file in given])
    return config_volume(stack, f"{NODE_EXPORTER.name}-{content[:12]}")


def far_files(tree: Mapping[str, bytes], host: FarHost) -> tuple[ConfigFile, ...]:
    """What lies in that volume, for the exporters' user alone."""
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
