"""Every setting, from options > environment > .env > stack.toml > defaults, as one frozen value.

The only place of the orchestrator that reads the environment. It never creates a file and never asks an engine.
"""

from __future__ import annotations

import difflib
import io
import ipaddress
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stack.common.errors import SettingsError
from stack.config import values as read

PORTS = {"grafana": 3000, "prometheus": 9090, "alertmanager": 9093, "app": 8000}
COMPONENTS = ("postgres", "grafana", "app", "prometheus", "alertmanager", "node_exporter")
"""Slowest to answer first: that is the order of starting, as far as needs allow."""
IMAGES = ("prometheus", "alertmanager", "node_exporter", "postgres", "grafana", "app", "python")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its path in stack.toml, its variable, how its text is read, its default and its meaning."""

    path: str
    variable: str
    parse: Callable[[str], Any]
    default: Any
    meaning: str


TABLE: tuple[Setting, ...] = (
    Setting(
        "name",
        "STACK_NAME",
        read.match(read.NAME, "1-40 of a-z, 0-9 and -"),
        "monitoring",
        "name of the stack",
    ),
    Setting("bind", "STACK_BIND", read.address, "127.0.0.1", "address that ports are published on"),
    Setting(
        "insecure_bind", "STACK_INSECURE_BIND", read.switch, False, "allow a bind address beyond loopback"
    ),
    Setting(
        "port_base", "STACK_PORT_BASE", read.first_port(len(PORTS)), None, "first of four consecutive ports"
    ),
    *(
        Setting(f"{name}.port", f"STACK_{name.upper()}_PORT", read.port, port, f"published port of {name}")
        for name, port in PORTS.items()
    ),
    *(
        Setting(
            f"{name}.image",
            f"STACK_{name.upper()}_IMAGE",
            str,
            "",
            f"image of {name} instead of the pinned one",
        )
        for name in IMAGES
    ),
    Setting(
        "grafana.mode",
        "STACK_GRAFANA",
        read.choice("auto", "required", "off"),
        "auto",
        "whether Grafana runs",
    ),
    Setting(
        "prometheus.retention_time",
        "STACK_RETENTION_TIME",
        read.match(read.DURATION, "like 15d"),
        "15d",
        "age of data",
    ),
    Setting(
        "prometheus.retention_size",
        "STACK_RETENTION_SIZE",
        read.match(read.SIZE, "like 2GB"),
        "2GB",
        "size of data",
    ),
    Setting(
        "app.load",
        "STACK_LOAD",
        read.choice("steady", "full", "off"),
        "steady",
        "load that the application makes",
    ),
    Setting("app.load_rate", "STACK_LOAD_RATE", read.rate, 10.0, "operations a second of that load"),
    Setting("app.faults", "STACK_FAULTS", read.switch, False, "allow fault switches for drills"),
    Setting(
        "app.token_file", "STACK_APP_TOKEN_FILE", str, "", "file with the bearer token that app then asks for"
    ),
    Setting(
        "database.mode",
        "STACK_DATABASE",
        read.choice("sqlite", "postgres"),
        "sqlite",
        "what keeps app's packets",
    ),
)
BY_PATH = {s.path: s for s in TABLE}
PLACES = "places.json"
"""The record of where a stack was published."""
LOOPBACK_HINT = "keep 127.0.0.1, or set STACK_INSECURE_BIND=true when a firewall or TLS proxy guards it"


@dataclass(frozen=True, slots=True)
class Settings:
    """All values by path. ``home`` holds stack.toml, .env and .stack/; ``config`` the prometheus/ ... folders."""

    home: Path
    config: Path
    docker_host: str = ""
    cache: Path = field(default_factory=lambda: Path(".stack/cache"))
    values: Mapping[str, Any] = field(default_factory=dict)
    without: frozenset[str] = frozenset()

    def __getitem__(self, path: str) -> Any:
        return self.values[path]

    @property
    def name(self) -> str:
        """The stack's name."""
        return str(self["name"])

    @property
    def bind(self) -> str:
        """The address that ports are published on."""
        return str(self["bind"])

    def port(self, component: str) -> int:
        """The published port of a component; with ``port_base`` counted from there in the order of ``PORTS``."""
        base = self["port_base"]
        return int(self[f"{component}.port"] if base is None else base + list(PORTS).index(component))

    def image(self, component: str) -> str:
        """The image that the user names instead of the pinned one; empty where none."""
        return str(self[f"{component}.image"])

    def places(self) -> dict[str, Any]:
        """Where ports are published, for commands that are later given the name alone."""
        ports = {f"{component}.port": self.port(component) for component in PORTS}
        return {"bind": self.bind, "insecure_bind": self["insecure_bind"], **ports}

    @property
    def components(self) -> tuple[str, ...]:
        """What should run, before it is known which images can be had."""
        off = {"grafana": self["grafana.mode"] == "off", "postgres": self["database.mode"] == "sqlite"}
        return tuple(c for c in COMPONENTS if c not in self.without and not off.get(c))

    @property
    def token_file(self) -> Path | None:
        """The file with the application's token; a relative name counts from the folder of stack.toml."""
        name = str(self["app.token_file"])
        return self.home / Path(name).expanduser() if name else None

    @property
    def state(self) -> Path:
        """The folder of this stack's secrets, lock and records; made with mode 0700 by whoever writes first."""
        return self.home / ".stack" / self.name


