"""Volumes of an earlier version come back and are upgraded; an image that is not ready is undone with its data.

Then backup, restore and upgrade are killed, each a quarter as often as ``STACK_KILLS`` says.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from stack.archives.reading import open_archive
from stack.common.wait import NotYet, until
from stack.engine.docker import connect
from stack.images.local import context
from tests.e2e.conftest import Make
from tests.e2e.stack_command import Stack

pytestmark = pytest.mark.e2e
NAME, BASE = "e2e-upgrade", 29450
KILLS = max(1, int(os.environ.get("STACK_KILLS", "8")) // 4)
EARLIER = Path(__file__).parent / "volumes-0.2.backup.tar"
"""What ``backup`` made of a stack of version 0.2 without Grafana, one silence and one packet in it."""
DATA = {"prometheus": "/prometheus", "alertmanager": "/alertmanager", "app": "/data"}
SPOIL = "echo level=error it cannot be >&2; rm -rf /prometheus/wal; echo 9 >/prometheus/form; exit 3"
"""A Prometheus that makes the data its own and never becomes ready."""
SPOILING = f"""
USER 0
RUN echo '#!/bin/sh' >/tmp/p && echo '{SPOIL}' >>/tmp/p && rm /bin/prometheus && cat /tmp/p >/bin/prometheus
RUN /bin/busybox chmod 755 /bin/prometheus
"""
NEXT, OTHER, BROKEN = (f"e2e/prometheus:v9.{minor}" for minor in range(3))
START = ("start", "--no-smoke")
RESTORE = ("restore", str(EARLIER), "--yes", "--no-start", "--without-secrets", "--files", "keep")
MARK = "mark"
BEGINNING = 0.5
"""Seconds of a command before it begins to count."""


@dataclass
class Story:
    """The stack, its Prometheus of before, and what the earlier version left in it."""

    stack: Stack
    seconds: float = 0.0
    kept: list[str] = field(default_factory=list)

    def image(self) -> str:
        return str(self.stack.inspect()["prometheus"]["Config"]["Image"])

    def told(self) -> list[str]:
        """What is not there of what the earlier version had; nothing where all is."""
        kept, lost = open_archive(EARLIER).manifest.kept, []
        if not self.stack.query(f"max(timestamp(up @ {kept.sample:.3f}))"):
            lost.append("the newest sample")
        url = f"{self.stack.url('alertmanager')}/api/v2/silences"
        if {one["id"] for one in requests.get(url, timeout=10).json()} != set(kept.silences):
            lost.append("the silence")
        url = f"{self.stack.url('app')}/memory/project_history/search"
        if not requests.get(url, params={"query": "quokka"}, timeout=10).json()["packets"]:
            lost.append("the packet")
        return lost

    def moments(self) -> list[float]:
        """A random moment in each of equal parts of a command's time, the same ones every time."""
        chance = random.Random(12)
        return [(self.seconds + BEGINNING) * (part + chance.random()) / KILLS for part in range(KILLS)]

    def whole(self) -> None:
        """Nothing tells of an upgrade any more, and the data is there."""
        stack = self.stack
        assert sorted(stack.left()) == self.kept
        assert {d["State"]["Status"] for d in stack.inspect().values()} == {"running"}
        assert stack.in_folders(DATA, "ls -d .stack-* form 2>/dev/null") == {""}

        def all_there() -> None:
            if lost := [*self.told(), *stack.ok("plan", "--json").json()["plan"]]:
                raise NotYet(str(lost))

        until(all_there, seconds=60, retry=(NotYet, requests.RequestException))


@pytest.fixture(scope="module")
def story(make_stack: Make, image_of: Callable[[str], str]) -> Iterator[Story]:
    """The volumes of the earlier version under the images of today."""
    stack = make_stack(NAME, BASE, STACK_GRAFANA="off")
    official = image_of("prometheus")
    engine = connect()
    for image, end in ((NEXT, ""), (OTHER, "LABEL of=other\n"), (BROKEN, SPOILING)):
        label = {"monitoring-stack.version": image.rpartition(":v")[2]}
        engine.build_image(context({"Dockerfile": f"FROM {official}\n{end}".encode()}), image, label, print)
    stack.ok("restore", str(EARLIER), "--no-start", "--without-secrets", "--files", "keep")
    stack.ok("start", "--quick")
    yield Story(stack, kept=sorted(stack.left()))
    stack.away()
    for image in (NEXT, OTHER, BROKEN):
        engine.untag(image)


