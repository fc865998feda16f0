"""Every setting, from options > environment > .env > stack.toml > defaults, as one frozen value.

The only place of the orchestrator that reads the environment. It never creates a file and never asks an engine.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from stack.common.errors import SettingsError
from stack.config import sources
from stack.config.table import Setting, Switch, Table, Tree, Unit
from stack.config.values import CACHE_FOLDER, COMPONENT_PLACE, PUBLIC

LOOPBACK_HINT = (
    'keep 127.0.0.1, or turn the gateway on ([gateway] mode = "on"), which has TLS and a login; or set '
    "STACK_INSECURE_BIND=true when a firewall or TLS proxy guards it"
)


class Settings(Struct, frozen=True):
    """All values by path. ``home`` holds stack.toml, .env and .stack/; ``config`` the prometheus/ ... folders.

    ``given``: the paths that some source sets; the others have their defaults. ``needed``: components that the user's
    own files need, as far as those were looked at. ``tables``: those of stack.toml that the user
    names, as they stand there.
    """

    table: Table
    home: Path
    config: Path
    docker_host: str = ""
    cache: Path = field(default_factory=lambda: Path(".stack/cache"))
    values: Mapping[str, Any] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __getitem__(self, path: str) -> Any:
        return self.values[path]

    def words(self, table: str) -> Mapping[str, Any]:
        """One of ``tables``; empty where nothing says anything of it."""
        return self.tables.get(table, {})

    @property
    def name(self) -> str:
        """The stack's name."""
        return str(self["name"])

    @property
    def bind(self) -> str:
        """The address that ports are published on."""
        return str(self["bind"])

    @property
    def reach(self) -> Literal["auto", "ports", "network", "inner"]:
        """How the stack is asked; ``inner``, at the containers' own addresses, where they are not published."""
        found: Literal["auto", "ports", "network"] = self["reach"]
        return "inner" if found == "auto" and self.front else found

    def may_bind(self, address: str) -> bool:
        """Whether ports may be published there: on loopback; anywhere behind a gateway, or where that is asked for."""
        allowed = bool(self["insecure_bind"] or self.front)
        return allowed or ipaddress.ip_address(address).is_loopback

    def publishes(self, component: str) -> bool:
        """Whether the component has a port on this machine: while one fronts the others, it alone."""
        return any(unit.name == component for unit in self.publishing)

    @property
    def publishing(self) -> tuple[Unit, ...]:
        """Components with a port on this machine, where they run."""
        front = self.front
        return tuple(u for u in self.table.published if (u.name == front if front else not u.fronts))

    def port(self, component: str) -> int:
        """The published port of a component; with ``port_base`` counted from there in the order of the table.

        One that was given by itself stays, unless ``port_base`` comes from a stronger source.
        """
        base = self["port_base"]
        if base is None or f"{component}.port" in self.given:
            return int(self[f"{component}.port"])
        return int(base) + [u.name for u in self.table.published].index(component)

    def image(self, component: str) -> str:
        """The image that the user names instead of the pinned one; empty where none."""
        return str(self.values.get(f"{component}.image") or "")

    def switch(self, component: str) -> Switch:
        """Whether the component should run."""
        found: Switch = self[f"components.{component}"]
        return found

    @property
    def components(self) -> tuple[str, ...]:
        """What should run, before it is known which images can be had, in the order of starting."""
        on = {u.name for u in self.table.units if self._runs(u.name)}
        return tuple(
            u.name for u in self.table.start_order if u.name in on and (not u.serves or on & {*u.serves})
        )

    @property
    def front(self) -> str:
        """The component through which people reach the others, if it is to run; else empty."""
        fronts = [u.name for u in self.table.units if u.fronts]
        return next((name for name in self.components if name in fronts), "") if fronts else ""

    def _runs(self, component: str) -> bool:
        switch = self.switch(component)
        return component in self.needed if switch == "needed" else switch != "off"

    def for_files(self, tree: Tree) -> Settings:
        """The same settings beside these native files, which may need components."""
        return replace(self, needed=frozenset(u.name for u in self.table.units if u.needed(tree)))

    def as_needed(self, components: frozenset[str]) -> frozenset[str]:
        """``components``, with those that the files need now and without those that they need no longer."""
        by_need = {u.name for u in self.table.units if self.switch(u.name) == "needed"}
        return frozenset((components - by_need) | (by_need & self.needed))

    def limited_to(self, components: frozenset[str]) -> Settings:
        """The same settings for exactly these components."""
        switches = {f"components.{u.name}": "on" if u.name in components else "off" for u in self.table.units}
        return replace(self, values={**self.values, **switches})

    def as_placed(self, places: Mapping[str, str], *, keep_bind: bool) -> Settings:
        """The same settings with ports where components are published now (``address:port`` by component).

        ``keep_bind``: on the address where they are; nothing is published by that, it only tells where to ask.
        """
        ports = {u.name: self.port(u.name) for u in self.table.published}
        values = {**self.values, "port_base": None, **{f"{name}.port": port for name, port in ports.items()}}
        for name, place in places.items():
            host, _, port = place.rpartition(":")
            if name in ports and port.isdigit():
                values[f"{name}.port"] = int(port)
                values |= {"bind": host.strip("[]")} if keep_bind and host else {}
        return replace(self, values=values)

    def file(self, path: str) -> Path | None:
        """The file that a setting names; a relative name counts from the folder of stack.toml."""
        name = str(self[path])
        return self.home / Path(name).expanduser() if name else None

    @property
    def state(self) -> Path:
        """This stack's folder in the client's cache."""
        return self.home / ".stack" / self.name


