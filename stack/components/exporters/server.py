"""A server that somebody watches: what ``own/exporters/KIND/NAME.toml`` says of it, or why it cannot be used. Pure.

The file is TOML: ``address``, ``user``, ``secret_file``, and a table ``[options]`` of what only that kind knows. ``on``
names the further host on whose engine the exporter runs, published there on ``on_port``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct, field

from stack.common.printable import without_login
from stack.components.build import Build
from stack.components.own_paths import OWN_HOSTS, OWN_SECRETS, closing_line_cut
from stack.components.own_toml import Fault, Wrong, document_of
from stack.components.places import OWN
from stack.config.secret import Secret
from stack.model.outer import is_itself

FOLDER = f"{OWN}exporters/"
SUFFIX = ".toml"
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])?")
NAMES = "1-30 of a-z, 0-9 and - between them"
TAKEN = "next"
"""What a container is called that is to take the place of another: no server's name may end so."""
ADDRESS = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?"
)
LAST_PORT = 65535
WORDS: dict[str, type] = {
    "address": str,
    "user": str,
    "secret_file": str,
    "networks": list,
    "on": str,
    "on_port": int,
    "options": dict,
}


class Option(Struct, frozen=True):
    """One entry of ``[options]``: the pattern of its text, what that is in words, its default and its meaning."""

    name: str
    pattern: re.Pattern[str]
    form: str
    default: str
    meaning: str


class Server(Struct, frozen=True):
    """One server. ``host`` and ``port`` are where the exporter asks; ``origin`` is the file that says so.

    ``on``: the further host whose engine runs the exporter; empty: the stack's own. ``on_port``: where it is published
    there, 0 for the exporter's usual port.
    """

    name: str
    origin: str
    host: str = ""
    port: int = 0
    user: str = ""
    secret: Secret = field(default_factory=Secret)
    secret_file: str = ""
    networks: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    on: str = ""
    on_port: int = 0

    @property
    def at(self) -> str:
        """Its address."""
        return f"{self.host}:{self.port}"


class Form(Struct, frozen=True):
    """What a file of one kind may say: ``word`` is the kind, ``component`` the exporter that watches such servers.

    ``port`` is the usual one of such servers, 0: no address is wanted. ``login``: whether the exporter has a user and a
    password. ``fits`` raises ``Wrong`` for what only that kind knows of. ``closes``: whether its page can be
    closed by TLS and a password, with the web configuration that Prometheus' own programs have.
    """

    word: str
    component: str
    port: int
    login: Literal["needed", "possible", "none"]
    options: tuple[Option, ...] = ()
    fits: Callable[[Server], None] = lambda server: None
    closes: bool = True

    def service(self, server: Server) -> str:
        """What the container of the exporter of one server is called."""
        return f"{self.component}-{server.name}"

    @property
    def folder(self) -> str:
        """Where its files lie."""
        return f"{FOLDER}{self.word}/"

    def files(self, tree: Mapping[str, bytes]) -> dict[str, str]:
        """The files of its servers: path > name."""
        found = (path for path in sorted(tree) if path.startswith(self.folder) and path.endswith(SUFFIX))
        names = {path: path.removeprefix(self.folder).removesuffix(SUFFIX) for path in found}
        return {path: name for path, name in names.items() if "/" not in name}

    def needed(self, tree: Mapping[str, bytes]) -> bool:
        """Whether there is a server to watch."""
        return bool(self.files(tree))


def servers(build: Build, form: Form) -> tuple[Server, ...]:
    """The servers whose files can be used, by name."""
    good = (one for one in _all(build, form) if isinstance(one, Server))
    return tuple(one for one in good if build.only is None or form.service(one) in build.only)


def faults(build: Build, form: Form) -> tuple[Fault, ...]:
    """The files that cannot be used."""
    return tuple(one for one in _all(build, form) if isinstance(one, Fault))


def _all(build: Build, form: Form) -> Iterator[Server | Fault]:
    for path, name in form.files(build.tree).items():
        yield _read(build, form, path, name)


def _read(build: Build, form: Form, path: str, name: str) -> Server | Fault:
    try:
        check_name(name)
        document = document_of(build.tree[path], WORDS)
        server = _server(build, form, Server(name, path), document)
        form.fits(server)
    except Wrong as wrong:
        return Fault(path, str(wrong), wrong.hint)
    return server


def check_name(name: str) -> None:
    """``Wrong`` for a name that no container can have."""
    if not NAME.fullmatch(name) or name == TAKEN or name.endswith(f"-{TAKEN}"):
        raise Wrong(f"a server cannot be called {name!r}", f"{NAMES}, not ending with {TAKEN}")


