"""Grafana's own settings by variable, as ``[grafana.env]`` of stack.toml says them: mail, login by others, plug-ins.

Pure. A name that ends with ``__FILE`` names a file below own/secrets/, whose content Grafana reads itself; so no secret
is in the environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stack.components.build import Build
from stack.components.own_paths import INSIDE, OWN_SECRETS, secret_file
from stack.components.own_toml import Fault, Wrong
from stack.model.spec import ConfigFile

TABLE = "grafana.env"
PLACE = f"stack.toml [{TABLE}]"
NAME = re.compile(r"GF_[A-Z0-9]+(?:_[A-Z0-9]+)+")
FILE = "__FILE"
REFUSED = {
    "GF_AUTH_ANONYMOUS_": "nobody gets in without a login, which is proven",
    "GF_AUTH_BASIC_ENABLED": "the checks log in by it",
    "GF_DATABASE_": "its data lies in its volume",
    "GF_LOG_MODE": "its log is read for causes",
    "GF_PATHS_": "the bundle writes its files",
    "GF_SECURITY_ADMIN_": "the bundle makes the administrator and the password",
    "GF_SERVER_HTTP_": "the port is that of the settings",
    "GF_SERVER_PROTOCOL": "everything that asks it asks by plain HTTP",
    "GF_SERVER_ROOT_URL": "public_url says it",
    "GF_SERVER_SERVE_FROM_SUB_PATH": "everything that asks it asks at the root, and a proxy takes the path off",
    "GF_SERVER_SOCKET": "everything that asks it asks by its port",
    "GF_USERS_ALLOW_SIGN_UP": "nobody makes a user of himself, which is proven",
}
"""Beginnings of names that would break what is promised, and why."""


def variables(build: Build) -> dict[str, str]:
    """Variables of the container by name; what cannot be used is left out, see ``faults``."""
    return {name: value for name, value, _ in _good(build)}


def files(build: Build, uid: int) -> tuple[ConfigFile, ...]:
    """The secrets that they name, for ``uid`` alone."""
    named = sorted({secret for _, _, secret in _good(build) if secret})
    return tuple(secret_file(build, name, uid) for name in named)


def faults(build: Build) -> Iterator[Fault]:
    """What cannot be used."""
    for name, value in _told(build).items():
        try:
            _read(build, name, value)
        except Wrong as wrong:
            yield Fault(PLACE, str(wrong), wrong.hint)


def _told(build: Build) -> Mapping[str, Any]:
    return build.settings.words(TABLE)


def _good(build: Build) -> Iterator[tuple[str, str, str]]:
    for name, value in _told(build).items():
        try:
            yield _read(build, name, value)
        except Wrong:
            continue


def _read(build: Build, name: str, value: Any) -> tuple[str, str, str]:
    """Name and value of the variable, and the secret that it names; ``Wrong`` with the remedy."""
    plain = name.removesuffix(FILE)
    if not NAME.fullmatch(plain):
        raise Wrong(
            f"{name} is no setting of Grafana", "they are called GF_SECTION_KEY, such as GF_SMTP_HOST"
        )
    if why := next((why for start, why in REFUSED.items() if plain.startswith(start)), ""):
        raise Wrong(f"{name} cannot be set: {why}", "take it out")
    if not isinstance(value, str | int | float):
        raise Wrong(f"{name}: {value!r} is no text", "put it in quotes")
    if plain == name:
        return name, str(value).lower() if isinstance(value, bool) else str(value), ""
    origin = str(value)
    if not origin.startswith(OWN_SECRETS) or origin not in build.tree:
        missing = "is missing" if origin.startswith(OWN_SECRETS) else "is not below own/secrets/"
        raise Wrong(f"{name}: {origin} {missing}", f"put the file there and name it {OWN_SECRETS}NAME")
    secret = origin.removeprefix(OWN_SECRETS)
    return plain, f"$__file{{{INSIDE[OWN_SECRETS]}{secret}}}", secret
