"""A person keeps files of their own beside stack.toml: each command knows of them, and of what it does not use."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.common.errors import ConfigurationInvalid
from tests.scenarios.commands import NAME, Client

JOB = """\
scrape_configs:
  - job_name: mine
    authorization: {credentials_file: ../../secrets/token}
    file_sd_configs:
      - files: [../targets/*.json]
"""
TARGETS = '[{"targets": ["a:1"]}]'


def put(client: Client, path: str, text: str) -> Path:
    file = client.home / "own" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


@pytest.fixture
def mine(client: Client) -> Client:
    """A stack with a job of the user's own."""
    put(client, "prometheus/scrape/team/app.yaml", JOB.replace("../", "../../", 1).replace("[..", "[../.."))
    put(client, "prometheus/targets/a.json", TARGETS)
    put(client, "secrets/token", "geheim\n")
    assert client("start") == 0
    return client


def volume(client: Client) -> dict[str, bytes]:
    return client.engine.volumes[f"{NAME}-prometheus-config"].contents()


def test_they_are_in_use_and_expected_and_a_second_plan_is_empty(mine: Client) -> None:
    assert b"/etc/stack/current/secrets/token" in (
        mine.in_use("prometheus", "scrape/~own+team+app%2Eyaml.yml") or b""
    )
    assert mine.in_use("prometheus", "secrets/token") == b"geheim"
    assert volume(mine)["targets/a.json"] == TARGETS.encode()
    assert mine.plan() == []
    (job,) = (job for job in mine.products.asked[-1].jobs if job.name == "mine")
    assert job.listed == ("a:1",)
    assert (
        job.discovered and not job.component and job.place.startswith("own/prometheus/scrape/team/app.yaml")
    )


def test_changed_and_removed_targets_are_written_where_they_are_watched(mine: Client) -> None:
    ids, signals = mine.ids(), mine.engine.containers[mine.ids()["prometheus"]].signals
    before = list(signals)
    put(mine, "prometheus/targets/b.json", TARGETS)
    put(mine, "prometheus/targets/a.json", "[]")
    assert mine("reload") == 0
    assert (volume(mine)["targets/a.json"], volume(mine)["targets/b.json"]) == (b"[]", TARGETS.encode())
    (mine.home / "own/prometheus/targets/a.json").unlink()
    assert {target for _, target in mine.plan()} == {f"{NAME}-prometheus", f"{NAME}-prometheus-config"}
    assert mine("reload") == 0
    assert "targets/a.json" not in volume(mine) and "targets/b.json" in volume(mine)
    assert mine.ids() == ids and signals == before, "it watches them by itself"


def test_without_them_everything_is_as_shipped(mine: Client) -> None:
    (mine.home / "own").rename(mine.home / "away")
    assert mine("reload") == 0
    assert not [name for name in mine.files_in_use("prometheus", "scrape") if "own" in name]
    assert mine.files_in_use("prometheus", "secrets") == ()
    assert not [path for path in volume(mine) if path.startswith("targets/")]


def test_a_secret_that_is_gone_is_named_and_nothing_is_changed(mine: Client) -> None:
    before = volume(mine)
    (mine.home / "own/secrets/token").unlink()
    for command in ("validate", "plan", "reload", "start"):
        with pytest.raises(
            ConfigurationInvalid, match=r"own/prometheus/scrape/team/app\.yaml:3: credentials_file: "
        ):
            mine(command)
    assert volume(mine) == before


def test_what_is_not_used_is_told_by_validate_and_plan(mine: Client) -> None:
    put(mine, "prometheus/rules/alert.rules", "groups: []\n")
    put(mine, "README.md", "")
    for command, listed in (("validate", {"unused", "quiet"}), ("plan", {"unused", "quiet"})):
        code, said = mine.run(command)
        assert code == 0
        left = {one["path"]: one for one in said.documents[-1]["left_out"]}
        assert (
            left["own/prometheus/rules/alert.rules"]["why"]
            == "its name does not end with .yml, .yaml or .json"
        )
        assert left["own/README.md"]["weight"] == "quiet"
        assert {one["weight"] for one in left.values()} == listed


def test_a_link_to_nowhere_stops_what_changes_something_and_nothing_else(mine: Client) -> None:
    (mine.home / "own/prometheus/rules").mkdir()
    (mine.home / "own/prometheus/rules/a.yml").symlink_to("nowhere")
    for command in ("validate", "plan", "reload", "start"):
        with pytest.raises(
            ConfigurationInvalid, match=r"^own/prometheus/rules/a.yml: a link that leads nowhere"
        ):
            mine(command)
    assert mine("status") == 0
    assert mine("stop") == 0
