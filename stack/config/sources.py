"""The sources of settings: options, environment, .env, stack.toml. Each gives texts by path; the table reads them.

A name that the table lacks, a value of another kind and a file that cannot be read are errors that name the place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stack.common.errors import SettingsError
from stack.common.toml_text import NoToml, load_toml
from stack.config.places import toml_line
from stack.config.table import Setting, Table

Given = Iterator[tuple[Setting, str, str]]
"""Setting, its text, and where it stands."""
TABLES = ("receivers", "remote_write", "external_labels", "grafana.env")
"""Tables of stack.toml whose names and words are the user's, or a product's."""
"""The one table that is no list of settings: its entries are read by Alertmanager's component."""


class Document(NamedTuple):
    """A TOML document: where it lies, its text, its values."""

    path: Path
    text: str
    values: Mapping[str, Any]


def from_options(table: Table, options: Mapping[str, str]) -> Given:
    """Command-line options by path."""
    for path, text in options.items():
        yield table.by_path[path], text, "--" + path.replace("_", "-")


def from_environment(table: Table, environ: Mapping[str, str]) -> Given:
    """Variables; an empty one counts as not set."""
    for variable, setting in table.by_variable.items():
        if environ.get(variable):
            yield setting, environ[variable], variable


def from_dotenv(table: Table, path: Path) -> Given:
    """Variables in a file; those that do not begin with STACK_ belong to others."""
    text = text_of(path)
    if not text:
        return
    from stack.config import env_file

    places = {}
    for line in env_file.lines(text):
        place = f"{path}:{line.number}"
        if line.variable is None:
            if "STACK_" not in line.text:
                continue
            raise SettingsError(f"{place}: cannot be read", hint="write NAME=value, and close the quotes")
        if line.variable.upper().startswith("STACK_"):
            _known(line.variable, table.by_variable, place)
            places[line.variable] = place
    for variable, value in env_file.values(text).items():
        if variable in places and value:
            yield table.by_variable[variable], value, places[variable]


def read_toml(path: Path) -> Document:
    """The document, an empty one where there is no file; ``SettingsError`` where it is none."""
    if not (text := text_of(path)):
        return Document(path, "", {})
    try:
        return Document(path, text, load_toml(text))
    except NoToml as error:
        raise SettingsError(f"{path}: {error}", hint="correct the TOML") from error


def from_toml(table: Table, document: Document) -> Given:
    """Values of a TOML document; nested tables are paths."""
    for name, value in _flat(_apart(document)[0]):
        number = toml_line(document.text, name)
        place = f"{document.path}:{number}" if number else str(document.path)
        if name in table.by_variable:
            raise SettingsError(
                f"{place}: {name} is a variable", hint=f"write {table.by_variable[name].path} in this file"
            )
        yield _known(name, table.by_path, place), _text(name, value, place), place


def tables_in(document: Document) -> Mapping[str, Mapping[str, Any]]:
    """``TABLES`` as they stand there; what they may say is not judged here."""
    found = _apart(document)[1]
    return {name: _table(document, name, found.get(name, {})) for name in TABLES}


def _apart(document: Document) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings, and ``TABLES`` by name as far as they are there; one may lie in a table of settings."""
    plain, found = dict(document.values), {}
    for name in TABLES:
        above, _, last = name.rpartition(".")
        holder = plain.get(above) if above else plain
        if isinstance(holder, dict) and last in holder:
            rest = {key: value for key, value in holder.items() if key != last}
            found[name], plain = holder[last], {**plain, above: rest} if above else rest
    return plain, found


def _table(document: Document, name: str, found: Any) -> Mapping[str, Any]:
    if isinstance(found, dict):
        return found
    number = toml_line(document.text, name)
    place = f"{document.path}:{number}" if number else str(document.path)
    raise SettingsError(f"{place}: {name}: must be a table", hint=f"write [{name}.NAME] above its keys")


def _flat(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, value


def _text(name: str, value: Any, place: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    hint = "correct its value"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        hint = f'write one text: "{" ".join(value)}"'
    raise SettingsError(f"{place}: {name}: must be a text or a number, got {value!r}", hint=hint)


def text_of(path: Path) -> str:
    """The file's text, empty where there is none; ``SettingsError`` where it is no text or cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", hint="mend it, or take it away") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: {error}", hint="save it as UTF-8") from error


def _known(name: str, names: Mapping[str, Setting], place: str) -> Setting:
    if name in names:
        return names[name]
    raise unknown(place, name, names)


def unknown(source: str, name: str, names: Iterable[str]) -> SettingsError:
    """The error of a name that no setting has, with the nearest that one has."""
    import difflib

    others = {other.lower(): other for other in names}
    near = [others[found] for found in difflib.get_close_matches(name.lower(), others, n=1)]
    hint = f"did you mean {near[0]}?" if near else "see docs/settings.md for all names"
    return SettingsError(f"{source}: unknown setting {name}", hint=hint)
