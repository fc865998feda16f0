"""YAML and JSON of rendered files, with file, line and column, and the rules of their components."""

from __future__ import annotations

from typing import Any

import yaml

from stack.common.errors import ConfigurationInvalid
from stack.common.json_text import NoJson, load_json
from stack.common.yaml_text import load_yaml
from stack.common.yaml_text import remedy as remedy_of
from stack.model.names import kind_of
from stack.model.spec import ConfigFile
from stack.validation.native import known_line, place
from stack.validation.rules import Rules


def check_syntax(rules: Rules, *components: tuple[str, tuple[ConfigFile, ...]]) -> None:
    """YAML and JSON of components, with file, line and column; dashboards have distinct uids and titles."""
    for component, files in components:
        for file in files:
            where = place(file, component)
            if file.secret:
                continue
            if file.path.endswith((".yml", ".yaml", ".json")):
                _utf8(file.content, where)
            if file.path.endswith((".yml", ".yaml")):
                _yaml(file, where)
            elif file.path.endswith(".json"):
                _json(where, file.content)
        rules[kind_of(component)].check_files(files)


def _utf8(content: bytes, where: str) -> None:
    """YAML may be UTF-16, as an editor of Windows saves "Unicode"; what reads the files after it wants one encoding."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationInvalid(
            f"{where}: {error}", hint="save it as UTF-8; nothing was changed"
        ) from error


def _yaml(file: ConfigFile, where: str) -> Any:
    try:
        return load_yaml(file.content)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        position = f":{known_line(file, mark.line + 1)}:{mark.column + 1}" if mark else ""
        raise ConfigurationInvalid(
            f"{where}{position}: {error.problem}",
            hint=f"{remedy_of(error, file.content.decode(errors='replace'))}; nothing was changed",
        ) from error
    except yaml.YAMLError as error:
        raise ConfigurationInvalid(
            f"{where}: {' '.join(str(error).split())}", hint="correct the YAML; nothing was changed"
        ) from error


def _json(where: str, content: bytes) -> Any:
    try:
        return load_json(content.decode("utf-8"))
    except NoJson as error:
        raise ConfigurationInvalid(
            f"{where}{error.place}: {error}", hint="correct the JSON; nothing was changed"
        ) from error
