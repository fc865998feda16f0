"""What the engine says of a container, as our values: the one place that knows how engines normalise what they hold.

Pure functions over the answers of the API. What an engine cannot limit is told apart from what has no limit.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from stack.engine import convert, labels
from stack.engine.limits import CANNOT_LIMIT, NANO
from stack.model.found import FileKind, FileStat
from stack.model.observed import Applied, GivenLimits, ObservedContainer, Setup
from stack.model.outer import PREDEFINED
from stack.model.spec import Mount

ANONYMOUS = re.compile(r"[0-9a-f]{64}")
"""The name of a volume that an image declares and nobody named."""
FOLDER, LINK, OTHERS = 1 << 31, 1 << 27, 0x07280000
"""Kinds of files in the bits of Go's ``os.FileMode``."""
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what an engine makes of no address at all


def observed_container(
    inspect: Mapping[str, Any],
    applied: Applied,
    networks: Collection[str],
    told: Mapping[str, Any],
    others: Mapping[str, str],
) -> ObservedContainer:
    """What ``GET /containers/{id}/json`` says.

    ``networks``: ids of the stack's; ``told``: what the engine says of itself; ``others``: others' networks, name > id.
    """
    stack = labels.stack_of(inspect["Config"].get("Labels"))
    ours, lost = _outer((inspect.get("NetworkSettings") or {}).get("Networks") or {}, stack, others)
    return replace(_observed(inspect, applied, networks, told), joined=ours, lost=lost)


def _observed(
    inspect: Mapping[str, Any], applied: Applied, networks: Collection[str], told: Mapping[str, Any]
) -> ObservedContainer:
    config, state = inspect["Config"], inspect["State"]
    marks = config.get("Labels") or {}
    joined = (inspect.get("NetworkSettings") or {}).get("Networks") or {}
    own = joined.get(labels.stack_of(marks))
    beside = inspect["HostConfig"].get("NetworkMode") == convert.HOST
    return ObservedContainer(
        id=inspect["Id"],
        name=inspect["Name"].removeprefix("/"),
        component=marks.get(labels.COMPONENT, ""),
        digest=marks.get(labels.DIGEST, ""),
        image=config.get("Image", ""),
        image_id=inspect["Image"],
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", ""),
        needs=labels.needs_of(marks),
        started_at=_moment(state.get("StartedAt", "")),
        exit_code=state.get("ExitCode", 0),
        published=convert.published(inspect),
        applied=applied,
        stranded=((own or {}).get("NetworkID") or "") not in ("", *networks),
        networks=tuple(sorted(joined)),
        connected=own is not None or beside,
        aliases=tuple(own.get("Aliases") or ()) if own is not None else (),
        restarts=inspect.get("RestartCount", 0),
        oom_killed=bool(state.get("OOMKilled")),
        finished_at=_moment(state.get("FinishedAt", "")),
        limits=limits(inspect["HostConfig"], told),
        setup=setup(inspect),
    )


def networks_of_others(listed: Iterable[Mapping[str, Any]], stack: str) -> dict[str, str]:
    """Name > id of the networks that a container of the stack can join: others made them."""
    return {
        n["Name"]: n["Id"]
        for n in listed
        if n["Name"] not in PREDEFINED and labels.stack_of(n.get("Labels")) != stack
    }


def _outer(
    joined: Mapping[str, Any], stack: str, others: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of the networks of others that a container is on: those that it joined because of us, and those that are gone."""
    ends = {name: end or {} for name, end in sorted(joined.items()) if name not in (stack, *PREDEFINED)}
    lost = tuple(name for name, end in ends.items() if _lost(name, end, others))
    marked = (name for name, end in ends.items() if labels.is_joined(end.get("Aliases") or ()))
    return tuple(name for name in marked if name not in lost), lost


def _lost(name: str, endpoint: Mapping[str, Any], others: Mapping[str, str]) -> bool:
    """Whether the network of an endpoint is gone; another of its name is another network."""
    return name not in others or endpoint.get("NetworkID") not in ("", None, others[name])


def limits(host: Mapping[str, Any], told: Mapping[str, Any]) -> GivenLimits:
    """The limits of a container; None for those that this engine cannot give."""

    def given(name: str, value: float | None) -> Any:
        unable = any(told.get(ability) is False for ability in CANNOT_LIMIT[name])
        return None if unable else max(value or 0, 0)

    quota, period = host.get("CpuQuota") or 0, host.get("CpuPeriod") or 100_000
    cpus = (host.get("NanoCpus") or 0) / NANO or max(quota, 0) / period
    return GivenLimits(
        memory=given("Memory", host.get("Memory")),
        swap=given("MemorySwap", host.get("MemorySwap")),
        cpus=given("NanoCpus", cpus),
        pids=given("PidsLimit", host.get("PidsLimit")),
        most_cpus=told.get("NCPU"),
    )


def setup(inspect: Mapping[str, Any]) -> Setup:
    """What else a container was given."""
    config, host = inspect["Config"], inspect["HostConfig"]
    return Setup(
        restart=(host.get("RestartPolicy") or {}).get("Name") or "no",
        user=config.get("User") or "",
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        environment=tuple(config.get("Env") or ()),
        mounts=tuple(_mounts(inspect.get("Mounts") or ())),
        ports=tuple(sorted(_ports(host.get("PortBindings") or {}))),
        host_network=host.get("NetworkMode") == convert.HOST,
        oddities=tuple(_oddities(host)),
    )


def file_stat(header: str) -> FileStat | None:
    """What the engine says of a file in a header (JSON in base64); None where it says nothing usable."""
    try:
        told = json.loads(base64.b64decode(header, validate=True))
        bits = int(told["mode"])
        kind: FileKind = (
            "folder" if bits & FOLDER else "link" if bits & LINK else "other" if bits & OTHERS else "file"
        )
        return FileStat(kind, bits & 0o777, int(told["size"]), str(told["mtime"]), str(told["linkTarget"]))
    except (ValueError, KeyError, TypeError):
        return None


def _mounts(found: Collection[Mapping[str, Any]]) -> Iterator[Mount]:
    for mount in sorted(found, key=lambda m: m["Destination"]):
        source = mount.get("Name", "") if mount["Type"] == "volume" else ""
        if mount["Type"] in ("volume", "bind") and not ANONYMOUS.fullmatch(source):
            yield Mount(mount["Type"], source, mount["Destination"], read_only=not mount["RW"])


def _ports(bindings: Mapping[str, Any]) -> Iterator[str]:
    for port, places in bindings.items():
        for place in places or ():
            where = convert.address(
                (place.get("HostIp") or EVERYWHERE).strip("[]"), place.get("HostPort", "")
            )
            yield f"{where}>{port.removesuffix('/tcp')}"


def _oddities(host: Mapping[str, Any]) -> Iterator[str]:
    if host.get("Privileged"):
        yield "it is privileged"
    if not host.get("ReadonlyRootfs"):
        yield "its own files can be written"
    if host.get("CapAdd") or not host.get("CapDrop"):
        yield "it has capabilities"
    if not any("no-new-privileges" in option for option in host.get("SecurityOpt") or ()):
        yield "it may gain privileges"
    if host.get("CpusetCpus"):
        yield f"it runs on CPUs {host['CpusetCpus']} only"
    if host.get("CpuShares") not in (None, 0, 1024):
        yield f"its share of the CPUs is {host['CpuShares']}"
    if host.get("OomKillDisable"):
        yield "it is not ended when it is out of memory"


def _moment(text: str) -> str:
    return "" if text.startswith("0001-") else text
