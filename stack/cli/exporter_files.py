"""The files of one watched server, as a person would write them, and what is wrong with what was asked for. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from stack.cli.own_change import OwnFile
from stack.common.errors import UsageError
from stack.components.exporters.kind import Kind
from stack.components.exporters.server import SUFFIX, address_of, check_name, check_on
from stack.components.own_paths import OWN_SECRETS
from stack.components.own_toml import Wrong

PRIVATE = 0o600


class Wish(Struct, frozen=True):
    """One server as it was asked for. ``secret`` is a password to be kept, ``secret_file`` the path of one in own/.

    ``on`` is the further host whose engine runs the exporter, ``on_port`` where it is published there.
    """

    kind: Kind
    name: str
    address: str = ""
    networks: tuple[str, ...] = ()
    user: str = ""
    secret: bytes = b""
    secret_file: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    on: str = ""
    on_port: int = 0

    @property
    def path(self) -> str:
        """Its file."""
        return path_of(self.kind, self.name)


def path_of(kind: Kind, name: str) -> str:
    """The file of a server."""
    return f"{kind.form.folder}{name}{SUFFIX}"


def kept_secret(kind: Kind, name: str) -> str:
    """Where the password of a server is kept that was given from elsewhere."""
    return f"{OWN_SECRETS}exporters/{kind.form.word}-{name}"


def checked(wish: Wish, tree: Mapping[str, bytes]) -> Wish:
    """The same; ``UsageError`` for what its file could not say, or where there is such a server already."""
    form = wish.kind.form
    try:
        check_name(wish.name)
        if form.port and wish.address:
            address_of(wish.address, form.port)
        check_on(form, tree, wish.on, wish.on_port)
    except Wrong as wrong:
        raise UsageError(str(wrong), hint=wrong.hint) from None
    if wish.path in tree:
        hint = f"exporter remove {form.word} {wish.name}, or edit that file and reload"
        raise UsageError(f"{wish.path} is there already", hint=hint)
    if form.port and not wish.address:
        raise UsageError(
            f"where is the {wish.kind.title} server?",
            hint=f"HOST:{form.port}, or --container NAME, or --host {form.port} for one on the engine's machine",
        )
    if not form.port and wish.address:
        raise UsageError(f"{form.word} has no address", hint="it looks at the engine's machine")
    if form.login == "needed" and not (wish.user and (wish.secret or wish.secret_file)):
        raise UsageError(
            f"the exporter logs in to {wish.kind.title}",
            hint="--user USER and --secret-file FILE with the password",
        )
    return wish


def options_of(texts: Iterable[str]) -> dict[str, str]:
    """``KEY=VALUE`` as values by key."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(
                f"--option {text}: must be KEY=VALUE", hint="docs/exporters.md lists the keys of a kind"
            )
        found[key.strip()] = value.strip()
    return found


def files_of(wish: Wish) -> tuple[OwnFile, ...]:
    """The server's file, and its password where it is to be kept."""
    secret_file = wish.secret_file or (kept_secret(wish.kind, wish.name) if wish.secret else "")
    told = {
        "address": wish.address,
        "user": wish.user,
        "secret_file": secret_file,
        "networks": list(wish.networks),
        "on": wish.on,
        "on_port": wish.on_port,
    }
    lines = [f"# {wish.kind.title} {wish.name}, watched by {wish.kind.name}."]
    lines += [f"{key} = {_toml(value)}" for key, value in told.items() if value]
    if wish.options:
        lines += ["", "[options]", *(f"{key} = {_toml(value)}" for key, value in wish.options.items())]
    file = OwnFile(wish.path, "\n".join((*lines, "")).encode())
    secret = (OwnFile(secret_file, wish.secret, PRIVATE),) if wish.secret else ()
    return (*secret, file)


def _toml(value: object) -> str:
    """Texts and lists of texts are written alike in JSON and TOML."""
    return json.dumps(value, ensure_ascii=False)