def test_the_volumes_of_an_earlier_version_are_upgraded_with_all_that_is_in_them(story: Story) -> None:
    stack = story.stack
    story.whole()
    before = stack.starts()
    shown = stack.ok("upgrade", "--to", f"prometheus={NEXT}", "--dry-run").out
    assert NEXT in shown and stack.starts() == before
    said = stack.ok("upgrade", "--to", f"prometheus={NEXT}", "--json").json()
    story.seconds = said["seconds"]
    (done,) = said["upgraded"]
    assert done["after"]["version"] == "9.0" and 0 < done["gap_seconds"] < story.seconds
    after = stack.starts()
    assert {name for name in after if after[name] != before[name]} == {"prometheus"}
    assert story.image() == NEXT and (stack.home / ".env").read_text() == f"STACK_PROMETHEUS_IMAGE={NEXT}\n"
    story.whole()
    open_archive(Path(said["file"])).verify()
    print(f"\nupgrade of Prometheus: {story.seconds:.1f} s, {done['gap_seconds']:.1f} s without it")


def test_an_image_that_never_becomes_ready_is_undone_and_nothing_but_the_gap_is_lost(story: Story) -> None:
    stack = story.stack
    before = stack.starts()["prometheus"][0]
    before_it = until(lambda: samples(stack), seconds=20)
    ran = stack("upgrade", "--to", f"prometheus={BROKEN}", "--no-backup")
    assert ran.code == 5 and f"prometheus: {BROKEN} was not taken" in ran.err, ran.err
    assert f"{NEXT} runs again with its data; only what came from" in ran.err
    assert stack.starts()["prometheus"][0] == before and story.image() == NEXT
    assert BROKEN not in (stack.home / ".env").read_text()
    story.whole()
    until(lambda: samples(stack, at_least=before_it), seconds=20)


def samples(stack: Stack, at_least: float = 1.0) -> float:
    """How many samples of an hour there are."""
    found = sum(stack.query("count_over_time(up[1h])"))
    if found < at_least:
        raise NotYet(f"{found} samples of {at_least}")
    return found


def test_killed_anywhere_the_next_start_ends_an_upgrade(story: Story) -> None:
    stack = story.stack
    for moment in story.moments():
        was = story.image()
        image = OTHER if was == NEXT else NEXT
        killed = stack.kill_after(moment, "upgrade", "--to", f"prometheus={image}", "--no-backup")
        stack.ok(*START)
        assert story.image() in ((was, image) if killed else (image,)), (moment, killed)
        assert (stack.home / ".env").read_text() == f"STACK_PROMETHEUS_IMAGE={story.image()}\n", moment
        story.whole()


def test_a_killed_backup_leaves_neither_file_nor_helper_and_harms_nothing(
    story: Story, tmp_path: Path
) -> None:
    stack, target = story.stack, tmp_path / "killed" / "k.backup.tar"
    before = stack.starts()["prometheus"]
    story.seconds = stack.ok("backup", "-o", str(target), "--json").json()["seconds"]
    for moment in story.moments():
        target.unlink(missing_ok=True)
        stack.kill_after(moment, "backup", "-o", str(target))
        if target.exists():
            open_archive(target).verify()
    stack.ok("backup", "-o", str(target), "-q")
    assert [one.name for one in target.parent.iterdir()] == [target.name]
    assert stack.starts()["prometheus"] == before and sorted(stack.left()) == story.kept
    assert stack.in_folders(DATA, "ls -d .stack-* 2>/dev/null") == {""}


def test_killed_anywhere_a_restore_leaves_the_old_state_or_the_new_one(story: Story) -> None:
    stack = story.stack
    for moment in story.moments():
        assert stack.in_folders(DATA, f"touch {MARK}; ls {MARK}") == {MARK}
        stack.ok("stop")
        killed = stack.kill_after(moment, *RESTORE)
        stack.ok(*START)
        found = stack.in_folders(DATA, f"ls {MARK} 2>/dev/null; ls -d .stack-* 2>/dev/null")
        assert found in (({""}, {MARK}) if killed else ({""},)), (moment, killed)
        assert sorted(stack.left()) == story.kept, moment
