"""Refuses broken configuration before anything is written: YAML and JSON here, the rest by promtool and amtool.

The products' own tools run in short-lived containers of their images, so nothing needs to be installed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import yaml

from stack.engine.port import Engine, Job
from stack.errors import ConfigurationInvalid
from stack.spec import CONFIG_ROOT, CURRENT, ConfigFile, ServiceSpec, StackSpec
from stack.wait import together
from stack.yaml_text import load_yaml

FOLDER = f"{CONFIG_ROOT}/{CURRENT}"
"""Where the files will be, so that what they say of each other's places holds while they are checked, too."""
STAND_IN = b"a-secret-that-the-check-need-not-know"
TOOLS: dict[str, tuple[str, ...]] = {
    "prometheus": ("/bin/promtool", "check", "config", f"{FOLDER}/prometheus.yml"),
    "alertmanager": ("/bin/amtool", "check-config", f"{FOLDER}/alertmanager.yml"),
}


def validate(spec: StackSpec, engine: Engine, known: Callable[[str], bool]) -> tuple[str, ...]:
    """Checks all files; returns the identities that are now known to be good.

    ``known`` tells of an identity (files, image) whether it was found good before. Raises ``ConfigurationInvalid``.
    """
    checked = [s for s in spec.services if s.files and not known(identity(s))]
    for service in checked:
        check_syntax(service)
    together(lambda s: _run_tool(spec.name, s, engine), [s for s in checked if s.component in TOOLS])
    return tuple(identity(s) for s in spec.services if s.files)


def identity(service: ServiceSpec) -> str:
    """What a verdict holds for: these files, judged by this image."""
    return f"{service.component} {service.files_digest()} {service.image_id}"


def check_syntax(service: ServiceSpec) -> None:
    """YAML and JSON of one component, with file, line and column; dashboards have distinct uids and titles."""
    for file in service.files:
        where = f"{service.component}/{file.path}"
        if file.path.endswith((".yml", ".yaml")):
            _yaml(where, file.content)
        elif file.path.endswith(".json"):
            _json(where, file.content)
    if service.component == "grafana":
        _distinct(service, "uid")
        _distinct(service, "title")
        _data_sources(service)


def _yaml(where: str, content: bytes) -> Any:
    try:
        return load_yaml(content)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigurationInvalid(
            f"{where}{place}: {error.problem}", hint="correct the YAML; nothing was changed"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(
            f"{where}: {error}", hint="correct the YAML; nothing was changed"
        ) from error


def _json(where: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        place = f":{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigurationInvalid(
            f"{where}{place}: {error}", hint="correct the JSON; nothing was changed"
        ) from error


def _dashboards(service: ServiceSpec) -> Iterable[tuple[str, Any]]:
    for file in service.files:
        if file.path.startswith("dashboards/") and file.path.endswith(".json"):
            yield file.path, json.loads(file.content)


def _distinct(service: ServiceSpec, key: str) -> None:
    """Grafana write-blocks a provider with two dashboards of one uid or title, with a mere warning in its log."""
    owners: dict[str, str] = {}
    for path, board in _dashboards(service):
        value = board.get(key) if isinstance(board, dict) else None
        if not isinstance(value, str) or not value:
            raise ConfigurationInvalid(f"grafana/{path}: no {key}", hint="give the dashboard a fixed one")
        if value in owners:
            raise ConfigurationInvalid(
                f"grafana/{path}: {key} {value!r} is that of {owners[value]}", hint="choose another"
            )
        owners[value] = path


def _data_sources(service: ServiceSpec) -> None:
    """Two defaults, or two sources of one uid, end Grafana's process at start."""
    found: list[tuple[str, Any]] = []
    for file in service.files:
        if file.path.startswith("provisioning/datasources/") and file.path.endswith((".yml", ".yaml")):
            document = load_yaml(file.content)
            if not isinstance(document, dict) or document.get("apiVersion") != 1:
                raise ConfigurationInvalid(
                    f"grafana/{file.path}: no apiVersion: 1", hint="Grafana would ignore every uid"
                )
            found += [(file.path, source) for source in document.get("datasources") or []]
    defaults = [path for path, source in found if source.get("isDefault")]
    if len(defaults) > 1:
        raise ConfigurationInvalid(
            f"grafana/{defaults[1]}: a second default data source", hint="keep isDefault on one"
        )
    uids = [source.get("uid") for _, source in found]
    for index, (path, source) in enumerate(found):
        if not source.get("uid") or not source.get("type"):
            raise ConfigurationInvalid(
                f"grafana/{path}: a data source without uid or type", hint="give it both"
            )
        if uids.index(source["uid"]) != index:
            raise ConfigurationInvalid(
                f"grafana/{path}: uid {source['uid']!r} is taken", hint="choose another"
            )


def _run_tool(stack: str, service: ServiceSpec, engine: Engine) -> None:
    argv = TOOLS[service.component]
    job = Job(service.image, argv, tuple(_laid_out(service)), CONFIG_ROOT, user=service.user)
    ran = engine.run(stack, job)
    if ran.code != 0:
        lines = tuple(line.strip() for line in ran.output.splitlines() if line.strip())
        said = _complaint(lines).replace(FOLDER, service.component)
        raise ConfigurationInvalid(
            said, hint=f"correct {service.component}'s files; nothing was changed", logs=lines[-8:]
        )


def _laid_out(service: ServiceSpec) -> Iterable[ConfigFile]:
    """The files, and one in place of each secret: promtool refuses a configuration whose credentials are missing."""
    for file in service.files:
        yield replace(file, path=f"{CURRENT}/{file.path}")
    for asset in service.assets:
        if asset.secret:
            yield replace(asset, content=STAND_IN)


def _complaint(lines: tuple[str, ...]) -> str:
    """What the tool found first; promtool puts several faults of one rule file below its FAILED, each on a line."""
    for line, below in zip(lines, (*lines[1:], ""), strict=False):
        if "FAILED" in line:
            return line.replace("FAILED:", "").strip() or below
    return lines[-1] if lines else "no output"
