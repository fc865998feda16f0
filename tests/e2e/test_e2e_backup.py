"""A running stack in one file and back: destroyed with all its data, restored under another name, damaged, mended."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from stack.common.wait import NotYet, until
from tests.e2e.conftest import Make
from tests.e2e.stack_command import Stack

pytestmark = pytest.mark.e2e
NAME, OTHER, BASE = "e2e-backup", "e2e-restored", 29300
DATA = {
    "prometheus": "/prometheus",
    "alertmanager": "/alertmanager",
    "app": "/data",
    "grafana": "/var/lib/grafana",
}
SEARCH = "/memory/project_history/search"
BLOCK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


class Story:
    """One stack, what was in it, and its archive."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        self.other = replace(stack, name=OTHER)
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text("correct horse\n")
        self.file = folder / "a.backup.tar"
        self.made: dict[str, Any] = {}

    @property
    def key(self) -> tuple[str, str]:
        return ("--passphrase-file", str(self.passphrase))

    def grafana(self, stack: Stack, method: str, path: str, **told: Any) -> Any:
        auth = ("admin", stack.secrets()["grafana_admin_password"])
        answer = requests.request(method, stack.url("grafana") + path, auth=auth, timeout=10, **told)
        assert answer.ok, answer.text
        return answer.json()

    def write(self) -> None:
        """A silence, a dashboard made by hand, a packet, a file of the user's own and a secret in one."""
        stack = self.stack
        said = stack.ok(
            "silence", "add", "alertname=Nothing", "--comment", "kept", "--for", "1d", "--json"
        ).json()
        self.made["silence"] = said["id"]
        board = {"dashboard": {"uid": "by-hand", "title": "By hand", "panels": []}, "overwrite": False}
        self.grafana(stack, "POST", "/api/dashboards/db", json=board)
        packet = {"payload": {"text": "quokka"}, "ttl_seconds": 86400}
        written = requests.post(f"{stack.url('app')}/memory/project_history", json=packet, timeout=10)
        self.made["packet"] = written.json()["packet_id"]
        self.made["secrets"] = stack.secrets()


