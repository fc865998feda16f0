"""The gateway: Caddy, the one door of the stack while it is on, with TLS, and a login before what has none.

Everything inside goes on as without it: scrapes, webhooks and checks do not pass here. New files are loaded by Caddy's
own ``reload`` over a socket inside the container, without a pause.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from stack.components.build import HOST_GATEWAY, MIB, SCRATCH, Build, wget
from stack.components.gateway_config import (
    INNER,
    PORT,
    Authority,
    Behind,
    Certificates,
    Guard,
    Told,
    bare,
    rendered,
)
from stack.components.gateway_settings import ACME_ROOT, CERTIFICATE, KEY, NAME, PASSWORD, SECRETS, SETTINGS
from stack.components.gateway_users import USERS, Account, machine_account, read
from stack.components.manifest import Checks, Component, Data
from stack.components.own_toml import Fault
from stack.components.token import APP_TOKEN, token_file
from stack.engine.interface import ImageConfig
from stack.images.pins import LOOKED_UP, Line, Pin
from stack.images.recipes import ACCOUNTS, COMMON, NOBODY_USER, Recipe
from stack.model.receivers import TARGET
from stack.model.spec import (
    CONFIG_ROOT,
    CURRENT,
    NOBODY,
    ConfigFile,
    Health,
    Mount,
    ServiceSpec,
    data_volume,
    ordered,
)

if TYPE_CHECKING:
    from stack.components.hooks import Hooks

MAIN = "caddy.json"
HTTPS = 443
PLACE = f"{CONFIG_ROOT}/{CURRENT}"
CARRIED = "/var/tmp"  # noqa: S108 - a volume
"""Where the data volume is: both images have this folder for everybody, so a new volume there can be written to."""
PROGRAM = f"""\
caddy=/usr/bin/caddy
if ! "$caddy" version >/dev/null 2>&1; then
  caddy={CARRIED}/program
  if ! cmp -s /usr/bin/caddy "$caddy"; then
    cat /usr/bin/caddy >"$caddy.new" && chmod 700 "$caddy.new" && mv "$caddy.new" "$caddy" || exit
  fi
fi
"""
"""The official image's program has a file capability, with which the kernel runs it nowhere without capabilities; a
copy has none."""


def service(build: Build) -> ServiceSpec:
    """The container."""
    return GATEWAY.container(
        build,
        ready_path="/",
        health=Health(wget(INNER, "/ready")),
        entrypoint=("/bin/sh", "-c"),
        command=(f'{PROGRAM}exec "$caddy" run --config {PLACE}/{MAIN}',),
        environment=(("HOME", "/tmp"), ("XDG_CONFIG_HOME", "/tmp"), ("XDG_DATA_HOME", CARRIED)),  # noqa: S108
        mounts=(
            build.config_mount(NAME),
            Mount("volume", data_volume(build.settings.name, NAME), CARRIED, read_only=False),
            SCRATCH,
        ),
        reload="api",
        assets=token_file(build),
        extra_hosts=HOST_GATEWAY,
    )


def files(build: Build) -> tuple[ConfigFile, ...]:
    """Its configuration, and certificate and key where they are given."""
    if NAME not in build.present:
        return ()
    beside = _certificate_files(build)
    text, _ = rendered(told(build), b"".join(file.content for file in beside))
    origin = USERS if USERS in build.tree else ""
    main = ConfigFile(MAIN, text.encode(), 0o400, NOBODY, True, origin)
    return tuple(ordered((main, *beside)))


def digest(build: Build) -> str:
    """What a gateway with exactly these files tells of itself."""
    return rendered(told(build), b"".join(file.content for file in _certificate_files(build)))[1]


def told(build: Build) -> Told:
    """What its configuration follows from."""
    settings = build.settings
    behind = tuple(_behind(build))
    names = tuple(dict.fromkeys(bare(one.address.host) for one in behind)) or ("localhost",)
    forward = str(settings["gateway.forward_auth"])
    return Told(
        stack=settings.name,
        behind=behind,
        certificates=Certificates(
            authority(build),
            names,
            (f"{PLACE}/secrets/{CERTIFICATE}", f"{PLACE}/secrets/{KEY}"),
            str(settings["gateway.acme_email"]),
            str(settings["gateway.acme_directory"]),
            f"{PLACE}/secrets/{ACME_ROOT}" if ACME_ROOT in build.secrets else "",
        ),
        guard=Guard(accounts(build), forward, _copied(str(settings["gateway.forward_auth_headers"]))),
        most_bytes=_bytes(str(settings["gateway.max_body"])),
    )


def authority(build: Build) -> Authority:
    """Who vouches for it: files of the user's, an ACME server, or a local authority of its own."""
    if build.settings["gateway.certificate_file"]:
        return "files"
    return "acme" if build.settings["gateway.acme_email"] else "local"


