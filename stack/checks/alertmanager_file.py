"""Comparing alertmanager.yml with what the server shows of its own: where the two part, in the file's own words.

The server fills in defaults, masks secrets and addresses, and writes durations its own way. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from yaml import YAMLError

from stack.checks.model import Broken
from stack.clients.shape import MISREAD
from stack.common.durations import seconds
from stack.common.matchers import parse
from stack.common.yaml_text import load_yaml
from stack.model.spec import CONFIG_ROOT, CURRENT, SECRETS

FILE = "alertmanager.yml"
INSIDE = f"{CONFIG_ROOT}/{CURRENT}/{SECRETS}/"
"""The folder of secrets in the container."""

MASK = "<secret>"
MATCHERS = ("matchers", "source_matchers", "target_matchers")
READ_BY_ITSELF = "_file"
CERTIFICATES = (".ca_file", ".cert_file", ".key_file")
SHOWN = 60


@contextmanager
def understood() -> Iterator[None]:
    """Reading the file inside: what is of another shape than Alertmanager's is ``Broken`` and names the file."""
    try:
        yield
    except MISREAD as error:
        message = f"{FILE} is of another shape ({type(error).__name__}: {error})"
        raise Broken(message, "monitoring-stack validate names the line") from error


def rendered(text: str) -> Mapping[str, Any]:
    """The rendered file; ``Broken`` where it holds no configuration."""
    try:
        found = load_yaml(text)
    except (YAMLError, *MISREAD) as error:
        raise Broken(f"{FILE}: {' '.join(str(error).split())}", "correct the YAML") from error
    if not isinstance(found, Mapping) or not found:
        raise Broken("no configuration is expected", f"{FILE} is empty or was not rendered")
    return found


def parting(text: str, shown: str) -> str:
    """Where the file that the server shows parts from the rendered one."""
    try:
        loaded = load_yaml(shown)
    except (YAMLError, *MISREAD):
        return "what it shows of its own is no YAML"
    other = "it is another in comments, order or secrets"
    return difference(rendered(text), loaded) or other


def difference(wanted: Any, shown: Any) -> str:
    """The first place of the wanted file that the server has otherwise; empty where it has it all."""
    return next(_differences("", wanted, shown), "")


def _differences(place: str, wanted: Any, shown: Any) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(shown, Mapping):
        for key, value in wanted.items():
            if key in MATCHERS:
                yield from _one(_below(place, key), _matchers(value), _matchers(shown.get(key)))
            else:
                yield from _differences(_below(place, key), value, shown.get(key))
    elif isinstance(wanted, list) and isinstance(shown, list):
        if len(wanted) != len(shown):
            yield f"{place} has {len(shown)} entries instead of {len(wanted)}"
        for number, (one, other) in enumerate(zip(wanted, shown, strict=False)):
            yield from _differences(f"{place}[{number}]", one, other)
    else:
        yield from _one(place, wanted, shown)


def _one(place: str, wanted: Any, shown: Any) -> Iterator[str]:
    if MASK in str(shown) or _plain(wanted) == _plain(shown) or _made_absolute(wanted, shown):
        return
    yield f"{place} is {_short(shown)} instead of {_short(wanted)}"


def _made_absolute(wanted: Any, shown: Any) -> bool:
    """Whether the server shows a path of the file as the one that it follows from its own folder."""
    path = str(shown)
    return bool(wanted) and path.startswith("/") and path.endswith(f"/{str(wanted).removeprefix('./')}")


def _plain(value: Any) -> Any:
    """A value as far as it matters: a duration in seconds, nothing for all that is as good as left out."""
    if value in (None, "", False, [], {}):
        return None
    try:
        return seconds(str(value))
    except ValueError:
        return str(value)


def _matchers(written: Any) -> str:
    texts = [written] if isinstance(written, str) else written if isinstance(written, list) else []
    return ", ".join(sorted(str(matcher) for text in texts for matcher in parse(str(text))))


def _below(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)


def _short(value: Any) -> str:
    text = str(value if value not in (None, "") else "nothing")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def secret_files(config: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every file that an integration reads for itself: where it is named, and its path."""
    if isinstance(config, Mapping):
        for key, value in config.items():
            if str(key).endswith(READ_BY_ITSELF) and isinstance(value, str) and value:
                yield _below(place, key), value
            else:
                yield from secret_files(value, _below(place, key))
    elif isinstance(config, list):
        for number, value in enumerate(config):
            named = value.get("name") if isinstance(value, Mapping) else None
            yield from secret_files(value, f"{place}[{number if named is None else named}]")


def secret_of(receiver: Mapping[str, Any]) -> str:
    """The first file that it reads a secret of its own from, by the path that people know; empty where it has none.

    Certificates are no secret that anybody could mistype.
    """
    found = (path for place, path in secret_files(receiver) if not place.endswith(CERTIFICATES))
    path = next(found, "")
    return f"own/secrets/{path.removeprefix(INSIDE)}" if path.startswith(INSIDE) else path