def load(
    table: Table,
    options: Mapping[str, str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    project: Path | None = None,
    remembered: Mapping[str, str] | None = None,
) -> Settings:
    """Reads all sources; ``SettingsError`` names the source, the path and the remedy.

    ``remembered``: what this stack was last told by options that hold until they are changed, by path.
    """
    env = os.environ if environ is None else environ
    root = project or project_root()
    home = Path(env.get("STACK_HOME") or (root if (root / "pyproject.toml").is_file() else Path.cwd()))
    given: dict[str, Any] = {}
    document = sources.read_toml(home / "stack.toml")
    for found in (
        sources.from_toml(table, document),
        sources.from_dotenv(table, home / ".env"),
        sources.from_environment(table, env),
        sources.from_options(table, remembered or {}),
        sources.from_options(table, options or {}),
    ):
        read = _read(table, found)
        weaker = {f"{u.name}.port" for u in table.published} if "port_base" in read else set()
        given = {path: value for path, value in given.items() if path not in weaker} | read
    values = {s.path: s.default for s in table.settings if s.into is None} | given
    settings = Settings(
        table=table,
        home=home,
        config=home if (home / "prometheus").is_dir() else root,
        docker_host=env.get("DOCKER_HOST", ""),
        cache=Path(env.get("STACK_CACHE") or home / ".stack" / CACHE_FOLDER),
        values=values,
        given=frozenset(given),
        tables=sources.tables_in(document),
    )
    _check(settings)
    return settings


def project_root() -> Path:
    """The checkout, or the folder inside an installed package that carries the same files."""
    package = Path(__file__).resolve().parents[1]
    bundle = package / "bundle"
    return bundle if bundle.is_dir() else package.parent


def environment(*names: str) -> dict[str, str]:
    """Variables outside the table that some part needs by name, such as NO_COLOR; absent ones are left out."""
    return {name: os.environ[name] for name in names if name in os.environ}


def _read(table: Table, found: sources.Given) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for setting, text, source in found:
        try:
            texts = {setting.path: text} if setting.into is None else setting.into(text)
        except ValueError as error:
            raise _wrong(setting, error, source) from error
        for path, one in texts.items():
            if path not in table.by_path:
                raise sources.unknown(source, path, table.by_path)
            values[path] = _parsed(table.by_path[path], one, source)
    return values


def _parsed(setting: Setting, text: str, source: str) -> Any:
    try:
        return setting.parse(text)
    except ValueError as error:
        raise _wrong(setting, error, source) from error


def _wrong(setting: Setting, error: ValueError, source: str) -> SettingsError:
    return SettingsError(f"{setting.path}: {error}", hint=f"change it in {source}")


def _check(settings: Settings) -> None:
    if not settings.may_bind(settings.bind):
        raise SettingsError(f"bind: {settings.bind} opens the stack to the network", hint=LOOPBACK_HINT)
    if settings.switch("prometheus") == "off":
        raise SettingsError(
            "components.prometheus: it cannot be left out", hint="everything else is proven through it"
        )
    _check_public(settings)
    owners: dict[int, str] = {}
    for unit in settings.publishing:
        port = settings.port(unit.name)
        other = owners.setdefault(port, unit.name)
        if other != unit.name:
            raise SettingsError(f"{unit.name}.port: {port} is the port of {other} too", hint="choose another")


def _check_public(settings: Settings) -> None:
    found = PUBLIC.fullmatch(str(settings["public_url"]))
    if (
        found
        and found["port"]
        and not found["path"]
        and not settings.front
        and COMPONENT_PLACE not in found[0]
    ):
        raise SettingsError(
            f"public_url: each product has a port of its own, {found['port']} cannot be that of all",
            hint=f"{found[0]}/{COMPONENT_PLACE} gives each a path; without the port each keeps its own",
        )
