"""Runs checks: each once those it follows from have succeeded, to its own deadline, every outcome a finding.

What depends on a failed check is not asked: its finding names the one that it follows from, so that the first cause
stands alone. An error that nobody foresaw is a failed finding too, never a crash and never silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from stack.checks.check import Check
from stack.checks.context import CheckContext, Execute, Near, ReadLog
from stack.checks.model import STAGES, Broken, Evidence, Expected, Finding, Pending, Report, Stage, Status
from stack.clients.http import Http, HttpFailure
from stack.common.errors import StackError
from stack.common.printable import printable
from stack.common.wait import CLOCK, Clock, NotYet, TimedOut, until
from stack.model.events import Progress

OnFinding = Callable[[Finding], None]
Tell = Callable[[Progress], None]
"""Hears of a check that waits, with the last answer, each time that the answer is another one; and of its end."""


RETRIED = (NotYet, HttpFailure, StackError)
"""Answers that may be others a moment later."""


def unheard(_: object) -> None:
    """A listener that does not care."""


def run(
    checks: Sequence[Check],
    expected: Expected,
    on_finding: OnFinding = unheard,
    *,
    known: Sequence[Finding] = (),
    run_in: Execute | None = None,
    read_log: ReadLog | None = None,
    doors: Mapping[str, Http] = MappingProxyType({}),
    near: Near | None = None,
    tell: Tell = unheard,
    clock: Clock = CLOCK,
) -> Report:
    """All checks that concern the stack; ``on_finding`` hears of each as it comes.

    ``known``: what was found by other means, part of the report. Checks that run a command in a container are left out
    without ``run_in``. ``doors``: see ``CheckContext``.
    """
    began = clock.now()
    due = [c.suited(expected) for c in checks if c.concerns(expected) and (run_in or not c.by_engine)]
    asking = _Asking(CheckContext(expected, run_in, read_log=read_log, doors=doors, near=near), tell, clock)
    books = _Books(due, known)
    for finding in known:
        on_finding(finding)
    with ThreadPoolExecutor(max(1, len(due)), thread_name_prefix="check") as pool:
        running: set[Future[Finding]] = set()
        try:
            while books.waiting or running:
                for lost in books.lost():
                    on_finding(lost)
                running |= {pool.submit(asking.one, check) for check in books.ready()}
                if not running:
                    continue
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    on_finding(books.note(future.result()))
        except (KeyboardInterrupt, GeneratorExit):
            clock.called_off.set()
            raise
    return Report(books.in_order(), clock.now() - began)


def select(
    checks: Iterable[Check], stages: Iterable[Stage] = STAGES, names: Iterable[str] = ()
) -> tuple[Check, ...]:
    """The checks of ``stages``, or only those in ``names`` if any are named."""
    wanted_stages, wanted = set(stages), set(names)
    return tuple(c for c in checks if (c.name in wanted if wanted else c.stage in wanted_stages))


def hurried(checks: Iterable[Check], at_most: Mapping[str, float]) -> tuple[Check, ...]:
    """The same checks, those of a stage in ``at_most`` with so many seconds where they have more.

    What becomes true by itself is given its own time all the same.
    """
    return tuple(
        replace(c, seconds=min(c.seconds, at_most.get(c.stage, c.seconds)), pending=c.seconds) for c in checks
    )


class _Books:
    """What is waiting for what, and what was found."""

    def __init__(self, due: Sequence[Check], known: Sequence[Finding]) -> None:
        self.known, self.order = tuple(known), [c.name for c in due]
        self.waiting = {c.name: c for c in due}
        self.found = {f.check: f for f in known}
        self.down = {f.component: f for f in known if f.status == "failed" and f.stage == "ready"}
        there = {*self.found, *self.order}
        self.first = {
            c.name: (*there.intersection(c.after), *(o.name for o in due if _opens(o, c))) for c in due
        }

    def ready(self) -> list[Check]:
        """Checks that may be asked now."""
        chosen = [c for c in self.waiting.values() if all(name in self.found for name in self.first[c.name])]
        for check in chosen:
            del self.waiting[check.name]
        return chosen

    def lost(self) -> list[Finding]:
        """What cannot be asked, since what it follows from has failed; noted already."""
        given_up: list[Finding] = []
        while (doomed := next(self._doomed(), None)) is not None:
            check, cause = doomed
            del self.waiting[check.name]
            evidence = f"not asked: {cause.check} failed"
            given_up.append(self.note(_finding(check, "failed", evidence, because=_root(cause))))
        return given_up

    def _doomed(self) -> Iterator[tuple[Check, Finding]]:
        for check in self.waiting.values():
            if (cause := self._cause(check)) is not None:
                yield check, cause

    def _cause(self, check: Check) -> Finding | None:
        asked = (check.component, *check.needs)
        downs = [self.down[component] for component in asked if component in self.down]
        before = [self.found[name] for name in self.first[check.name] if name in self.found]
        return next((f for f in (*downs, *before) if f.status == "failed"), None)

    def note(self, finding: Finding) -> Finding:
        """Keeps a finding, with its cause where only components are at fault that are known to be down."""
        kept = self._folded(finding)
        self.found[kept.check] = kept
        if kept.status == "failed" and kept.stage == "ready":
            self.down.setdefault(kept.component, kept)
        return kept

    def _folded(self, finding: Finding) -> Finding:
        if finding.status == "ok" or finding.because or not finding.about:
            return finding
        causes = [self.down[component] for component in finding.about if component in self.down]
        return replace(finding, because=_root(causes[0])) if len(causes) == len(finding.about) else finding

    def in_order(self) -> tuple[Finding, ...]:
        """All findings: what was known, then the checks in the order in which they were given."""
        found = (self._folded(self.found[name]) for name in self.order if name in self.found)
        return (*self.known, *found)


def _opens(first: Check, check: Check) -> bool:
    """Whether ``first`` asks if somebody is ready whom ``check`` asks or needs."""
    return first.stage == "ready" != check.stage and first.component in (check.component, *check.needs)


def _root(cause: Finding) -> str:
    return cause.because or cause.check


class _Asking(Struct, frozen=True):
    """How one check is asked."""

    context: CheckContext
    tell: Tell
    clock: Clock

    def one(self, check: Check) -> Finding:
        began = self.clock.now()
        result = self._outcome(check)
        self.tell(Progress.over(check.name))
        return replace(result, seconds=self.clock.now() - began)

    def _outcome(self, check: Check) -> Finding:
        fail = partial(_finding, check, "failed")
        try:
            seen = until(
                self._retold(check),
                seconds=max(check.seconds, check.pending),
                every=check.every,
                retry=RETRIED,
                clock=self.clock,
            )
        except TimedOut as failure:
            last = failure.__cause__
            if isinstance(last, StackError):  # a command in a container: its engine says why
                return fail(last.message, hint=last.hint or check.hint)
            hint, about = (last.hint, last.about) if isinstance(last, NotYet) else ("", ())
            return fail(failure.last, hint=hint or check.hint, about=about)
        except Broken as failure:
            return fail(str(failure), hint=failure.hint or check.hint, about=failure.about, final=True)
        except Exception as failure:  # a fault of the check itself must not end the others
            return fail(f"the check itself failed: {type(failure).__name__}: {failure}", hint=check.hint)
        found = seen if isinstance(seen, Evidence) else Evidence(seen)
        if not found.text:
            return fail("", hint=check.hint)
        return _finding(check, "ok", found.text, warnings=found.warnings)

    def _retold(self, check: Check) -> Callable[[], str | Evidence]:
        """The question; an answer that is not the awaited one is told before it is asked again."""
        last = ""
        deadline = self.clock.now() + check.seconds

        def ask() -> str | Evidence:
            nonlocal last
            try:
                return check.run(self.context)
            except RETRIED as failure:
                if (answer := str(failure)) != last:
                    self.tell(Progress(check.name, answer, passing=True))
                    last = answer
                if not isinstance(failure, Pending) and self.clock.now() > deadline:
                    raise TimedOut(answer, check.seconds) from failure
                raise

        return ask


def _finding(
    check: Check,
    status: Status,
    evidence: str,
    *,
    hint: str = "",
    because: str = "",
    about: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
    final: bool = False,
) -> Finding:
    return Finding(
        check.name,
        check.component,
        check.stage,
        status,
        printable(evidence) or "the check gave no evidence",
        hint,
        final=final,
        because=because,
        about=about,
        warnings=warnings,
    )
