"""What goes on, as rows: which event begins, changes and ends one, and how much of it is done."""

from __future__ import annotations

import pytest

from stack.cli.activity import Activity, Row
from stack.cli.amounts import Amount
from stack.model.events import Event, Milestone, Progress, StepBegun, StepDone


def rows(*events: Event) -> tuple[Row, ...]:
    activity = Activity(now=lambda: 5.0)
    for event in events:
        activity.hear(event)
    return activity.rows()


def test_a_step_is_a_row_while_it_runs() -> None:
    begun = StepBegun("start", "demo-app")
    assert rows(begun) == (Row("demo-app", "start", 0.0),)
    assert rows(begun, StepDone("start", "demo-app", "failed")) == ()
    assert len(rows(begun, StepDone("start", "demo-grafana", "done"))) == 1


def test_what_a_component_answers_belongs_to_the_step_that_asks() -> None:
    told = rows(StepBegun("verify", "demo-grafana"), Progress("grafana", "/api/health says database\nlocked"))
    assert told == (Row("demo-grafana", "verify: /api/health says database locked", 0.0),)
    other = rows(StepBegun("verify", "demo-grafana"), Progress("app", "no answer"))
    assert [row.topic for row in other] == ["demo-grafana", "app"]


def test_the_last_answer_is_shown_until_it_is_over() -> None:
    asked = (Progress("app.counter", "0"), Progress("app.counter", "1"), Progress("path.watchdog", "not yet"))
    assert [(r.topic, r.detail) for r in rows(*asked)] == [
        ("app.counter", "1"),
        ("path.watchdog", "not yet"),
    ]
    assert [r.topic for r in rows(*asked, Progress.over("app.counter"))] == ["path.watchdog"]
    assert rows(Progress.over("app.counter")) == ()


def test_a_milestone_ends_all_before_it() -> None:
    assert (
        rows(StepBegun("verify", "demo-app"), Progress("grafana", "x"), Milestone("ready", "all", 1.0)) == ()
    )


def test_seconds_count_from_the_beginning() -> None:
    moments = iter([1.0, 2.5])
    activity = Activity(now=lambda: next(moments))
    activity.hear(Progress("grafana", "pulling"))
    activity.hear(Progress("grafana", "still pulling"))
    assert activity.rows()[0].seconds == 1.5


@pytest.mark.parametrize("text", ["\x1b[2Jgone", "a\rb", "a\tb\x07", "\u202eevil"])
def test_an_answer_moves_no_cursor(text: str) -> None:
    (row,) = rows(Progress("app", text))
    assert row.detail.isprintable()


PULL = (
    "12.4.2 Pulling from grafana/grafana",
    "aaa Pulling fs layer",
    "bbb Pulling fs layer",
    "aaa Downloading [=>      ]  5MB/20MB",
    "bbb Downloading [==>     ]  1.5MB/30MB",
    "aaa Verifying Checksum",
    "aaa Download complete",
    "aaa Extracting [=>    ]  1MB/20MB",
    "bbb Downloading [====>  ]  30MB/30MB",
    "bbb Pull complete",
)


def test_layers_of_a_pull_add_up() -> None:
    amount = Amount()
    said = [(amount.hear(line), amount.share) for line in PULL]
    assert said[:3] == [(line, None) for line in PULL[:3]]
    assert said[3] == ("5.0 of 20.0 MB", 0.25)
    assert said[4] == ("6.5 of 50.0 MB", 0.13)
    assert said[5][1] == 0.13
    assert said[6] == said[7] == ("21.5 of 50.0 MB", 0.43)
    assert said[8] == said[9] == ("50.0 of 50.0 MB", 1.0)


@pytest.mark.parametrize(
    ("line", "share"),
    [
        ("aaa Downloading 512kB", None),
        ("aaa Downloading [>] 500kB/2MB", 0.25),
        ("aaa Downloading [>] 1GB/4GB", 0.25),
    ],
)
def test_sizes_come_in_several_units(line: str, share: float | None) -> None:
    amount = Amount()
    amount.hear(line)
    assert amount.share == share


def test_steps_of_a_build_are_counted() -> None:
    amount = Amount()
    assert (amount.hear("Step 1/4 : FROM base"), amount.share) == ("FROM base", 0.0)
    for line in (" ---> Running in 123", "---> 45ab", "Removing intermediate container 123"):
        assert (amount.hear(line), amount.share) == ("FROM base", 0.0)
    assert amount.hear("what a RUN has printed") == "what a RUN has printed"
    assert (amount.hear("Step 3/4 : COPY stack /app/stack"), amount.share) == ("COPY stack /app/stack", 0.5)


def test_other_lines_say_nothing_of_an_amount() -> None:
    amount = Amount()
    assert [amount.hear(line) for line in ("fetching packages", "packing")] == [
        "fetching packages",
        "packing",
    ]
    assert amount.share is None
