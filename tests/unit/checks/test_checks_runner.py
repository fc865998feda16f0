"""The runner: stages in order, deadlines, honest findings, nothing swallowed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import Broken, Evidence, Expected, Finding, Pending, Report, Stage
from stack.checks.runner import hurried, run, select
from stack.clients.http import HttpFailure
from stack.common.wait import NotYet
from stack.model.events import Progress

STACK = Expected("s", (("app", "http://a"), ("prometheus", "http://p")))


def check(
    run: Callable[[CheckContext], str | Evidence],
    stage: Stage = "checked",
    name: str = "c",
    component: str = "app",
) -> Check:
    """A check with a short deadline."""
    return Check(name, "something", component, stage, run, hint="look there", seconds=0.05, every=0.01)


def raising(error: Exception) -> Callable[[CheckContext], str]:
    def ask(context: CheckContext) -> str:
        raise error

    return ask


@pytest.mark.parametrize(
    ("ask", "status", "evidence", "hint"),
    [
        (lambda s: "seen", "ok", "seen", ""),
        (lambda s: "", "failed", "the check gave no evidence", "look there"),
        (raising(NotYet("two of three")), "failed", "two of three", "look there"),
        (raising(HttpFailure("GET x: refused")), "failed", "GET x: refused", "look there"),
        (raising(Broken("no", "mend it")), "failed", "no", "mend it"),
        (raising(Broken("no")), "failed", "no", "look there"),
        (raising(NotYet("no", "mend it")), "failed", "no", "mend it"),
        (raising(KeyError("x")), "failed", "the check itself failed: KeyError: 'x'", "look there"),
    ],
)
def test_every_outcome_is_a_finding(
    ask: Callable[[CheckContext], str], status: str, evidence: str, hint: str
) -> None:
    (finding,) = run([check(ask)], STACK).findings
    assert (finding.status, finding.evidence, finding.hint) == (status, evidence, hint)


def test_a_check_is_asked_again_until_it_holds() -> None:
    answers = iter([NotYet("a"), HttpFailure("b")])

    def ask(context: CheckContext) -> str:
        for error in answers:
            raise error
        return "third time"

    (finding,) = run([check(ask)], STACK).findings
    assert finding.evidence == "third time"


def test_a_waiting_check_tells_each_new_answer_once_and_its_end() -> None:
    answers = iter(
        [NotYet("one of two"), NotYet("one of two"), HttpFailure("GET x: refused"), NotYet("one of two")]
    )
    told: list[Progress] = []

    def ask(context: CheckContext) -> str:
        for error in answers:
            raise error
        return "two of two"

    assert run([replace(check(ask), seconds=5)], STACK, tell=told.append).ok
    assert [t.detail for t in told] == ["one of two", "GET x: refused", "one of two", ""]
    assert {(t.topic, t.passing) for t in told} == {("c", True)}


@pytest.mark.parametrize("ask", [lambda s: "seen", raising(Broken("no")), raising(KeyError("x"))])
def test_a_check_that_does_not_wait_only_ends(ask: Callable[[CheckContext], str]) -> None:
    told: list[Progress] = []
    run([check(ask)], STACK, tell=told.append)
    assert told == [Progress.over("c")]


def test_checks_of_a_stage_run_side_by_side() -> None:
    both = threading.Barrier(2, timeout=5)
    checks = [check(lambda s: f"met {both.wait() >= 0}", name=name) for name in ("a", "b")]
    assert run(checks, STACK).ok


def test_who_is_not_ready_is_not_asked_and_each_finding_is_heard() -> None:
    heard: list[Finding] = []
    checks = [check(lambda s: "x", stage, stage) for stage in ("proven", "checked", "ready")]
    report = run(checks, STACK, heard.append)
    assert heard[0].check == "ready" and {f.check for f in heard} == {"ready", "checked", "proven"}
    assert [f.check for f in report.findings] == ["proven", "checked", "ready"], "in the order of the table"


def test_a_component_that_never_got_ready_is_not_asked_further() -> None:
    asked: list[CheckContext] = []

    def ask(context: CheckContext) -> str:
        asked.append(context)
        return "asked"

    checks = [
        check(raising(NotYet("silent")), "ready", "app.ready"),
        check(ask, "checked", "app.more"),
        check(lambda s: "fine", "checked", "prometheus.more", "prometheus"),
    ]
    findings = {f.check: f for f in run(checks, STACK).findings}
    assert asked == []
    assert findings["app.more"].evidence == "not asked: app.ready failed"
    assert findings["app.more"].because == "app.ready"
    assert findings["prometheus.more"].status == "ok"


def test_what_depends_on_a_failed_check_is_folded_under_the_first_cause() -> None:
    checks = [
        replace(check(raising(NotYet("empty")), "proven", "panels"), after=("targets",)),
        replace(check(lambda s: "x", "proven", "variables"), after=("panels",)),
        check(raising(NotYet("down")), "checked", "targets"),
    ]
    report = run(checks, STACK)
    assert [(f.check, f.because) for f in report.findings] == [
        ("panels", "targets"),
        ("variables", "targets"),
        ("targets", ""),
    ]
    assert [f.check for f in report.causes] == ["targets"]
    assert report.findings[0].evidence == "not asked: targets failed"


def test_a_check_follows_only_what_is_asked_in_the_same_run() -> None:
    assert run([replace(check(lambda s: "x"), after=("somebody else",))], STACK).ok


def test_what_is_known_to_be_down_is_not_asked_and_is_the_cause() -> None:
    gone = Finding("app.container", "app", "ready", "failed", "it is gone", "start makes it anew")
    checks = [
        check(lambda s: "x", "ready", "app.ready"),
        check(raising(NotYet("app is down", about=("app",))), "checked", "targets", "prometheus"),
        check(raising(NotYet("app and x", about=("app", "x"))), "checked", "others", "prometheus"),
    ]
    heard: list[Finding] = []
    report = run(checks, STACK, heard.append, known=(gone,))
    assert heard[0] is gone and report.findings[0] is gone
    assert [(f.check, f.because) for f in report.findings[1:]] == [
        ("app.ready", "app.container"),
        ("targets", "app.container"),
        ("others", ""),
    ]


def test_what_comes_true_by_itself_is_given_its_whole_time_in_a_hurry() -> None:
    answers = iter([Pending("not scraped yet")] * 10)

    def ask(context: CheckContext) -> str:
        for error in answers:
            raise error
        return "scraped"

    slow = replace(check(ask), seconds=20)
    (finding,) = run(hurried([slow], {"checked": 0.01}), STACK).findings
    assert finding.evidence == "scraped"
    slow = replace(check(raising(NotYet("no"))), seconds=20)
    (finding,) = run(hurried([slow], {"checked": 0.01}), STACK).findings
    assert finding.evidence == "no" and finding.seconds < 5


def test_remarks_are_part_of_a_good_finding() -> None:
    report = run([check(lambda s: Evidence("seen", ("one panel is empty",)))], STACK)
    assert report.ok and report.warnings == ("one panel is empty",)


def test_a_stack_is_not_asked_for_what_it_lacks() -> None:
    assert run([check(lambda s: "x", component="grafana")], STACK).findings == ()
    assert not run([check(lambda s: "x", component="grafana")], STACK).ok


def test_a_report_without_findings_proves_nothing() -> None:
    assert not Report(()).ok


def test_a_finding_without_evidence_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="needs evidence"):
        Finding("c", "app", "ready", "ok", "")


def test_selection_by_stage_and_name() -> None:
    early, late = both = (check(lambda s: "x", "ready", "a"), check(lambda s: "x", "proven", "b"))
    assert select(both) == both
    assert select(both, ("proven",)) == (late,)
    assert select(both, ("proven",), ("a",)) == (early,)