@pytest.fixture(scope="module")
def story(make_stack: Make, grafana_image: str, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A stack with things that only its data has."""
    stack = make_stack(NAME, BASE, STACK_GRAFANA="required", STACK_GRAFANA_IMAGE=grafana_image)
    made = Story(stack, tmp_path_factory.mktemp("backups"))
    stack.ok("start", "--quick")
    made.write()
    until(lambda: lives(stack), seconds=60)
    return made


def lives(stack: Stack) -> None:
    """Samples and a notification are there."""
    received = requests.get(f"{stack.url('app')}/alerts", timeout=10).json()["alerts"]
    if not stack.query("up") or not received:
        raise NotYet("nothing was scraped, or told")


def test_a_running_stack_is_backed_up_undisturbed(story: Story) -> None:
    stack = story.stack
    before = stack.starts()
    began = time.monotonic()
    said = stack.ok("backup", "-o", str(story.file), *story.key, "--json").json()
    seconds = time.monotonic() - began
    after = stack.starts()
    assert {name for name in before if before[name] != after[name]} == {"alertmanager"}
    assert set(DATA) == {one["component"] for one in said["members"] if one["component"]}
    kept = said["kept"]
    assert kept["silences"] == [story.made["silence"]] and kept["dashboards"] == ["by-hand"]
    assert kept["sample"] > time.time() - 60 and kept["packet"]
    story.made["sample"] = kept["sample"]
    assert stack.in_folders(DATA, "ls -d .stack-* 2>/dev/null") == {""}
    copied, taken = docker_cp(stack)
    size = story.file.stat().st_size
    print(
        f"\nbackup {size / 1e6:.1f} MB in {seconds:.1f} s; docker cp {copied / 1e6:.1f} MB in {taken:.1f} s: "
        f"ratios {size / copied:.2f} and {seconds / taken:.2f}"
    )
    assert size < copied
    stack.ok("backup", "verify", str(story.file))
    data = {one["component"]: one for one in stack("status", "--json").json()["data"]}
    assert set(data) == set(DATA) and data["prometheus"]["bound_bytes"] == 2 << 30
    assert all(one["bytes"] > 0 and one["free_bytes"] > 0 for one in data.values())


def docker_cp(stack: Stack) -> tuple[int, float]:
    """Bytes and seconds of copying the same volumes with ``docker cp``."""
    began, size = time.monotonic(), 0
    for component, folder in DATA.items():
        ran = subprocess.run(
            ["docker", "cp", f"{stack.name}-{component}:{folder}/.", "-"],
            capture_output=True,
            check=True,
            timeout=60,
        )
        size += len(ran.stdout)
    return size, time.monotonic() - began


def test_destroyed_with_all_data_it_comes_back_under_another_name(story: Story) -> None:
    story.stack.away()
    other = story.other
    said = other.ok("restore", str(story.file), *story.key, "--json").json()
    assert said["ok"] and len(said["there"]) == 4 and said["lost"] == said["unasked"] == []
    assert other.secrets() == story.made["secrets"]
    newest = other.query(f"max(timestamp(up @ {story.made['sample']:.3f}))")
    assert newest == [pytest.approx(story.made["sample"], abs=0.002)]
    silences = requests.get(f"{other.url('alertmanager')}/api/v2/silences", timeout=10).json()
    assert [one["id"] for one in silences] == [story.made["silence"]]
    assert story.grafana(other, "GET", "/api/dashboards/uid/by-hand")["dashboard"]["title"] == "By hand"
    found = requests.get(f"{other.url('app')}{SEARCH}", params={"query": "quokka"}, timeout=10).json()
    assert story.made["packet"] in [one["packet_id"] for one in found["packets"]]
    assert other.query("increase(prometheus_tsdb_wal_corruptions_total[1h])") in ([0.0], [])
    assert other.ok("plan", "--json").json()["plan"] == []


def test_a_stack_that_runs_is_not_restored_into(story: Story) -> None:
    ran = story.other("restore", str(story.file), *story.key, "--yes")
    assert ran.code == 5 and "its data cannot be replaced meanwhile: monitoring-stack stop" in ran.err


SPOIL = f"""
import json, os
block = "/p/{BLOCK}"
os.makedirs(block + "/chunks")
meta = dict(ulid="{BLOCK}", minTime=1000, maxTime=2000, version=1, stats={{}}, compaction=dict(level=1))
open(block + "/meta.json", "w").write(json.dumps(meta))
open(block + "/chunks/000001", "wb").write(b"cut")
open(block + "/index", "wb").write(b"cut")
open("/a/silences", "ab").write(b"\\x05abc")
"""


def test_damage_is_named_by_start_and_only_that_is_moved_aside(story: Story) -> None:
    other = story.other
    other.ok("stop")
    volumes = {
        f"{other.name}-{c}-data": {"bind": at} for c, at in (("prometheus", "/p"), ("alertmanager", "/a"))
    }
    image = other.inspect()["app"]["Image"]
    docker.from_env().containers.run(
        image, ["-c", SPOIL], entrypoint="python3", user="0", volumes=volumes, remove=True
    )
    ran = other("start", "--no-smoke")
    assert ran.code == 5 and "monitoring-stack repair prometheus moves just that aside" in ran.err, ran.err
    assert f"prometheus: {BLOCK}/index is damaged (it is cut or damaged), and 1 more" in ran.err
    said = other.ok("repair", "--yes", "--json").json()
    assert {one["path"] for one in said["damage"]} == {f"{BLOCK}/index", "silences"}
    other.ok("start", "--no-smoke")
    newest = other.query(f"max(timestamp(up @ {story.made['sample']:.3f}))")
    assert newest == [pytest.approx(story.made["sample"], abs=0.002)]
    assert other.in_folders(DATA, f"ls {said['moved_to']} 2>/dev/null") == {"", BLOCK, "silences"}
    other.away()
