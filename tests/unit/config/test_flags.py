"""Flags that a user adds to a product: split as a shell does, refused where they would break a promise."""

from __future__ import annotations

import pytest

from stack.common.errors import SettingsError
from stack.components import assemble, load
from stack.config.flags import flags, with_features
from tests.unit.components.test_components import build

READ = flags({"log.format": "its log is read", "cluster.": "there is one of it"})


def test_words_are_split_as_a_shell_does() -> None:
    assert READ("") == ()
    assert READ("--query.timeout=1m  --web.page-title='a b' --no-x") == (
        "--query.timeout=1m",
        "--web.page-title=a b",
        "--no-x",
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("query.timeout=1m", "must be flags like --name or --name=value, got 'query.timeout=1m'"),
        ("--query.timeout 1m", "got '1m'"),
        ("-x", "got '-x'"),
        ("--a='", "cannot be split into words"),
        ("--log.format=json", "cannot have --log.format: its log is read"),
        ("--no-log.format", "cannot have --log.format"),
        ("--cluster.peer=x", "cannot have --cluster.peer: there is one of it"),
    ],
)
def test_what_cannot_be_given_is_told(text: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        READ(text)
    assert why in str(caught.value)


def test_a_name_that_only_begins_alike_is_another() -> None:
    assert READ("--log.format-x=1") == ("--log.format-x=1",)


def test_features_become_one_flag() -> None:
    assert with_features("a", ()) == ("--enable-feature=a",)
    assert with_features("a", ("--x", "--enable-feature=b")) == ("--enable-feature=a,b", "--x")


def test_they_reach_the_container_and_the_refusal_names_the_place() -> None:
    made = build(
        STACK_PROMETHEUS_EXTRA_ARGS="--query.timeout=1m", STACK_ALERTMANAGER_EXTRA_ARGS="--data.retention=1h"
    )
    spec = assemble(made)
    assert spec.service("prometheus").command[-1] == "--query.timeout=1m"
    assert "--data.retention=1h" in spec.service("alertmanager").command
    with pytest.raises(
        SettingsError,
        match=r"cannot have --web.enable-lifecycle: whoever.*STACK_PROMETHEUS_EXTRA_ARGS",
    ):
        load({}, environ={"STACK_PROMETHEUS_EXTRA_ARGS": "--web.enable-lifecycle"})
