"""What an operator, an accident or a colleague does to a stack past the product: over the engine, and on the disk."""

from __future__ import annotations

import os
import shutil
import signal
from functools import cache, partial
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound

from stack.components import CATALOG, load
from stack.engine.docker import connect
from stack.images.resolver import Images
from stack.model.spec import container_name
from tests.breakage.breakage import Act
from tests.e2e.stack_command import ROOT, Stack

CONTAINER_PORTS = {"prometheus": 9090, "alertmanager": 9093, "app": 8000}
FOREIGN = "breakage"
"""Label of what these tests put beside a stack."""


@cache
def api() -> Any:
    """The engine, over the SDK's low-level client."""
    return docker.from_env().api


@cache
def python_image() -> str:
    """A reference of an image with Python, built where it is missing."""
    cache_of_the_checkout = load({}, environ={}, project=ROOT).cache
    return Images(connect(), cache_of_the_checkout, CATALOG).provide(("python",))["python"].ref


def run_python(script: str, *args: str, volume: str = "", network: str = "none", root: bool = True) -> str:
    """Runs a script in a container of its own, with a volume below /v; what it printed."""
    output = docker.from_env().containers.run(
        python_image(),
        ["-c", script, *args],
        entrypoint=["python3"],
        user="0" if root else "65534",
        network=network,
        volumes={volume: {"bind": "/v", "mode": "rw"}} if volume else {},
        labels={FOREIGN: "1"},
        remove=True,
    )
    return output.decode()


def name_of(stack: Stack, component: str) -> str:
    """A component's container."""
    return container_name(stack.name, component)


def on(component: str, call: str, **options: Any) -> Act:
    """A call of the engine that is about one container, such as ``pause``."""

    def act(stack: Stack) -> None:
        getattr(api(), call)(name_of(stack, component), **options)

    return act


def removed(component: str) -> Act:
    """docker rm -f."""
    return on(component, "remove_container", force=True)


def killed(component: str, signal: str = "KILL") -> Act:
    """docker kill."""
    return on(component, "kill", signal=signal)


def restarted(component: str) -> Act:
    """docker restart, without patience."""
    return on(component, "restart", timeout=1)


def updated(component: str, **limits: Any) -> Act:
    """docker update, with the names of the engine's API; the SDK lacks some of them."""

    def act(stack: Stack) -> None:
        url = api()._url("/containers/{0}/update", name_of(stack, component))
        api()._raise_for_status(api()._post_json(url, data=limits))

    return act


def volume_of(stack: Stack, component: str, kind: str) -> str:
    """The name of a component's volume; ``kind`` is config, data or another suffix."""
    return f"{name_of(stack, component)}-{kind}"


def in_volume(component: str, kind: str, script: str, *args: str) -> Act:
    """A Python script that finds the component's volume below /v."""

    def act(stack: Stack) -> None:
        volume = volume_of(stack, component, kind)
        api().inspect_volume(volume)  # else the container would make one that is not the stack's
        run_python(script, *args, volume=volume)

    return act


def detached(component: str) -> Act:
    """docker network disconnect -f."""

    def act(stack: Stack) -> None:
        api().disconnect_container_from_network(name_of(stack, component), stack.name, force=True)

    return act


def forwarder_killed(component: str) -> Act:
    """The end of the docker-proxy that the engine runs for a component's published port."""

    def act(stack: Stack) -> None:
        (binding,) = api().port(name_of(stack, component), CONTAINER_PORTS[component])
        wanted = {b"-host-port", binding["HostPort"].encode()}
        (process,) = (place for place in Path("/proc").glob("[0-9]*") if wanted <= _arguments_here(place))
        os.kill(int(process.name), signal.SIGKILL)

    return act


def _arguments_here(process: Path) -> set[bytes]:
    """The words of a process of this network namespace; none of one of another, or that has ended."""
    try:
        same = (process / "ns/net").readlink() == Path("/proc/self/ns/net").readlink()
        return set((process / "cmdline").read_bytes().split(b"\0")) if same else set()
    except OSError:
        return set()


def network_removed(stack: Stack) -> None:
    """Takes everybody off the stack's network and removes it."""
    found = api().inspect_network(stack.name)
    for container in found["Containers"]:
        api().disconnect_container_from_network(container, stack.name, force=True)
    api().remove_network(stack.name)


def network_made(labelled: bool) -> Act:
    """The network removed and made anew, with or without our labels, and nobody on it."""

    def act(stack: Stack) -> None:
        labels = api().inspect_network(stack.name)["Labels"] if labelled else {}
        network_removed(stack)
        api().create_network(stack.name, driver="bridge", labels=labels)

    return act


def foreign_removed(*names: str) -> Act:
    """Removes containers and networks of these names, ``{}`` standing for the stack's, that are not the stack's."""

    def act(stack: Stack) -> None:
        for name in names:
            for remove in (
                partial(api().remove_container, force=True),
                api().remove_network,
                api().remove_volume,
            ):
                try:
                    remove(name.format(stack.name))
                except (NotFound, APIError):
                    continue

    return act


def edited(path: str, old: str, new: str) -> Act:
    """Another text in one of the user's files."""

    def act(stack: Stack) -> None:
        file = stack.home / path
        text = file.read_text()
        assert old in text, f"{path} lacks {old!r}"
        file.write_text(text.replace(old, new, 1))

    return act


def written(path: str, text: str) -> Act:
    """A file of the user's, new or overwritten."""

    def act(stack: Stack) -> None:
        (stack.home / path).parent.mkdir(parents=True, exist_ok=True)
        (stack.home / path).write_text(text)

    return act


def unlinked(path: str) -> Act:
    """A file of the user's is gone."""
    return lambda stack: (stack.home / path).unlink()


def pristine(stack: Stack) -> None:
    """The user's files as the checkout has them."""
    for folder in ("prometheus", "alertmanager", "grafana"):
        shutil.rmtree(stack.home / folder, ignore_errors=True)
        shutil.copytree(ROOT / folder, stack.home / folder)
    shutil.rmtree(stack.home / "own", ignore_errors=True)
    (stack.home / "stack.toml").unlink(missing_ok=True)


CONFIG_EDIT = """
import pathlib, sys
path, old, new = sys.argv[1:]
file = pathlib.Path('/v/current').resolve() / path if not path.startswith('/') else pathlib.Path(path)
text = file.read_text()
assert old in text, (path, old)
file.write_text(text.replace(old, new, 1))
"""
CONFIG_WRITE = """
import pathlib, sys
file = pathlib.Path('/v/current').resolve() / sys.argv[1]
file.unlink(missing_ok=True)
file.write_text(sys.argv[2])
"""
CONFIG_REMOVE = """
import pathlib, sys
(pathlib.Path('/v/current').resolve() / sys.argv[1]).unlink()
"""


def edited_in_volume(component: str, path: str, old: str, new: str) -> Act:
    """Another text in a file of the version in use, on the engine."""
    return in_volume(component, "config", CONFIG_EDIT, path, old, new)


def written_in_volume(component: str, path: str, text: str) -> Act:
    """A file of the version in use, new or overwritten, on the engine."""
    return in_volume(component, "config", CONFIG_WRITE, path, text)


def unlinked_in_volume(component: str, path: str) -> Act:
    """A file of the version in use is gone, on the engine."""
    return in_volume(component, "config", CONFIG_REMOVE, path)
