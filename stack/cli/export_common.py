"""What all exports do alike: the description without an engine, its secrets kept privately, a folder written.

An export never holds the value of a secret; those lie in ``.stack/NAME/exports/``, for commands that hand them over.
"""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from stack.cli.grammar_parts import given
from stack.cli.left_out import tell_left_out
from stack.cli.printer import Printer
from stack.common.errors import UsageError
from stack.common.files import naming, private_folder, write_atomically
from stack.components import BY_NAME, CATALOG, load
from stack.components.build import Image
from stack.components.hosts import hosts
from stack.config.cache import Cache
from stack.config.settings import Settings
from stack.config.tree import read_native
from stack.deploy.describe import Description, asked_for, describe, secrets_of
from stack.deploy.left_out import refuse_faults
from stack.exports.files import KEPT, secret_names
from stack.exports.files import secrets as secrets_of_service
from stack.images.lock import read_lock
from stack.images.pins import pinned
from stack.images.programs import APP
from stack.validation.syntax import check_syntax

SHOWN = 8
LIST = ".exported"
"""What an export has written into its folder, so that the next one removes what is no part of it any more."""


def described_for_export(
    options: argparse.Namespace, printer: Printer, fixed: Mapping[str, object] | None = None
) -> Description:
    """What the settings ask for, with images by name; files that our own rules refuse end it. No engine is asked.

    ``fixed``: values by path that this export has in place of the user's.
    """
    settings = settings_for_export(options)
    settings = replace(settings, values={**settings.values, **(fixed or {})})
    native = read_native(settings.config, settings.home)
    settings = settings.for_files(native.tree)
    description = describe(settings, images_by_name(settings), kept_secrets(settings), native=native)
    refuse_faults(description.left_out)
    check_syntax(BY_NAME, *((s.component, s.judged) for s in description.spec.services))
    tell_left_out(printer, description.left_out)
    return description


def settings_for_export(options: argparse.Namespace) -> Settings:
    """The user's settings, with what the command line says."""
    return load({**given(options), **_switched(options)})


def _switched(options: argparse.Namespace) -> dict[str, str]:
    """What an export may say besides, as far as the command has these options."""
    switches = asked_for(getattr(options, "with_", ()), getattr(options, "without", ()))
    address = getattr(options, "public_url", None)
    return {
        **({"public_url": address} if address else {}),
        **{f"components.{name}": switch for name, switch in switches.items()},
    }


def hosts_stay(tree: Mapping[str, bytes]) -> tuple[str, ...]:
    """What is to be known of further hosts, which no export takes along."""
    names = ", ".join(host.name for host in hosts(tree))
    said = (
        f"exporters on {names} stay there, under the stack of this description: `host` commands go on from here, "
        "and whichever node runs Prometheus must reach their ports"
    )
    return (said,) if names else ()


def images_by_name(settings: Settings) -> dict[str, Image]:
    """The user's own references, else the pinned ones with the digests that are locked."""
    digests = read_lock(settings.home, CATALOG.pins)
    named = {
        name: pinned(pin.official, digests[name]) if name in digests else pin.official
        for name, pin in CATALOG.pins.items()
    }
    named[APP.name] = APP.local
    return {name: Image(settings.image(name) or ref, "") for name, ref in named.items()}


def kept_secrets(settings: Settings, *, make: bool = True) -> dict[str, str]:
    """Secrets by name, as an earlier export, or this client's stack, has them; missing ones are made unless ``make``
    says no."""
    cache = Cache(settings.state)
    found = {}
    for spec in secrets_of(settings):
        places = (f"{KEPT}/{spec.name}", f"secrets/{spec.name}", f"compose/{spec.name}")
        text = next(filter(None, map(cache.text, places)), "")
        if text or (make and spec.generated):
            found[spec.name] = text or secrets.token_urlsafe(18)
    return found


def changed_secrets(description: Description) -> tuple[str, ...]:
    """Those of which the last export kept another value, by the name that exports give them."""
    folder = description.settings.state / KEPT
    values = sorted(_values(description).items())
    return tuple(name for name, value in values if _content(folder / name) not in (None, value))


def _values(description: Description) -> dict[str, bytes]:
    spec = description.spec
    names = secret_names(spec)
    return {
        names[s.component, one.path]: one.file.content for s in spec.services for one in secrets_of_service(s)
    }


def keep_secrets(description: Description) -> dict[str, Path]:
    """Writes each secret into a private file of its own; where, by the name that exports give it."""
    values, folder = _values(description), description.settings.state / KEPT
    if values:
        with naming(folder):
            private_folder(folder, description.settings.state.parent)
    for name, content in values.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content)
    return {name: folder / name for name in sorted(values)}


def write_export(folder: Path, files: Mapping[str, bytes], *, dry_run: bool = False) -> list[str]:
    """Makes the folder hold these files; the paths of those that differed. What an earlier export left goes.

    A file of somebody else's is never replaced: ``UsageError``.
    """
    with naming(folder):
        before = _listed(folder)
        written = [path for path, content in files.items() if _content(folder / path) != content]
        foreign = [path for path in written if path not in before and (folder / path).exists()]
        if foreign:
            raise UsageError(
                f"{folder / foreign[0]} is not of an export", hint="choose another folder with -o"
            )
        if dry_run:
            return written
        for path in written:
            write_atomically(folder / path, files[path], 0o644)
        for path in sorted(before - files.keys(), reverse=True):
            _remove(folder, path)
        write_atomically(folder / LIST, "".join(f"{path}\n" for path in sorted(files)).encode(), 0o644)
    return written


def tell_written(printer: Printer, folder: Path, written: list[str], *, dry_run: bool) -> None:
    """One line for each file, or one for many."""
    label = "would be" if dry_run else "written"
    for path in written[:SHOWN]:
        printer.line(label, str(folder / path))
    if len(written) > SHOWN:
        printer.line(label, f"and {len(written) - SHOWN} more in {folder}")
    if not written:
        printer.line("current", f"{folder} holds all of it already")


def _listed(folder: Path) -> set[str]:
    text = _content(folder / LIST) or b""
    paths = text.decode("utf-8", "replace").splitlines()
    return {path for path in paths if not PurePosixPath(path).is_absolute() and ".." not in path.split("/")}


def _remove(folder: Path, path: str) -> None:
    (folder / path).unlink(missing_ok=True)
    for above in (folder / path).relative_to(folder).parents[:-1]:
        if (folder / above).is_dir() and not any((folder / above).iterdir()):
            (folder / above).rmdir()


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
