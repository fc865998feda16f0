"""Our verdicts beside those of docker-bench-security 1.6.0 on the same containers, as it was recorded.

``record_docker_bench`` records anew. Where we say more than the script, it is a line of ``MORE`` here and of the table
in docs/security.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stack.deploy.hardening import judged
from stack.deploy.hardening_values import Host, Judged, Seen
from tests.unit.deploy.record_docker_bench import PREFIX, SAMPLES

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("docker_bench.json").read_text("utf-8"))
MORE = {("4.1", "rootgroup")}
"""User 0:0 is root; the script compares the whole word with 0."""
LESS = {("5.7", "hostpid")}
"""A container that shares the host's processes: the script counts the host's own sshd."""
WORDS = {"PASS": "pass", "WARN": "warn", "INFO": "info", "NOTE": "note"}
PER_IMAGE = "4.6"
UNNAMED = ("5.23", "5.24", "5.28")
"""Of which the script names no container."""


def ours() -> dict[str, list[Judged]]:
    seen = [Seen(one, (), RECORDED["images"][one["Image"]]) for one in RECORDED["containers"]]
    found: dict[str, list[Judged]] = {}
    for one in judged(seen, Host("inactive"), lambda rule, container: ""):
        found.setdefault(one.id, []).append(one)
    return found


def named(items: list[str]) -> set[str]:
    """The sample containers among what the script lists as ``name``, ``name:port`` or ``id:name``."""
    words = {part for item in items for part in item.split(":")}
    return {word.removeprefix(PREFIX) for word in words if word.startswith(PREFIX)}


def test_the_recording_has_every_id_and_every_sample() -> None:
    assert set(RECORDED["verdicts"]) == set(ours())
    assert {one["Name"].removeprefix(f"/{PREFIX}") for one in RECORDED["containers"]} == set(SAMPLES)


def test_the_verdict_on_every_id_is_the_script_s() -> None:
    worst = ("warn", "info", "note", "pass")
    mine = {rule: min((one.result for one in found), key=worst.index) for rule, found in ours().items()}
    theirs = {rule: WORDS[told["result"]] for rule, told in RECORDED["verdicts"].items()}
    assert {rule for rule in mine if mine[rule] != theirs[rule]} == {rule for rule, _ in LESS}


def test_the_containers_that_are_named_are_the_script_s() -> None:
    mine = {
        (rule, one.container.removeprefix(PREFIX))
        for rule, found in ours().items()
        for one in found
        if one.container and one.result != "pass" and rule not in (*UNNAMED, PER_IMAGE)
    }
    theirs = {(rule, name) for rule, told in RECORDED["verdicts"].items() for name in named(told["items"])}
    assert mine - theirs == MORE
    assert theirs - mine == LESS


def test_every_rule_that_can_be_judged_is_broken_by_a_sample_and_kept_by_another() -> None:
    told = RECORDED["verdicts"]
    by_rule = {rule: named(one["items"]) for rule, one in told.items()}
    judgeable = set(told) - {"4.5", "5.1", "5.2", "5.7", PER_IMAGE, *UNNAMED}
    assert {rule for rule in judgeable if not by_rule[rule]} == set()
    assert {rule for rule in judgeable if by_rule[rule] >= set(SAMPLES)} == set()
