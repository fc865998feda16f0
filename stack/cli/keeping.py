"""What backup and restore share: the key of the secrets, the image that works on volumes, the versions of images."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from stack.archives.seal import Key
from stack.cli.session import Session
from stack.common.errors import ImageError, UsageError
from stack.components import CATALOG
from stack.engine.interface import Engine
from stack.images import inventory
from stack.images.pins import LABEL_VERSION, tag_of
from stack.images.programs import CHECKS
from stack.images.resolver import WAY_OUT
from stack.model.observed import Observed

APP = "app"


def key_of(options: argparse.Namespace) -> Key:
    """How the command line says that secrets are closed or opened."""
    told = (options.passphrase_file, getattr(options, "recipient", ""), getattr(options, "identity_file", ""))
    if sum(bool(one) for one in told) > 1:
        raise UsageError("a passphrase or a key, not both", hint="see --help")
    passphrase, recipient, identity = told
    if passphrase:
        line = (_text(passphrase, "--passphrase-file").splitlines() or [""])[0]
        if not line:
            raise UsageError(
                f"--passphrase-file: {passphrase} is empty", hint="its first line is the passphrase"
            )
        return Key(passphrase=line)
    if identity:
        return Key(identity=_text(identity, "--identity-file"))
    return Key(recipient=recipient or "")


def _text(path: str, flag: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{flag}: {path} cannot be read: {error}", hint="name a file that you can read"
        ) from error


def volume_image(session: Session, observed: Observed | None = None, *, provide: bool = True) -> str:
    """An image with Python on the engine: that of the application where it is there, else that of the checks.

    ``ImageError`` where neither can be had; without ``provide`` none is made, and it is empty then.
    """
    running = observed.container(APP) if observed else None
    if running is not None and session.engine.image(running.image_id) is not None:
        return running.image_id
    images = session.images_for(session.settings).images
    held = [one for one in images.present((APP, CHECKS.name)).values() if one.available]
    if held or not provide:
        return held[0].ref if held else ""
    name = APP if APP in session.settings.components else CHECKS.name
    made = images.provide((name,))[name]
    if not made.available:
        raise ImageError(f"no image to read volumes with: {made.why}", hint=WAY_OUT)
    return made.ref


def version_of(engine: Engine, ref: str, image_id: str = "") -> str:
    """The version of an image: what its label says, else its tag."""
    info = engine.image(image_id or ref)
    label = info.labels.get(LABEL_VERSION, "") if info else ""
    return label or tag_of(ref).removeprefix("v")


def versions_that_run(session: Session, observed: Observed, components: Iterable[str]) -> dict[str, str]:
    """The version of each component's image: that of its container, else the one that is here."""
    there = {name: found for name in components if name != APP and (found := observed.container(name))}
    held = {name: version_of(session.engine, one.image, one.image_id) for name, one in there.items()}
    return {**versions_of(session, components), **held}


def versions_of(session: Session, components: Iterable[str]) -> dict[str, str]:
    """The version of each component's image that is here."""
    held = session.images_for(session.settings).images.present(tuple(components)).values()
    rows = inventory.rows(session.engine, held, CATALOG.pins)
    return {row.component: row.version for row in rows if row.version and row.component != APP}
