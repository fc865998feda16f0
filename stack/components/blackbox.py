"""blackbox_exporter: looks at what the user runs from outside, as their scrape files ask. Not published.

It runs as soon as a scrape file sends something to it. Its modules are those of ``blackbox.yml`` beside this file, and
the user's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from stack.common.yaml_text import load_yaml
from stack.components.build import HOST_GATEWAY, MIB, Build, wget
from stack.components.manifest import Checks, Component
from stack.components.outer_networks import outer_networks
from stack.components.own_paths import own_secrets, translated
from stack.components.places import NATIVE, SCRAPE_PLACE, Place
from stack.components.probes import PORT, needed
from stack.engine.interface import ImageConfig
from stack.images.pins import LOOKED_UP, Line, Pin
from stack.images.recipes import COMMON, NOBODY_USER, Recipe
from stack.model.spec import CONFIG_ROOT, CURRENT, NOBODY, ConfigFile, Health, ServiceSpec, ordered

MAIN = "blackbox.yml"
FOLDER = f"{CONFIG_ROOT}/{CURRENT}"
MODULES = Place("modules/", NATIVE)
PROGRAM = "/bin/blackbox_exporter"
CHECK = f"""\
for file in {FOLDER}/modules/*.yml {FOLDER}/{MAIN}; do
  [ -e "$file" ] || continue
  said=$({PROGRAM} --config.check --config.file="$file" 2>&1) && continue
  said=${{said##*err=\\"}}
  printf "Checking '%s'  FAILED: %b\\n" "$file" "${{said%\\"}}"
  exit 1
done
"""
"""Each file by itself, since what the program says names no file."""


def service(build: Build) -> ServiceSpec:
    """The container. It starts anew with new modules, so that what it runs is what was written."""
    return BLACKBOX.container(
        build,
        ready_path="/-/healthy",
        health=Health(wget(PORT, "/-/healthy")),
        entrypoint=(PROGRAM,),
        command=(f"--config.file={FOLDER}/{MAIN}",),
        mounts=(build.config_mount("blackbox"),),
        extra_hosts=HOST_GATEWAY,
        networks=outer_networks(build.gathered("prometheus", SCRAPE_PLACE), probed=True),
    )


def files(build: Build) -> tuple[ConfigFile, ...]:
    """One file with all modules, and those of the user's own with the secrets that they name."""
    own = translated(build.gathered("blackbox", MODULES))
    main = ConfigFile(MAIN, merged(own).encode())
    return tuple(ordered((main, *own, *own_secrets(build, own, NOBODY))))


def shipped() -> dict[str, Any]:
    """The modules that the stack brings."""
    found: dict[str, Any] = load_yaml(Path(__file__).with_name(MAIN).read_bytes())["modules"]
    return found


def modules_in(content: bytes) -> Mapping[str, Any]:
    """The modules of a file; none where it is broken, which the validation names."""
    try:
        document = load_yaml(content)
    except (yaml.YAMLError, UnicodeError):
        return {}
    found = document.get("modules") if isinstance(document, dict) else None
    return {str(name): module for name, module in found.items()} if isinstance(found, dict) else {}


def merged(own: Iterable[ConfigFile]) -> str:
    """All modules, one a line; one of the user's own replaces the shipped one of its name."""
    modules = shipped()
    for file in own:
        modules |= modules_in(file.content)
    lines = (f"  {json.dumps(name)}: {json.dumps(module)}\n" for name, module in sorted(modules.items()))
    return "modules:\n" + "".join(lines)


def check_files(found: tuple[ConfigFile, ...]) -> None:
    """What the program itself does not say, or not by the names that people know."""
    from stack.validation.probing import check_probing

    check_probing(found)


def checks() -> Checks:
    """Whether it answers, and what it says of the probes."""
    from stack.checks import blackbox

    return Checks(blackbox.CHECKS, ("blackbox.ready",))


def recipe() -> Recipe:
    """How it is made of Debian's package."""
    return Recipe(
        (*COMMON, "prometheus-blackbox-exporter"),
        "prometheus-blackbox-exporter",
        ImageConfig((PROGRAM,), user=NOBODY_USER, ports=(PORT,)),
        moves=(("usr/bin/prometheus-blackbox-exporter", "usr/bin/blackbox_exporter"),),
    )


BLACKBOX = Component(
    name="blackbox",
    title="blackbox_exporter",
    purpose="asks what is to be watched from outside: HTTP, TLS, TCP, DNS, ping",
    service=service,
    port=PORT,
    pin=Pin(
        "blackbox",
        "prom/blackbox-exporter:v0.29.1",
        (PROGRAM, "--version"),
        line=Line("0", "only the newest release is kept", LOOKED_UP, date(2027, 2, 28)),
    ),
    memory=64 * MIB,
    switch="needed",
    needed=needed,
    files=files,
    places=(MODULES,),
    dashboards=("probes",),
    tool=("/bin/sh", "-c", CHECK),
    check_files=check_files,
    recipe=recipe,
    checks=checks,
)
