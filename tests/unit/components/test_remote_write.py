"""[remote_write.NAME] and [external_labels] of stack.toml in Prometheus' main file, and what cannot be used."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from stack.components.own_toml import Wrong
from stack.components.remote_write import read, with_remotes

PLACE = "stack.toml [remote_write.central]"
URL = "https://vm.example.org/api/v1/write"


def written(text: str, *tables: dict[str, Any], labels: dict[str, str] | None = None) -> dict[str, Any]:
    remotes = tuple(read(f"r{n}", PLACE, {"url": URL, **table}) for n, table in enumerate(tables))
    edited = with_remotes(text.encode(), remotes, labels or {}).decode()
    assert all(line in edited for line in text.splitlines() if line.startswith("#"))
    found: dict[str, Any] = yaml.safe_load(edited)
    return found


SHORT = [
    ({"username": "a", "password_file": "p"}, {"basic_auth": {"username": "a", "password_file": "p"}}),
    ({"token_file": "t"}, {"authorization": {"credentials_file": "t"}}),
    ({"headers": {"X-Scope-OrgID": "me"}}, {"headers": {"X-Scope-OrgID": "me"}}),
    ({"ca_file": "c", "insecure_skip_verify": True}, {"tls_config": {"ca_file": "c", "insecure_skip_verify": True}}),
    ({"queue": {"max_shards": 3}}, {"queue_config": {"max_shards": 3}}),
    ({"drop": "a"}, {"write_relabel_configs": [{"source_labels": ["__name__"], "regex": "a", "action": "drop"}]}),
    ({"send_exemplars": True, "remote_timeout": "5s"}, {"send_exemplars": True, "remote_timeout": "5s"}),
]  # fmt: skip


@pytest.mark.parametrize(("table", "options"), SHORT)
def test_short_words_become_options_of_prometheus(table: dict[str, Any], options: dict[str, Any]) -> None:
    assert dict(read("central", PLACE, {"url": URL, **table}).options) == {
        "name": "central",
        "url": URL,
        **options,
    }


FAULTS: list[tuple[Any, str, str]] = [
    ("https://x", "is no table", "[remote_write.NAME]"),
    ({}, "url is missing", "url ="),
    ({"url": "vm:8428"}, "is no address", "url ="),
    ({"url": 7}, "is no address", "url ="),
    ({"url": URL, "username": "a"}, "password_file is missing", "write both"),
    ({"url": URL, "password_file": "a"}, "username is missing", "write both"),
    ({"url": URL, "username": "a", "password_file": "p", "token_file": "t"}, "two logins", "keep one"),
    ({"url": URL, "headers": {"a": 1}}, "no table of texts", "X-Scope-OrgID"),
    ({"url": URL, "drop": [1]}, "no list of texts", "drop ="),
    ({"url": URL, "token_file": "t", "authorization": {}}, "is said twice", "keep one"),
    ({"url": URL, "remote_timeout": float("nan")}, "no text or number", "quotes"),
]


@pytest.mark.parametrize(("table", "why", "hint"), FAULTS)
def test_what_cannot_be_used_is_told_with_the_remedy(table: Any, why: str, hint: str) -> None:
    with pytest.raises(Wrong, match=why) as caught:
        read("central", PLACE, table)
    assert hint in caught.value.hint


def test_a_name_must_fit_a_label() -> None:
    with pytest.raises(Wrong, match="cannot be called 'a b'"):
        read("a b", PLACE, {"url": URL})


def test_addresses_come_before_those_of_the_file_and_the_rest_stays() -> None:
    text = "# mine\nremote_write:\n  - url: http://own/write  # kept\nscrape_configs: []\n"
    found = written(text, {}, {"drop": ["a", "b"]})
    assert [one["url"] for one in found["remote_write"]] == [URL, URL, "http://own/write"]
    assert found["scrape_configs"] == []


@pytest.mark.parametrize(
    "text", ["remote_write:\nglobal: {}\n", "remote_write: []\n", "global:\n  scrape_interval: 5s\n"]
)
def test_a_file_without_addresses_gets_the_list(text: str) -> None:
    assert [one["name"] for one in written(text, {})["remote_write"]] == ["r0"]


def test_each_address_has_a_line_that_names_its_table() -> None:
    remotes = (read("central", PLACE, {"url": URL}),)
    for text in ("scrape_configs: []\n", "remote_write:\n  - url: http://own/\n"):
        lines = with_remotes(text.encode(), remotes, {}).decode().splitlines()
        (line,) = (one for one in lines if URL in one)
        assert line.endswith(f"  # {PLACE}")
    assert yaml.safe_load(with_remotes(b"{scrape_configs: []}", remotes, {}))["remote_write"][0]["url"] == URL


GLOBALS = [
    "scrape_configs: []\n",
    "global:\nscrape_configs: []\n",
    "global: {}\n",
    "global:\n  scrape_interval: 5s\n",
    "global:\n  external_labels:\n",
    "global:\n  external_labels: {}\n  scrape_interval: 5s\n",
]


@pytest.mark.parametrize("text", GLOBALS)
def test_labels_go_to_the_global_section(text: str) -> None:
    found = written(text, labels={"cluster": "a", "replica": "0x10"})
    assert found["global"]["external_labels"] == {"cluster": "a", "replica": "0x10"}
    assert {key: value for key, value in found["global"].items() if key != "external_labels"} in (
        {},
        {"scrape_interval": "5s"},
    )


@pytest.mark.parametrize("present", ["{cluster: mine}", "\n    cluster: mine"])
def test_a_label_of_the_file_stays(present: str) -> None:
    found = written(
        f"global:\n  external_labels: {present}\n", {}, labels={"cluster": "a", "b": "c", "d": "e"}
    )
    assert found["global"]["external_labels"] == {"cluster": "mine", "b": "c", "d": "e"}


@pytest.mark.parametrize("text", ["", "[]", "a: [", "\ttabs: 1"])
def test_what_is_no_map_is_left_for_promtool_to_judge(text: str) -> None:
    assert with_remotes(text.encode(), (read("r", PLACE, {"url": URL}),), {"a": "b"}) == text.encode()