def accounts(build: Build) -> tuple[Account, ...]:
    """Users of the user's file, and the checks."""
    people, _ = read(build.tree.get(USERS, b""))
    secret = build.secrets.get(PASSWORD)
    return (*people, *((machine_account(secret.reveal()),) if secret else ()))


def faults(build: Build) -> Iterator[Fault]:
    """What of settings and users cannot be used."""
    yield from read(build.tree.get(USERS, b""))[1]
    settings = build.settings
    given = [bool(settings[f"gateway.{one}_file"]) for one in ("certificate", "key")]
    if any(given) and not all(given):
        yield Fault(
            "gateway", "a certificate and its key go together", "set certificate_file and key_file, or none"
        )
    if any(given) and settings["gateway.acme_email"]:
        yield Fault(
            "gateway", "certificate_file and acme_email are two ways to a certificate", "keep one of them"
        )
    for name in ("acme_directory", "acme_root_file"):
        if settings[f"gateway.{name}"] and not settings["gateway.acme_email"]:
            yield Fault("gateway", f"{name} is nothing without acme_email", "set gateway.acme_email")
    if any(not one.address.secure for one in _behind(build)):
        yield Fault("public_url", "the gateway speaks TLS, and this address does not", "write https:// in it")


def remark(build: Build) -> str:
    """What is to be said once it runs: that nobody may log in yet, or that another port is in its address."""
    found = []
    if not build.settings["gateway.forward_auth"] and not read(build.tree.get(USERS, b""))[0]:
        found.append("gateway   nobody may log in yet: monitoring-stack user add NAME")
    port, told = build.settings.port(NAME), {one.address.port or HTTPS for one in _behind(build)}
    if told - {port}:
        found.append(
            f"gateway   people are told port {min(told - {port})}, it is published at {port}: "
            "what stands before it must lead there, else set gateway.port or public_url"
        )
    return "\n".join(found)


def _behind(build: Build) -> Iterator[Behind]:
    token = f"{CONFIG_ROOT}/secrets/{APP_TOKEN}" if APP_TOKEN in build.secrets else ""
    for unit in build.settings.table.published:
        if unit.name in build.present and not unit.fronts:
            dial = f"{unit.name}:{unit.inside}"
            asks = token if dial == TARGET else ""
            yield Behind(unit.name, build.address(unit.name), dial, not unit.own_login, asks)


def _certificate_files(build: Build) -> tuple[ConfigFile, ...]:
    found = ((name, build.secrets.get(name)) for name in (CERTIFICATE, KEY, ACME_ROOT))
    return tuple(
        ConfigFile(f"secrets/{name}", f"{secret.reveal()}\n".encode(), 0o400, NOBODY, True)
        for name, secret in found
        if secret
    )


def _copied(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def _bytes(text: str) -> int:
    return int(text[:-2]) * {"MB": 10**6, "GB": 10**9, "TB": 10**12}[text[-2:]]


def checks() -> Checks:
    """What a user meets at the door."""
    from stack.checks import gateway

    return Checks(gateway.CHECKS, ("gateway.ready", "gateway.config"))


def hooks() -> Hooks:
    """It loads new files when asked, without a pause."""
    from stack.components import gateway_hooks

    return gateway_hooks.hooks(f'{PROGRAM}exec "$caddy" %s')


def recipe() -> Recipe:
    """How it is made of Debian's package."""
    return Recipe(
        (*COMMON, "caddy"),
        "caddy",
        ImageConfig(("/usr/bin/caddy",), ("version",), NOBODY_USER, ports=(PORT,)),
        files=ACCOUNTS,
    )


GATEWAY = Component(
    name=NAME,
    title="Gateway",
    purpose="the one door of the stack: TLS, and a login before what has none",
    service=service,
    port=PORT,
    pin=Pin(
        NAME,
        "caddy:2.11.9-alpine",
        ("/bin/sh", "-c", f'{PROGRAM}exec "$caddy" version'),
        line=Line("2", "only the newest release is kept", LOOKED_UP, date(2027, 2, 28)),
    ),
    publish=PORT,
    memory=192 * MIB,
    switch="off",
    start_seconds=0.3,
    settings=SETTINGS,
    secrets=SECRETS,
    files=files,
    recipe=recipe,
    tool=("/bin/sh", "-c", f'{PROGRAM}"$caddy" validate --config {PLACE}/{MAIN} 2>&1'),
    checks=checks,
    hooks=hooks,
    keeps="its local authority, or certificates by ACME",
    data=Data(),
    fronts=True,
)
