"""Which tag is the newest of a line, and which line a tag belongs to."""

from __future__ import annotations

import pytest

from stack.common.errors import PullRefused
from stack.components import CATALOG
from stack.images.newer import Checked, check, line_of, newest_of
from stack.images.pins import registry_of
from stack.images.tag_list import base_of, repository_of


@pytest.mark.parametrize(
    ("tag", "component", "line"),
    [
        ("v3.13.5", "prometheus", "3.13"),
        ("v3.5.3", "prometheus", "3.5"),
        ("18.6-trixie", "postgres", "18"),
        ("v0.35.0", "alertmanager", "0"),
        ("3.14-slim-trixie", "python", "3.14"),
        ("2.1.0", "mine", "2.1"),
        ("latest", "prometheus", ""),
    ],
)
def test_line_of_a_tag(tag: str, component: str, line: str) -> None:
    assert line_of(tag, CATALOG.pins.get(component)) == line


@pytest.mark.parametrize(
    ("line", "tag", "tags", "newest"),
    [
        ("3.13", "v3.13.5", ("v3.13.9", "v3.13.10", "v3.14.0", "v3.13.11-rc.0", "3.13.12"), "v3.13.10"),
        ("12.4", "12.4.12", ("12.4.12", "12.4.12-ubuntu", "12.4.12-security-01"), "12.4.12-security-01"),
        ("18", "18.6-trixie", ("18.7-trixie", "18.8-alpine3.24", "19.1-trixie", "18-trixie"), "18.7-trixie"),
        ("0", "v0.35.0", ("v0.34.2", "v0.36.0", "v1.0.0"), "v0.36.0"),
        ("3.13", "v3.13.5", ("v3.14.0",), ""),
        ("3.13", "v3.13.5", (), ""),
    ],
)
def test_newest_tag_of_a_line(line: str, tag: str, tags: tuple[str, ...], newest: str) -> None:
    assert newest_of(line, tag, tags) == newest


@pytest.mark.parametrize(
    ("tag", "tags", "newer"),
    [
        ("3.14-slim-trixie", ("3.14.9-slim-trixie", "3.14-slim-trixie"), False),
        ("12.4.12", ("12.4.12-security-01",), True),
        ("12.4.12", ("12.4.12", "12.4.11"), False),
        ("12.4.12", ("12.4.13",), True),
    ],
)
def test_a_tag_that_moves_with_its_line_is_never_behind(tag: str, tags: tuple[str, ...], newer: bool) -> None:
    (found,) = check({"mine": f"a/b:{tag}"}, CATALOG.pins, lambda ref: tags)
    assert (found.newer, found.problem) == (newer, "")


def test_a_refusal_an_unknown_line_and_a_tag_without_a_version_are_said() -> None:
    def refuse(ref: str) -> tuple[str, ...]:
        raise PullRefused("no permission")

    assert check({"a": "a/b:1.0"}, CATALOG.pins, refuse) == (
        Checked("a", "a/b:1.0", "1.0", problem="no permission"),
    )
    assert check({"a": "a/b"}, CATALOG.pins, refuse)[0].problem == "the tag latest names no version"
    assert (
        check({"a": "a/b:1.0"}, CATALOG.pins, lambda ref: ())[0].problem
        == "docker.io has no tag of the line 1.0"
    )


@pytest.mark.parametrize(
    ("ref", "base", "repository"),
    [
        ("postgres:18", "https://registry-1.docker.io", "library/postgres"),
        ("docker.io/prom/prometheus:v1", "https://registry-1.docker.io", "prom/prometheus"),
        ("ghcr.io/a/b/c:1@sha256:0", "https://ghcr.io", "a/b/c"),
        ("127.0.0.1:5000/a:1", "http://127.0.0.1:5000", "a"),
        ("localhost/a:1", "http://localhost", "a"),
        ("[::1]:5000/a:1", "http://[::1]:5000", "a"),
        ("localhost.example.org/a:1", "https://localhost.example.org", "a"),
        ("127.example.org/a:1", "https://127.example.org", "a"),
    ],
)
def test_where_a_repository_is_asked_for(ref: str, base: str, repository: str) -> None:
    assert (base_of(registry_of(ref)), repository_of(ref)) == (base, repository)
