"""From a description to a stack that runs it, with its milestones: what start, restart and reload share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from stack.cli.far import concerns_hosts
from stack.cli.left_out import tell_left_out
from stack.cli.milestones import Milestones
from stack.cli.session import Session
from stack.common.errors import Busy, StackError
from stack.components import BY_NAME
from stack.deploy.converge import carry_out, decide
from stack.deploy.describe import Description, secrets_of
from stack.deploy.left_out import refuse_faults
from stack.deploy.namesakes import refuse_namesakes
from stack.deploy.outer_networks import gone
from stack.deploy.reconcile import reconcile
from stack.deploy.volumes import examined
from stack.model.events import Event, StepDone
from stack.model.observed import Observed
from stack.model.plan import Plan, Verb
from stack.validation.files import validate as validate_files

if TYPE_CHECKING:
    from stack.cli.hosts import Along

T = TypeVar("T")
DAMAGED = "state     what was kept of stack {stack} on the engine is damaged: its secrets and switches are made anew"
VALIDATED = "validated.json"
VERDICTS_KEPT = 64


def start_stack(session: Session) -> int:
    """A stack that is as described takes no lock; one that is not there takes it beside the work of describing it."""
    observed = session.first_look(lambda: _prepared(session))
    if not observed.containers:
        with _lock_beside(session, lambda: described(session)) as description:
            return _bring_up_fresh(session, description)
    description = described(session)
    plan = reconcile(description.spec, observed)
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(examined, session.engine, description.spec, observed)
        unchanged = None if plan else _asked(session, description, observed, plan)
        observed = looking.result()
    plan = reconcile(description.spec, observed)
    open_end = session.state.now.unfinished or session.state.lacks(_told(session, description))
    if plan or unchanged is None or open_end:
        with session.lock():
            return _bring_up_fresh(session, description)
    if observed.locked:
        with suppress(Busy), session.lock():  # that of a killed command goes, that of a live one stays
            pass
    validated(session, description)
    return _apply(session, description, observed, plan, unchanged).finish()


@contextmanager
def _lock_beside(session: Session, work: Callable[[], T]) -> Iterator[T]:
    """The lock, taken while ``work`` is done, whose result the block gets."""
    with ExitStack() as held, ThreadPoolExecutor(1) as pool:
        taking = pool.submit(held.enter_context, session.lock())
        try:
            result = work()
        finally:
            taking.result()
        yield result


def _asked(session: Session, description: Description, observed: Observed, plan: Plan) -> Milestones:
    """Asks the products of a stack whose containers themselves need no step."""
    milestones = Milestones(session, description, observed, plan)
    milestones.ask()
    return milestones


def _prepared(session: Session) -> None:
    """What needs no state and takes about as long as the engine needs for it: images, files, modules that verify."""
    there = session.look_at_images()
    from stack.deploy.verify import read_ahead

    read_ahead(there)


def described(session: Session) -> Description:
    """By the settings, with all images; says where they came from, and which stay as they are."""
    description = session.described(provide=True)
    session.printer.line("images", session.images.summary)
    remembered = session.state.now
    if session.state.damaged:
        session.printer.warning(DAMAGED.format(stack=session.name))
    for component, one in remembered.refused.items():
        image = description.build.images.get(component)
        if image is not None and image.id == one.stays_id:
            why = f"its upgrade to {one.image} was undone; monitoring-stack upgrade tries again"
            session.printer.line("image", f"{component} stays {one.stays}: {why}")
    return description


def _bring_up_fresh(session: Session, description: Description) -> int:
    """Under the lock: described anew where another command has written the state meanwhile."""
    from stack.deploy.room import refuse_full_disk

    current = session.described_anew() if session.state.refresh() else description
    refuse_full_disk(session.engine, current.settings)
    return bring_up(session, current).finish()


def bring_up(session: Session, description: Description, *, thorough: bool = False) -> Milestones:
    """Validates, decides, applies, and waits until every component answers; ``thorough``: see ``decide``."""
    validated(session, description)
    found, plan = decide(description.spec, session.engine, thorough=thorough)
    return _apply(session, description, found, plan)


def _apply(
    session: Session,
    description: Description,
    observed: Observed,
    plan: Plan,
    begun: Milestones | None = None,
) -> Milestones:
    """Carries the plan out; ``begun``: the milestones of an unchanged stack that has been asked already."""
    milestones = begun or Milestones(session, description, observed, plan)
    hosts = _further_hosts(session, description)
    try:
        _carry_out(session, description, observed, plan, milestones)
    except StackError:
        if hosts is not None:
            hosts.wait()
        raise
    if hosts is not None and (settled := hosts.settle()):
        milestones.told["hosts"] = settled
    return milestones


def _carry_out(
    session: Session,
    description: Description,
    observed: Observed,
    plan: Plan,
    milestones: Milestones,
) -> None:
    for sentence in gone(description.spec, observed):
        session.printer.warning(sentence)

    def emit(event: Event) -> None:
        session.printer.event(event)
        if isinstance(event, StepDone):
            milestones.note(event)

    with ThreadPoolExecutor(1) as pool:  # beside the steps that no process sees yet
        remembered = pool.submit(remember, session, description, plan)

        def guard() -> None:
            session.still_ours()
            remembered.result()

        if plan:
            from stack.deploy.actions import Actions

            actions = Actions(
                session.engine,
                description.spec,
                verify=milestones.settle,
                reload_api=milestones.reload,
                versions=session.state,
                guard=guard,
            )
            carry_out(observed, plan, actions, emit)
        remembered.result()
    milestones.ready()
    joined = any(step.verb is Verb.JOIN for step in plan.steps)
    refuse_namesakes(description.spec, session.engine.observe(session.name) if joined else observed)


def _further_hosts(session: Session, description: Description) -> Along | None:
    """Begins the work on further hosts; None where there are none, so that most commands pay nothing."""
    if not concerns_hosts(session):
        return None
    from stack.cli.hosts import Along

    return Along(session, description)


def _told(session: Session, description: Description) -> dict[str, Any]:
    """What the next command must know even if this one is killed."""
    told: dict[str, Any] = {
        "secrets": session.state.with_secrets(secrets_of(description.settings)),
        "started": description.spec.components,
    }
    if session.options.command == "start":
        told |= {"switches": session.switches}
    if concerns_hosts(session):
        from stack.deploy.hosts import with_known

        told["hosts"] = with_known(session.state.now.hosts, session.native.tree)
    return told


def remember(session: Session, description: Description, plan: Plan) -> None:
    """Written before any process is touched; with a step ahead, nothing is proven any more.

    A version of files is noted before it is written, so that one that is refused is removed some day too.
    """
    for step in plan.steps:
        if step.verb is Verb.WRITE:
            session.state.written(step.target, description.spec.service(step.component).files_digest())
    session.state.change(**_told(session, description), **({"proven": None} if plan else {}))


def validated(session: Session, description: Description) -> None:
    """All files are checked, as far as they are not known to be good; says which are not used."""
    known = session.cache.read(VALIDATED)
    before = known if isinstance(known, list) else []
    refuse_faults(description.left_out)
    good = validate_files(
        description.spec, session.engine, BY_NAME, set(before).__contains__, description.idle
    )
    if not set(good) <= set(before):
        session.cache.record(VALIDATED, [*before, *(g for g in good if g not in before)][-VERDICTS_KEPT:])
    tell_left_out(session.printer, description.left_out)
