"""What was found of one component's image; that of one of our own programs by its base, or by the layers of it."""

from __future__ import annotations

from msgspec import Struct

from stack.engine.interface import ImageInfo
from stack.images.decide import Source
from stack.images.interface import ImageEngine
from stack.images.pins import LABEL_RECIPE
from stack.images.programs import Inputs, Program


class Resolved(Struct, frozen=True):
    """One component's image. ``id`` is empty where it is not there; then ``source`` says what could be done."""

    component: str
    ref: str
    id: str
    source: Source
    why: str

    @property
    def available(self) -> bool:
        """Whether the engine holds it."""
        return bool(self.id)


def program_present(engine: ImageEngine, inputs: Inputs, base: Resolved) -> Resolved:
    """The image of one of our own programs as it is there; ``base`` is what it is built on."""
    program = inputs.program
    if base.available:
        ref = inputs.name(base.id)
        if found := engine.image(ref):
            return _program(program, ref, found)
        loaded = _from_elsewhere(engine, inputs, base.id)
        return _program(program, program.local if loaded else ref, loaded)
    latest = engine.image(program.local)
    if latest and made_by(latest, inputs.digest()):
        return _program(program, program.local, latest)
    unavailable = base.source is Source.UNAVAILABLE
    return baseless(program, base) if unavailable else _program(program, program.local, None)


def _from_elsewhere(engine: ImageEngine, inputs: Inputs, base: str) -> ImageInfo | None:
    """The program built by another engine on this very base, which had another id there: layers have one name."""
    latest, below = engine.image(inputs.program.local), engine.image(base)
    if latest is None or below is None or not below.layers or not made_by(latest, inputs.digest()):
        return None
    return latest if latest.layers[: len(below.layers)] == below.layers else None


def made_by(image: ImageInfo, recipe: str) -> bool:
    """Whether an image is that of this recipe."""
    return image.labels.get(LABEL_RECIPE) == recipe


def _program(program: Program, ref: str, image: ImageInfo | None) -> Resolved:
    if image is None:
        return Resolved(program.name, ref, "", Source.BUILD, "not built for this program and base yet")
    return Resolved(program.name, ref, image.id, Source.PRESENT, "built here before")


def baseless(program: Program, base: Resolved) -> Resolved:
    """Without its base a program has no image."""
    why = f"its base cannot be had: {base.why}"
    return Resolved(program.name, program.local, "", Source.UNAVAILABLE, why)