def _server(build: Build, form: Form, server: Server, told: Mapping[str, Any]) -> Server:
    host, port = _address(form, told.get("address", ""))
    user, secret_file = told.get("user", ""), told.get("secret_file", "")
    networks = told.get("networks", [])
    if not all(isinstance(network, str) for network in networks):
        raise Wrong(f"networks: {networks!r} is no list of texts", "correct the value")
    _login(form, user, secret_file)
    return Server(
        server.name,
        server.origin,
        host,
        port,
        user,
        _secret(build, secret_file),
        secret_file,
        tuple(networks),
        _options(form, told.get("options", {})),
        *check_on(form, build.tree, told.get("on", ""), told.get("on_port", 0)),
    )


def check_on(form: Form, tree: Mapping[str, bytes], on: str, port: int) -> tuple[str, int]:
    """The same host and port; ``Wrong`` where the exporter cannot run there."""
    if not on and port:
        raise Wrong("on_port is that of an exporter on a further host", "name the host (on), or leave it out")
    if on and not form.closes:
        raise Wrong(
            f"{form.component} as Debian has it asks for no password, and would be open on {on}",
            "let it run beside the stack, and give the server's address",
        )
    if on and f"{OWN_HOSTS}{on}{SUFFIX}" not in tree:
        raise Wrong(f"no host is called {on}", "host list has their names, host add makes one known")
    if on and not 0 <= port <= LAST_PORT:
        raise Wrong(f"on_port: {port} is no port", f"1-{LAST_PORT}")
    return on, port


def _address(form: Form, text: str) -> tuple[str, int]:
    if not form.port:
        if text:
            raise Wrong("address: this kind has none", "remove the line")
        return "", 0
    if not text:
        raise Wrong("address is missing", f'add address = "HOST:{form.port}"')
    return address_of(text, form.port)


def address_of(text: str, usual_port: int) -> tuple[str, int]:
    """Host and port of ``HOST`` or ``HOST:PORT``; ``Wrong`` where it is neither, or leads to the exporter itself."""
    found = ADDRESS.fullmatch(text)
    if found is None:
        raise Wrong(
            f"address: {without_login(text)!r} is no HOST or HOST:PORT", f"like db.example:{usual_port}"
        )
    port = int(found["port"] or usual_port)
    if not 0 < port <= LAST_PORT:
        raise Wrong(f"address: {port} is no port", f"1-{LAST_PORT}")
    if is_itself(found["host"]):
        hint = (
            f"host.docker.internal:{port} is the machine that the engine runs on (exporter add --host {port})"
        )
        raise Wrong(f"address: {found['host']} would be the exporter's own container", hint)
    return found["host"], port


def _login(form: Form, user: str, secret_file: str) -> None:
    if form.login == "none" and (user or secret_file):
        raise Wrong(f"{form.word}: its exporter logs in nowhere", "remove user and secret_file")
    if form.login == "needed":
        for key, value in (("user", user), ("secret_file", secret_file)):
            if not value:
                raise Wrong(f"{key} is missing", f"add {key}: the exporter logs in with it")


def _secret(build: Build, path: str) -> Secret:
    """The content of a file in own/secrets/, without its closing line break."""
    if not path:
        return Secret()
    if not path.startswith(OWN_SECRETS):
        raise Wrong(
            f"secret_file: {path} does not lie in {OWN_SECRETS}", f"put it there, as {OWN_SECRETS}NAME"
        )
    if path not in build.tree:
        raise Wrong(f"secret_file: {path} is not there", "put it there, with the password as its one line")
    try:
        text = closing_line_cut(build.tree[path]).decode("utf-8")
    except UnicodeDecodeError:
        raise Wrong(f"secret_file: {path} is no UTF-8 text", "one line with the password") from None
    if not text or not text.isprintable():
        what = "is empty" if not text else "has more than one line, or control characters"
        raise Wrong(f"secret_file: {path} {what}", "one line with the password")
    return Secret(text)


def _options(form: Form, told: Mapping[str, Any]) -> dict[str, str]:
    known = {option.name: option for option in form.options}
    for name in told:
        if name not in known:
            raise Wrong(
                f"options: unknown option {name}",
                f"known are {', '.join(known)}" if known else "remove the line",
            )
    found = {}
    for name, option in known.items():
        text = str(told.get(name, option.default))
        if not option.pattern.fullmatch(text):
            raise Wrong(f"options.{name}: must be {option.form}, got {text!r}", option.meaning)
        found[name] = text
    return found
