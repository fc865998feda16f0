"""Newer releases, asked of a registry over its HTTP API: pages, tokens, refusals, silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.cli.main import main
from stack.common.errors import PullRefused, RegistryUnreachable
from stack.components import CATALOG
from stack.images import tag_list
from stack.images.newer import Checked, check
from stack.images.tag_list import TagList
from tests.contract.tiny_registry import TinyRegistry, serving

TAGS = ("latest", "v3.13.4", "v3.13.6", "v3.13.7-rc.0", "v3.14.0", "main")


def test_all_pages_are_read() -> None:
    with serving(TinyRegistry(tags=TAGS, page=2)) as registry:
        assert sorted(TagList().tags(f"{registry.address}/prom/prometheus:v3.13.5")) == sorted(TAGS)
    assert len(registry.asked) == 3


def test_a_token_is_fetched_where_the_registry_wants_one() -> None:
    with serving(TinyRegistry(tags=TAGS, page=4, token="for-anybody")) as registry:
        assert len(TagList().tags(f"{registry.address}/prom/prometheus:v3.13.5")) == len(TAGS)
    assert registry.asked == ["", "Bearer for-anybody", "Bearer for-anybody"]


def test_no_credentials_of_the_user_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(TinyRegistry(tags=TAGS)) as registry:
        host = registry.address.partition(":")[0]
        (tmp_path / "netrc").write_text(f"machine {host} login me password secret\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        TagList().tags(f"{registry.address}/a/b:1")
    assert registry.asked == [""]


@pytest.mark.parametrize(
    ("registry", "words"),
    [
        (TinyRegistry(refuse=(404, "NAME_UNKNOWN")), "404 NAME_UNKNOWN"),
        (TinyRegistry(tags=("a", "b"), page=1, elsewhere="http://127.0.0.2"), "another host"),
        (TinyRegistry(token="t", realm="http://example.org/token"), "no safe place for tokens"),
        (TinyRegistry(token="t", realm="http://127.0.0.1.example.org/token"), "no safe place for tokens"),
    ],
    ids=("unknown", "a page elsewhere", "a token in the clear", "a name that looks like this machine"),
)
def test_what_a_registry_may_not_do_is_said(registry: TinyRegistry, words: str) -> None:
    with serving(registry), pytest.raises(PullRefused, match=words):
        TagList().tags(f"{registry.address}/a/b:1")


def test_silence_and_an_endless_answer_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_list, "READ_SECONDS", 0.2)
    with serving(TinyRegistry(silent=True)) as registry, pytest.raises(RegistryUnreachable):
        TagList().tags(f"{registry.address}/a/b:1")
    monkeypatch.setattr(tag_list, "MOST_BYTES", 100)
    with (
        serving(TinyRegistry(tags=tuple(map(str, range(100))))) as registry,
        pytest.raises(RegistryUnreachable, match="without end"),
    ):
        TagList().tags(f"{registry.address}/a/b:1")


def test_one_row_says_what_is_newer_and_another_what_failed() -> None:
    with serving(TinyRegistry(tags=TAGS)) as registry:
        mine, gone = f"{registry.address}/prom/prometheus:v3.13.5", "127.0.0.1:1/x/y:v1.0.0"
        found = check({"prometheus": mine, "other": gone}, CATALOG.pins, TagList().tags)
    assert found == (
        Checked("prometheus", mine, "3.13", "v3.13.6", newer=True),
        Checked("other", gone, "1.0", answered=False, problem="registry 127.0.0.1:1 does not answer"),
    )


def test_the_command_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    for name in ("ALERTMANAGER", "NODE_EXPORTER", "GRAFANA", "POSTGRES", "PYTHON"):
        monkeypatch.setenv(f"STACK_{name}_IMAGE", "127.0.0.1:1/x/y:1.0.0")
    with serving(TinyRegistry(tags=TAGS)) as registry:
        monkeypatch.setenv("STACK_PROMETHEUS_IMAGE", f"{registry.address}/prom/prometheus:v3.13.5")
        assert main(["images", "check"]) == 0
        said = capsys.readouterr().out.splitlines()
        assert main(["images", "check", "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)["images"]
    (mine,) = [line for line in said if line.startswith("prometheus")]
    assert mine.split()[-3:] == ["3.13", "v3.13.6", "newer"]
    assert all("does not answer" in line for line in said[1:] if line != mine)
    (row,) = [row for row in rows if row["component"] == "prometheus"]
    assert (row["newest"], row["newer"]) == ("v3.13.6", True)


def test_where_no_registry_answers_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    for name in (*CATALOG.pins, "python"):
        monkeypatch.setenv(f"STACK_{name.upper()}_IMAGE", "127.0.0.1:1/x/y:1.0.0")
    assert main(["images", "check"]) == 4
    assert capsys.readouterr().err.splitlines() == [
        "error: registry 127.0.0.1:1 does not answer: nothing is known of newer releases"
    ]
