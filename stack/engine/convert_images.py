"""Images between our values and the engine's API: references, defaults, what a pull, build or load reports.

Pure functions, as in ``convert``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stack.engine.interface import ImageConfig, ImageInfo


def image_info(inspect: Mapping[str, Any]) -> ImageInfo:
    """What ``GET /images/{name}/json`` says, as our value."""
    return ImageInfo(
        id=inspect["Id"],
        tags=tuple(inspect.get("RepoTags") or ()),
        labels=dict((inspect.get("Config") or {}).get("Labels") or {}),
        size=int(inspect.get("Size", 0)),
        created=inspect.get("Created") or "",
        digests=tuple(inspect.get("RepoDigests") or ()),
        layers=tuple((inspect.get("RootFS") or {}).get("Layers") or ()),
        has_check=(inspect.get("Config") or {}).get("Healthcheck") is not None,
    )


def split_ref(ref: str) -> tuple[str, str]:
    """Repository and tag, or repository and digest where the reference has one; the tag is latest by default."""
    name, _, digest = ref.partition("@")
    folder, slash, last = name.rpartition("/")
    base, _, tag = last.partition(":")
    return f"{folder}{slash}{base}", digest or tag or "latest"


def changes(config: ImageConfig) -> list[str]:
    """The Dockerfile instructions that give an imported image its defaults."""
    plain = {"USER": config.user, "WORKDIR": config.workdir}
    lists = {"ENTRYPOINT": config.entrypoint, "CMD": config.cmd, "VOLUME": config.volumes}
    return [
        *(f"{word} {json.dumps(list(value))}" for word, value in lists.items() if value),
        *(f"{word} {value}" for word, value in plain.items() if value),
        *(f"ENV {key}={_quoted(value)}" for key, value in config.env),
        *(f"LABEL {_quoted(key)}={_quoted(value)}" for key, value in config.labels),
        *(f"EXPOSE {port}" for port in config.ports),
    ]


def build_params(tag: str, marks: Mapping[str, str]) -> dict[str, str]:
    """Query of ``POST /build``: the classic builder, without network, nothing left of a failed build."""
    return {
        "t": tag,
        "labels": json.dumps(dict(marks)),
        "networkmode": "none",
        "rm": "1",
        "forcerm": "1",
    }


def _quoted(text: str) -> str:
    """A Dockerfile string in which nothing is expanded."""
    for special in ("\\", '"', "$"):
        text = text.replace(special, f"\\{special}")
    return f'"{text}"'


def progress_line(report: Mapping[str, Any]) -> str:
    """One report of a pull on one line."""
    return " ".join(
        filter(None, (report.get("id", ""), report.get("status", ""), report.get("progress", "")))
    )


def made(report: Mapping[str, Any]) -> str:
    """The id that a report of an import tells; empty where it tells none."""
    status = str(report.get("status", ""))
    return status if status.startswith("sha256:") else ""


def loaded(text: str) -> str:
    """The reference in a report of ``POST /images/load``; empty where it names none."""
    for start in ("Loaded image ID: ", "Loaded image: "):
        if text.startswith(start):
            return text.removeprefix(start).strip()
    return ""
