"""A component that a file of the user's needs: there with the first such file, gone with the last."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.common.errors import ImageError
from stack.model.plan import Verb
from tests.scenarios.commands import NAME, Client

PROBE = """\
scrape_configs:
  - job_name: shop
    metrics_path: /probe
    static_configs:
      - targets: [http://shop/]
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: "blackbox:9115"}
"""
FILE = "prometheus/scrape/shop.yml"


def put(client: Client, path: str, text: str) -> Path:
    file = client.home / "own" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def scraped(client: Client) -> set[str]:
    return {
        name for name in client.files_in_use("prometheus", "scrape") if "blackbox" in name or "shop" in name
    }


def test_without_such_a_file_nothing_of_it_is_there(client: Client) -> None:
    assert client("start") == 0
    assert "blackbox" not in client.running() and not scraped(client)
    listed = client.run("images", "list")[1].documents[-1]["images"]
    assert "blackbox" not in {row["component"] for row in listed}
    status = client.run("status")[1].documents[-1]
    assert "blackbox" not in json.dumps(status)


def test_the_first_file_brings_it_and_the_last_takes_it_away(client: Client) -> None:
    client("start")
    before = client.ids()
    file = put(client, FILE, PROBE)
    assert (Verb.CREATE, f"{NAME}-blackbox") in client.plan()
    assert client("status") == 0, "what was started runs"
    assert client("reload") == 0
    assert {**client.ids(), **before} == client.ids(), "no other container is touched"
    assert client.running() == {*before, "blackbox"}
    assert scraped(client) == {"+optional+blackbox.yml", "~own+shop.yml"}
    assert "blackbox" in client.state.started
    assert client.plan() == []
    file.unlink()
    assert client("reload") == 0
    assert client.ids() == before and not scraped(client)
    assert "blackbox" not in client.state.started
    assert client.plan() == []


def test_start_and_restart_bring_it_too(client: Client) -> None:
    put(client, FILE, PROBE)
    client("start")
    assert "blackbox" in client.running()
    put(client, FILE, "scrape_configs: []\n")
    client("restart")
    assert "blackbox" not in client.running()
    put(client, FILE, PROBE)
    client("restart")
    assert "blackbox" in client.running()


def test_a_stack_whose_image_cannot_be_had_stays_as_it_is(client: Client) -> None:
    client("start")
    client.environ["STACK_BLACKBOX_IMAGE"] = "mine/nowhere:1"
    put(client, FILE, PROBE)
    before = client.ids()
    for command in ("reload", "restart", "start"):
        with pytest.raises(ImageError, match="blackbox"):
            client(command)
    assert client.running() == set(before) and client.ids() == before


def test_whoever_leaves_it_out_is_told_what_is_not_used(client: Client) -> None:
    put(client, FILE, PROBE)
    assert client("start", "--without", "blackbox") == 0
    assert "blackbox" not in client.running() and not scraped(client)
    left = {one["path"]: one for one in client.run("validate")[1].documents[-1]["left_out"]}
    assert left[f"own/{FILE}"]["why"] == "it needs blackbox, which does not run"
    assert left[f"own/{FILE}"]["hint"] == "start --with blackbox"
    assert client("reload") == 0
    assert "blackbox" not in client.running(), "it was left out"
    assert client("start", "--with", "blackbox") == 0
    assert scraped(client) == {"+optional+blackbox.yml", "~own+shop.yml"}
