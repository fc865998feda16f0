"""What an upgrade changes: each product whose image is to be another one, both versions, what becomes of its data."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from stack.cli.keeping import version_of
from stack.cli.main import usage
from stack.cli.session import Session
from stack.common.errors import ImageError, UsageError
from stack.components import BY_NAME
from stack.components.build import Image
from stack.components.manifest import Data
from stack.config.settings import environment
from stack.deploy.describe import Description
from stack.engine.interface import Job
from stack.images.decide import Source
from stack.images.pins import tag_of
from stack.images.resolver import WAY_OUT
from stack.model.names import kind_of
from stack.model.observed import Observed, ObservedContainer
from stack.model.spec import ServiceSpec, data_volume

HEADER = ("COMPONENT", "NOW", "VERSION", "NEXT", "VERSION", "DATA")
PINS = "pins"


class Change(Struct, frozen=True):
    """One container's image before and after, ``was`` and ``becomes`` their versions.

    ``volume``: its data, empty where it keeps none. ``by_dump``: another major version cannot open that, so the old one
    writes it down and the new one loads it.
    """

    component: str
    before: Image
    after: Image
    was: str
    becomes: str
    volume: str = ""
    by_dump: bool = False

    @property
    def data(self) -> str:
        """What becomes of its data, in words."""
        if not self.volume:
            return "none"
        return "written down and loaded" if self.by_dump else "kept beside until it is proven"

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        return (self.component, self.before.ref, self.was, self.after.ref, self.becomes, self.data)

    def document(self) -> dict[str, object]:
        """As plain values."""
        images = {"before": {"image": self.before.ref, "version": self.was}}
        images["after"] = {"image": self.after.ref, "version": self.becomes}
        return {"component": self.component, **images, "volume": self.volume, "data": self.data}


def named_images(wanted: Iterable[str]) -> dict[str, str]:
    """Component > the image that the command line names for it; UsageError where that cannot be meant."""
    found: dict[str, str] = {}
    for text in wanted:
        if text == PINS:
            continue
        component, equals, image = text.partition("=")
        if not equals:
            component, image = _owner(text), text
        if component not in BY_NAME or not image:
            raise UsageError(
                f"--to {text}: COMPONENT=IMAGE, with one of {', '.join(BY_NAME)}", hint="see --help"
            )
        if found.setdefault(component, image) != image:
            raise usage(f"--to names two images for {component}")
        variable = variable_of(component)
        if environment(variable).get(variable, image) != image:
            raise UsageError(
                f"--to {text}: {variable} names another image, and would win at the next command",
                hint=f"unset {variable}",
            )
    return found


def _owner(image: str) -> str:
    """The component whose pinned image has the same repository."""
    mine = image.partition("@")[0].removesuffix(f":{tag_of(image)}").rpartition("/")[2]
    pinned = {c.name: c.pin.official for c in BY_NAME.values() if c.pin}
    owners = [
        n for n, ref in pinned.items() if ref.removesuffix(f":{tag_of(ref)}").rpartition("/")[2] == mine
    ]
    if len(owners) != 1:
        raise UsageError(
            f"--to {image}: no one product has a pinned image of this name", hint="--to COMPONENT=IMAGE"
        )
    return owners[0]


def variable_of(component: str) -> str:
    """The variable that names a component's image."""
    return f"STACK_{component.upper()}_IMAGE"


def changes_of(
    session: Session, observed: Observed, description: Description, only: frozenset[str]
) -> tuple[Change, ...]:
    """Containers with another image than described, in the order in which they start; ``only``: of these, if any."""
    found = []
    for service in description.spec.ordered().services:
        there = observed.container(service.component)
        if there is not None and there.image_id != service.image_id and (not only or service.kind in only):
            found.append(_change(session, observed, service, there))
    return tuple(found)


def missing(session: Session, observed: Observed, only: frozenset[str]) -> tuple[Change, ...]:
    """The same for images that are not here yet, and would be pulled or built."""
    there = [c for c in observed.containers if c.component in BY_NAME and (not only or c.component in only)]
    selection = session.images_for(session.settings.limited_to(frozenset(c.component for c in there)))
    selection.look()
    found = []
    for one in there:
        image = selection.found.get(one.component)
        if image is not None and not image.available:
            if image.source is Source.UNAVAILABLE:
                raise ImageError(f"no image for {one.component}: {image.why}", hint=WAY_OUT)
            volume = data_volume(session.name, one.component)
            found.append(
                Change(
                    component=one.component,
                    before=Image(one.image, one.image_id),
                    after=Image(image.ref, ""),
                    was=version_of(session.engine, one.image, one.image_id),
                    becomes=f"{version_of(session.engine, image.ref)} ({image.source.value})",
                    volume=volume if volume in observed.volumes else "",
                )
            )
    return tuple(found)


def _change(session: Session, observed: Observed, service: ServiceSpec, there: ObservedContainer) -> Change:
    engine, component = session.engine, service.component
    volume = data_volume(session.name, component)
    keeps = volume in observed.volumes and any(m.source == volume for m in service.mounts)
    becomes = version_of(engine, service.image, service.image_id)
    return Change(
        component=component,
        before=Image(there.image, there.image_id),
        after=Image(service.image, service.image_id),
        was=version_of(engine, there.image, there.image_id),
        becomes=becomes,
        volume=volume if keeps else "",
        by_dump=keeps and _other_major(session, service, there, becomes),
    )


def _other_major(session: Session, service: ServiceSpec, there: ObservedContainer, becomes: str) -> bool:
    """Whether what lies in its volume is of a major version that the new image cannot open."""
    component = BY_NAME[kind_of(service.component)]
    data = component.data or Data()
    if not data.version_file:
        return False
    volume = data_volume(session.name, service.component)
    folder = next(m.target for m in service.mounts if m.source == volume)
    written = session.engine.read_file(there.id, f"{folder}/{data.version_file}")
    if written is None:
        return False
    told = becomes
    if service.image_id and data.version_argv:
        told = session.engine.run(session.name, Job(service.image, data.version_argv)).output
    digits = next((word for word in told.split() if word[:1].isdigit()), "")
    return written.decode().strip() != digits.partition(".")[0].partition("-")[0]
