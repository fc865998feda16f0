"""render --own: what docker compose needs to know of files and settings of the user's own."""

from __future__ import annotations

import shutil
from pathlib import Path

from msgspec.structs import replace

from stack.cli.left_out import tell_left_out
from stack.cli.printer import Printer
from stack.common.errors import StackError
from stack.common.files import naming, private_folder, write_atomically
from stack.components import BY_NAME, CATALOG, assemble, load
from stack.components.build import Build, Image
from stack.components.heartbeat import ADDRESS
from stack.config.secret import Secret
from stack.config.settings import Settings
from stack.config.tree import read_native
from stack.deploy.describe import read_secret
from stack.deploy.left_out import left_out, refuse_faults
from stack.exports.compose_own import override, own_files
from stack.validation.syntax import check_syntax

BEYOND_VARIABLES = ("public_url", "watchdog.every")
"""Settings whose values stand in files and in several words of a container."""
COMPOSE_FILE = "docker-compose.yml"
NO_GATEWAY = (
    f"compose   {COMPOSE_FILE} has no gateway: each product keeps its port there; docs/proxy.md has proxies"
)
OVERRIDE = "docker-compose.override.yml"


def render_own(settings: Settings, app_image: str, printer: Printer) -> int:
    """Writes the override and its files, or takes them away where own/ has nothing; only what differs is written."""
    if not (settings.config / COMPOSE_FILE).is_file():
        raise StackError(f"there is no {COMPOSE_FILE} in {settings.config}", hint="it is part of a checkout")
    if settings.front:
        printer.warning(NO_GATEWAY)
    native = read_native(settings.config, settings.home)
    plain = load({}, environ={"STACK_HOME": str(settings.config / ".none")}, project=settings.config)
    images = {name: Image(pin.official, "") for name, pin in CATALOG.pins.items()} | {
        "app": Image(app_image, "")
    }
    shipped = frozenset(plain.components)
    told = _as_told(plain, settings).for_files(native.tree)
    build = Build(told, images, native.tree, _given_secrets(settings), left_out=native.left_out)
    spec = assemble(build)
    found = left_out(build, (f for s in spec.services for f in (*s.files, *s.assets)))
    refuse_faults(found)
    check_syntax(BY_NAME, *((s.component, s.judged) for s in spec.services))
    tell_left_out(printer, found)
    place = settings.state / "compose" / "own"
    written = _place(place, own_files(spec, build, shipped), settings.state.parent)
    text, file = override(spec, build, str(place.resolve()), shipped), settings.config / OVERRIDE
    with naming(file):
        if not text:
            file.unlink(missing_ok=True)
        elif not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            written.append(str(file))
    for path in written:
        printer.line("written", path)
    printer.document({"ok": True, "written": written})
    return 0


def _as_told(plain: Settings, settings: Settings) -> Settings:
    """Defaults, which docker-compose.yml has with the settings' variables, and what no variable there can say.

    A public address ends with the port that is published.
    """
    ports = (f"{unit.name}.port" for unit in settings.table.published)
    values = {**plain.values, **{path: settings[path] for path in (*BEYOND_VARIABLES, *ports)}}
    return replace(plain, values=values, tables=settings.tables)


def _given_secrets(settings: Settings) -> dict[str, Secret]:
    """The address of the heartbeat, where a setting names its file."""
    place = settings.file(ADDRESS.setting)
    return {} if place is None else {ADDRESS.name: read_secret(ADDRESS, place)}


def _place(folder: Path, files: dict[str, bytes], top: Path) -> list[str]:
    """Exactly these files, readable by each user inside a private folder: folders that are mounted stay the same."""
    written: list[str] = []
    with naming(folder):
        if not files:
            shutil.rmtree(folder, ignore_errors=True)
            return written
        private_folder(folder, top)
        wanted = {folder / name: content for name, content in files.items()}
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_dir() and not any(one.is_relative_to(path) for one in wanted):
                path.rmdir()
            elif not path.is_dir() and path not in wanted:
                path.unlink()
        for path, content in wanted.items():
            if not path.is_file() or path.read_bytes() != content:
                write_atomically(path, content)
                written.append(str(path))
            path.chmod(0o444)
            for above in path.relative_to(folder).parents[:-1]:
                (folder / above).chmod(0o755)
    return written
