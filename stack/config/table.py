"""The table of settings: what each is called in each source, how its text is read, its default and its meaning.

Data types and the settings that every stack has; a component brings its own. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct

from stack.config import values as read

Switch = Literal["on", "off", "auto", "needed"]
SWITCHES: tuple[Switch, ...] = ("on", "off", "auto")
"""What every component can be; ``needed`` is for those that can tell whether they are."""
Tree = Mapping[str, bytes]
"""Native files: path below the configuration root > content."""


def never(tree: Tree) -> bool:
    """For a component that no file of the user's asks for."""
    del tree
    return False


class Setting(Struct, frozen=True):
    """One setting: its path in stack.toml, its variable, how its text is read, its default and its meaning.

    ``into`` makes it another way of saying others: its text becomes their texts by path, and it has no value itself.
    Without a ``variable`` it can only be set in stack.toml, or through a setting that goes ``into`` it.
    """

    path: str
    variable: str
    parse: Callable[[str], Any]
    default: Any
    meaning: str
    into: Callable[[str], Mapping[str, str]] | None = None


class Unit(Struct, frozen=True):
    """What the settings need to know of a component.

    ``publish``: its default port on this machine, None where it is never published. ``switch``: whether it runs by
    default; ``auto`` runs it where its image can be had, ``needed`` where one of the user's files needs it, of which
    ``needed`` tells. ``serves``: it runs only beside one of these.
    ``start_seconds``: about how long it takes to answer; the slowest is started first. ``dashboards``: uids of those
    that are about it. ``fronts``: while it runs people reach the others through it, and it alone is published; then
    ``inside`` is where it asks one, and ``own_login`` says that one asks for a login itself.
    """

    name: str
    publish: int | None = None
    switch: Switch = "on"
    needed: Callable[[Tree], bool] = never
    serves: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    start_seconds: float = 0.0
    dashboards: tuple[str, ...] = ()
    fronts: bool = False
    inside: int = 0
    own_login: bool = False

    @property
    def switches(self) -> tuple[Switch, ...]:
        """The switches that it can have."""
        return SWITCHES if self.switch != "needed" else (*SWITCHES, "needed")


class Table(Struct, frozen=True, dict=True):
    """All settings of a stack that can have these components."""

    units: tuple[Unit, ...]

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """Every setting, in the order of the documents."""
        own = (setting for unit in self.units for setting in unit.settings)
        return (*_general(self.published), *_of_units(self.units), *own)

    @cached_property
    def by_path(self) -> dict[str, Setting]:
        """Settings by their path in stack.toml."""
        return {s.path: s for s in self.settings}

    @cached_property
    def by_variable(self) -> dict[str, Setting]:
        """Settings by their variable."""
        return {s.variable: s for s in self.settings if s.variable}

    @cached_property
    def published(self) -> tuple[Unit, ...]:
        """Components with a port on this machine: ``port_base`` counts in this order."""
        return tuple(u for u in self.units if u.publish is not None)

    @cached_property
    def start_order(self) -> tuple[Unit, ...]:
        """Components as they are started, as far as needs allow."""
        return tuple(sorted(self.units, key=lambda unit: -unit.start_seconds))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all components."""
        return tuple(u.name for u in self.units)


def switch_setting(
    path: str, variable: str, words: Mapping[str, Switch], component: str, meaning: str
) -> Setting:
    """An older way to switch a component, with words of its own."""
    parse = read.choice(*words)

    def into(text: str) -> dict[str, str]:
        return {f"components.{component}": words[parse(text)]}

    return Setting(path, variable, parse, None, meaning, into)


def _general(published: Iterable[Unit]) -> tuple[Setting, ...]:
    count = sum(not unit.fronts for unit in published)
    return (
        Setting("name", "STACK_NAME", read.stack_name, "monitoring", "name of the stack"),
        Setting("bind", "STACK_BIND", read.address, "127.0.0.1", "address that ports are published on"),
        Setting(
            "insecure_bind", "STACK_INSECURE_BIND", read.switch, False, "allow a bind address beyond loopback"
        ),
        Setting(
            "public_url",
            "STACK_PUBLIC_URL",
            read.public_url,
            "",
            "address of the products for people, like `https://host/path` or `https://{component}.example.com`",
        ),
        Setting(
            "port_base",
            "STACK_PORT_BASE",
            read.first_port(count),
            None,
            f"first of {count} consecutive ports",
        ),
        Setting(
            "components",
            "STACK_COMPONENTS",
            str,
            None,
            "components by switch, like `app=off,postgres=on`; in stack.toml a table `[components]`",
            _switches,
        ),
        Setting(
            "reach",
            "STACK_REACH",
            read.choice("auto", "ports", "network"),
            "auto",
            "how the checks reach the stack: by published ports, or inside its network",
        ),
        *_outer(),
        Setting("python.image", "STACK_PYTHON_IMAGE", read.image, "", "base of images that are built here"),
    )


def _outer() -> tuple[Setting, ...]:
    return (
        Setting(
            "disk.floor",
            "STACK_DISK_FLOOR",
            read.match(read.ROOM, "like 256MB"),
            "256MB",
            "room on the disk of an engine of this machine below which start refuses; 0MB: never",
        ),
        Setting(
            "log.max_size",
            "STACK_LOG_MAX_SIZE",
            read.log_size,
            "10m",
            "size at which a container's log begins a new file, like 50MB",
        ),
        Setting(
            "log.max_files",
            "STACK_LOG_MAX_FILES",
            read.within(1, 100),
            3,
            "files that are kept of a container's log",
        ),
        Setting(
            "registry.patience",
            "STACK_REGISTRY_PATIENCE",
            read.between(0.1, 600.0),
            3.0,
            "seconds that a registry has for its first word, or like 10s",
        ),
        Setting(
            "registry.remember",
            "STACK_REGISTRY_REMEMBER",
            read.between(0.0, 86400.0),
            300.0,
            "for how long a silent registry is not asked again",
        ),
    )


def _switches(text: str) -> dict[str, str]:
    """``app=off, postgres=on`` as settings by path."""
    found = {}
    for part in filter(None, (word.strip() for word in text.split(","))):
        name, equals, switch = part.partition("=")
        if not equals:
            raise ValueError(f"must be like app=off,postgres=on, got {part!r}")
        found[f"components.{name.strip()}"] = switch.strip()
    return found


def _of_units(units: Iterable[Unit]) -> Iterable[Setting]:
    for unit in units:
        name, upper = unit.name, unit.name.upper()
        yield Setting(
            f"components.{name}", "", read.choice(*unit.switches), unit.switch, f"whether {name} runs"
        )
        if unit.publish is not None:
            yield Setting(
                f"{name}.port", f"STACK_{upper}_PORT", read.port, unit.publish, f"published port of {name}"
            )
        yield Setting(
            f"{name}.image",
            f"STACK_{upper}_IMAGE",
            read.image,
            "",
            f"image of {name} instead of the pinned one",
        )
        yield Setting(
            f"{name}.limits.memory",
            f"STACK_{upper}_MEMORY",
            read.memory,
            None,
            f"memory that {name} may use, like 1g",
        )
        yield Setting(
            f"{name}.limits.cpus",
            f"STACK_{upper}_CPUS",
            read.cpus,
            None,
            f"processors that {name} may use, like 0.5",
        )
