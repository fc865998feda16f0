"""One component's image in the place of another: the way back stays open until the new one is proven.

The container of before steps aside, stopped, and what its volume holds is kept within it before the new one opens it.
The state document says what is under way: whichever command comes next goes back, or finishes where the new image was
proven.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from stack.components.build import Image
from stack.config.settings import Settings
from stack.deploy.actions import Actions
from stack.deploy.state import StateStore
from stack.engine.interface import Engine
from stack.model.names import aside_name, kind_of
from stack.model.observed import HELPER, Observed, ObservedContainer
from stack.model.plan import Plan, Step, Verb
from stack.model.spec import APPLIED, CURRENT, NAMESPACE, config_volume, container_name
from stack.model.state import Refused, Upgrading

OF_ALL = (Verb.CREATE_NETWORK,)
"""Steps that one component needs and that concern no component."""


class Exchange(Actions, frozen=True):
    """Executes one component's steps. Its container ``old`` steps aside where others would go.

    ``keep`` is called when that has ended, before the new one starts.
    """

    old: str = ""
    keep: Callable[[], None] = lambda: None

    def __call__(self, step: Step) -> None:
        """See ``Actions``."""
        if step.verb is Verb.REMOVE and step.object_id == self.old:
            self.guard()
            self.engine.rename(self.old, aside_name(step.target))
            return
        if step.verb is Verb.START:
            self.guard()
            self.keep()
        Actions.__call__(self, step)


def alone(plan: Plan, component: str) -> Plan:
    """The steps of a plan that one component takes."""
    mine = [s for s in plan.steps if s.component == component or s.verb in OF_ALL]
    keys = {step.key for step in mine}
    return Plan(plan.name, tuple(replace(s, after=tuple(k for k in s.after if k in keys)) for s in mine))


def settle(engine: Engine, state: StateStore, settings: Settings) -> str:
    """Ends an upgrade that was interrupted: undone, or done where the new image was proven already. In words."""
    under = state.now.upgrading
    if under is None:
        return ""
    if under.proven:
        finish(engine, state, settings)
        return f"an interrupted upgrade of {under.component} to {under.image} was finished"
    go_back(engine, state)
    return f"an interrupted upgrade was undone: {under.component} is as it was before; monitoring-stack upgrade goes on"


def go_back(engine: Engine, state: StateStore) -> None:
    """The container, the data and the files of before are there again. Can be repeated until it is done."""
    under = state.now.upgrading
    if under is None:
        return
    found = engine.observe(state.stack)
    there = {one.id: one for one in (*found.containers, *found.leftovers)}
    for one in there.values():
        if one.component == HELPER or (one.component == under.component and one.id != under.old):
            engine.remove(one.id)
    _data_back(engine, state.stack, under, found)
    if (old := there.get(under.old)) is not None:
        _container_back(engine, state.stack, under, old)
    _go_on(engine, under, there)
    stays = _name_for(engine, under)
    refused = Refused(under.image, under.image_id, stays, under.stays_id)
    state.change(upgrading=None, refused={**state.now.refused, kind_of(under.component): refused})


def _data_back(engine: Engine, stack: str, under: Upgrading, found: Observed) -> None:
    if under.volume not in found.volumes:
        return
    if under.kept:
        engine.give_back(stack, under.helper, under.volume)
    else:
        engine.unstage(stack, under.helper, under.volume)


def _container_back(engine: Engine, stack: str, under: Upgrading, old: ObservedContainer) -> None:
    name = container_name(stack, under.component)
    if under.files:
        links = ((CURRENT, under.files), (APPLIED, under.files))
        engine.write_volume(config_volume(stack, under.component), stack, under.helper, (), links)
    if old.name != name:
        engine.rename(old.id, name)
    if under.ran and not old.running:
        engine.start(old.id)


def _go_on(engine: Engine, under: Upgrading, there: Mapping[str, ObservedContainer]) -> None:
    """Containers that were stopped meanwhile run again."""
    for one in under.paused:
        if one in there and not there[one].running:
            engine.start(one)


def _name_for(engine: Engine, under: Upgrading) -> str:
    """A reference that means the image of before, also where its own one means the new image by now."""
    held = engine.image(under.stays)
    if held is not None and held.id == under.stays_id:
        return under.stays
    name = kept_name(under.component, under.stays_id)
    if engine.image(under.stays_id) is not None:
        engine.tag(under.stays_id, name)
    return name


def kept_name(component: str, image_id: str) -> str:
    """What an image is called that stays although its own name means another one now."""
    return f"{NAMESPACE}/{kind_of(component)}:before-{image_id.rpartition(':')[2][:12]}"


def finish(engine: Engine, state: StateStore, settings: Settings) -> None:
    """The new image counts: nothing of before is left. Can be repeated until it is done."""
    under = state.now.upgrading
    if under is None:
        return
    state.change(upgrading=replace(under, proven=True))
    if under.variable:
        from stack.config.env_change import set_in_env

        set_in_env(settings.home, {under.variable: under.image})
    engine.remove(under.old)
    found = engine.observe(state.stack)
    there = {one.id: one for one in (*found.containers, *found.leftovers)}
    for one in there.values():
        if one.component == HELPER:
            engine.remove(one.id)
    if under.volume in found.volumes:
        engine.unstage(state.stack, under.helper, under.volume)
    _go_on(engine, under, there)
    others = {name: one for name, one in state.now.refused.items() if name != kind_of(under.component)}
    engine.untag(kept_name(under.component, under.stays_id))
    state.change(upgrading=None, refused=others)


def heeded(engine: Engine, refused: Mapping[str, Refused], images: Mapping[str, Image]) -> dict[str, Image]:
    """Images by component, with that of before in place of one that failed its upgrade, as long as it is there."""
    found = dict(images)
    for component, one in refused.items():
        image = found.get(component)
        if image and image.id == one.image_id and engine.image(one.stays_id) is not None:
            found[component] = Image(one.stays, one.stays_id)
    return found
