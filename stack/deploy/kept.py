"""What the products of a stack show of their data: asked when it is backed up, and again once it is restored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec import Struct

from stack.archives.manifest import Kept
from stack.checks.context import CheckContext
from stack.checks.model import Broken
from stack.clients.alertmanager import SHOWN_ID
from stack.clients.http import HttpFailure
from stack.common.moments import stamp

T = TypeVar("T")
NEAR = 0.001
"""Seconds by which two writings of one moment may differ."""


class Lost(Struct, frozen=True):
    """``found``: sentences on what is there again; ``lost`` on what is not.

    ``unasked`` on what could not be asked, ``absent`` on what nobody can be asked for since it does not run.
    """

    found: tuple[str, ...]
    lost: tuple[str, ...]
    unasked: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def kept_in(context: CheckContext, unasked: Callable[[str], None]) -> Kept:
    """What the products show now; ``unasked`` hears of those that do not answer."""

    def ask(component: str, question: Callable[[], T], otherwise: T) -> T:
        if not context.expected.has(component):
            return otherwise
        try:
            return question()
        except (HttpFailure, Broken) as failure:
            unasked(f"{component} was not asked what it keeps: {failure}")
            return otherwise

    return Kept(
        ask("prometheus", lambda: _newest(context, "up"), 0.0),
        ask("alertmanager", lambda: _silences(context), ()),
        ask("grafana", lambda: _by_hand(context), ()),
        ask("app", lambda: max(_received(context), default=0.0), 0.0),
    )


def compare(context: CheckContext, kept: Kept) -> Lost:
    """What of it the products show again."""
    told: dict[bool, list[str]] = {True: [], False: []}
    unasked, absent = [], []
    for component, what, question in _questions(context, kept):
        if not context.expected.has(component):
            absent.append(f"{component} does not run: {what} was not asked for")
            continue
        try:
            told[question()].append(f"{component}: {what}")
        except (HttpFailure, Broken) as failure:
            unasked.append(f"{component} was not asked for {what}: {failure}")
    return Lost(tuple(told[True]), tuple(told[False]), tuple(unasked), tuple(absent))


def _questions(context: CheckContext, kept: Kept) -> Iterator[tuple[str, str, Callable[[], bool]]]:
    """Component, what it had, and whether it has it."""
    if kept.sample:
        yield (
            "prometheus",
            f"the newest sample, of {stamp(kept.sample)}",
            lambda: abs(_newest(context, f"up @ {kept.sample:.3f}") - kept.sample) < NEAR,
        )
    if kept.silences:
        yield (
            "alertmanager",
            _counted(kept.silences, "silence"),
            lambda: set(kept.silences) <= set(_silences(context)),
        )
    if kept.dashboards:
        yield (
            "grafana",
            _counted(kept.dashboards, "dashboard made by hand", "dashboards made by hand"),
            lambda: set(kept.dashboards) <= set(context.administrator().dashboard_uids()),
        )
    if kept.packet:
        yield (
            "app",
            f"the newest alert among its packets, of {stamp(kept.packet)}",
            lambda: any(abs(one - kept.packet) < NEAR for one in _received(context)),
        )


def _counted(ids: tuple[str, ...], one: str, several: str = "") -> str:
    shown = ", ".join(name[:SHOWN_ID] for name in ids[:3])
    return f"{len(ids)} {one if len(ids) == 1 else several or f'{one}s'} ({shown})"


def _newest(context: CheckContext, selector: str) -> float:
    return max((one.value for one in context.prometheus.query(f"max(timestamp({selector}))")), default=0.0)


def _silences(context: CheckContext) -> tuple[str, ...]:
    return tuple(sorted(one.id for one in context.alertmanager.silences()))


def _by_hand(context: CheckContext) -> tuple[str, ...]:
    grafana = context.administrator()
    return tuple(uid for uid in sorted(grafana.dashboard_uids()) if not grafana.dashboard(uid).provisioned)


def _received(context: CheckContext) -> tuple[float, ...]:
    return tuple(one.received for one in context.app.alerts())
