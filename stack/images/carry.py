"""An image on a further engine: held there, pulled there, or carried over from the stack's own engine."""

from __future__ import annotations

import tempfile

from stack.common.errors import ImageError
from stack.engine.interface import Engine, ImageInfo
from stack.model.spec import NAMESPACE

PATIENCE = 5.0
"""Seconds for the first word of a registry that a further engine is asked to pull from."""


def bring(near: Engine, far: Engine, ref: str) -> ImageInfo:
    """The image on ``far``. ``ImageError`` where no registry gives it and the one of ``near`` does not fit."""
    here, there = near.image(ref), far.image(ref)
    ours, built = _architecture(near), ref.startswith(f"{NAMESPACE}/")
    alike = ours == _architecture(far)
    if there and not (built and here and alike and _differ(here, there)):
        return there
    refusal = "" if built else _pulled(far, ref)
    if (found := far.image(ref)) and not refusal and not built:
        return found
    if here is None or not alike:
        lacking = (
            f"it is for {ours}, and the host is {_architecture(far)}" if here else "it is not here either"
        )
        raise ImageError(
            f"image {ref} cannot be had on the host: {'; '.join(filter(None, (refusal, lacking)))}",
            hint="bring it there with docker load",
        )
    _carry(near, far, ref)
    if (carried := far.image(ref)) is None:
        raise ImageError(
            f"image {ref} was carried to the host and is not there", hint="run the command again"
        )
    return carried


def _architecture(engine: Engine) -> str:
    return engine.info().architecture


def _differ(one: ImageInfo, other: ImageInfo) -> bool:
    """By layers, which every engine names alike; ids differ between kinds of engines."""
    return bool(one.layers and other.layers) and one.layers != other.layers


def _pulled(far: Engine, ref: str) -> str:
    """Why it could not be pulled; empty where it was."""
    try:
        far.pull(ref, lambda line: None, PATIENCE)
    except ImageError as error:
        return error.message
    return ""


def _carry(near: Engine, far: Engine, ref: str) -> None:
    with tempfile.TemporaryFile() as archive:
        for chunk in near.save((ref,)):
            archive.write(chunk)
        archive.seek(0)
        far.load(archive)