def load(
    options: Mapping[str, str] | None = None,
    *,
    without: frozenset[str] = frozenset(),
    environ: Mapping[str, str] | None = None,
    project: Path | None = None,
    remembered: Mapping[str, Any] | None = None,
) -> Settings:
    """Reads all sources; ``SettingsError`` names the source, the path and the remedy.

    ``remembered``: where the last start published its ports, in place of the defaults.
    """
    env = os.environ if environ is None else environ
    root = project or project_root()
    home = Path(env.get("STACK_HOME") or (root if (root / "pyproject.toml").is_file() else Path.cwd()))
    values = {s.path: s.default for s in TABLE}
    values |= {path: _read(BY_PATH[path], str(value), PLACES) for path, value in (remembered or {}).items()}
    values |= _from_toml(home / "stack.toml")
    values |= _from_dotenv(home / ".env")
    values |= {s.path: _read(s, env[s.variable], s.variable) for s in TABLE if env.get(s.variable)}
    values |= {
        path: _read(BY_PATH[path], text, "--" + path.replace("_", "-"))
        for path, text in (options or {}).items()
    }
    _check(values)
    return Settings(
        home=home,
        config=home if (home / "prometheus").is_dir() else root,
        docker_host=env.get("DOCKER_HOST", ""),
        cache=Path(env.get("STACK_CACHE") or home / ".stack" / "cache"),
        values=values,
        without=without,
    )


def project_root() -> Path:
    """The checkout, or the folder inside an installed package that carries the same files."""
    package = Path(__file__).resolve().parents[1]
    bundle = package / "bundle"
    return bundle if bundle.is_dir() else package.parent


def environment(*names: str) -> dict[str, str]:
    """Variables outside the table that some part needs by name, such as NO_COLOR; absent ones are left out."""
    return {name: os.environ[name] for name in names if name in os.environ}


def _read(setting: Setting, text: str, source: str) -> Any:
    try:
        return setting.parse(text)
    except ValueError as error:
        raise SettingsError(f"{setting.path}: {error}", hint=f"change it in {source}") from error


def _text_of(path: Path) -> str:
    """The file's text, empty where there is none; ``SettingsError`` where it is no text or cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", hint="mend it, or take it away") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: {error}", hint="save it as UTF-8") from error


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(_text_of(path))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}", hint="correct the TOML") from error
    flat: dict[str, Any] = {}
    for key, value in document.items():
        flat |= (
            {f"{key}.{inner}": v for inner, v in value.items()} if isinstance(value, dict) else {key: value}
        )
    return {
        key: _read(_known(key, list(BY_PATH), path), _text(value), str(path)) for key, value in flat.items()
    }


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _from_dotenv(path: Path) -> dict[str, Any]:
    text = _text_of(path)
    if not text:
        return {}
    from dotenv import dotenv_values

    by_variable = {s.variable: s for s in TABLE}
    found = {k: v for k, v in dotenv_values(stream=io.StringIO(text)).items() if k.startswith("STACK_") and v}
    settings = [(_known(key, list(by_variable), path), value) for key, value in found.items()]
    return {s.path: _read(s, str(value), str(path)) for s, value in settings}


def _known(key: str, names: list[str], source: Path) -> Setting:
    if key in BY_PATH:
        return BY_PATH[key]
    by_variable = {s.variable: s for s in TABLE}
    if key in by_variable:
        return by_variable[key]
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]}?" if near else "see docs/settings.md for all names"
    raise SettingsError(f"{source}: unknown setting {key}", hint=hint)


def _check(values: Mapping[str, Any]) -> None:
    if not ipaddress.ip_address(values["bind"]).is_loopback and not values["insecure_bind"]:
        raise SettingsError(f"bind: {values['bind']} opens the stack to the network", hint=LOOPBACK_HINT)
    if values["port_base"] is None:
        owners: dict[int, str] = {}
        for component in PORTS:
            other = owners.setdefault(values[f"{component}.port"], component)
            if other != component:
                port = values[f"{component}.port"]
                raise SettingsError(
                    f"{component}.port: {port} is the port of {other} too", hint="choose another"
                )
