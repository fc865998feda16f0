"""Images to and from the engine's API, as data."""

from __future__ import annotations

import json

import pytest

from stack.engine import convert_images
from stack.engine.interface import ImageConfig


@pytest.mark.parametrize(
    ("ref", "parts"),
    [
        ("a", ("a", "latest")),
        ("a/b:1", ("a/b", "1")),
        ("localhost:5000/a", ("localhost:5000/a", "latest")),
        ("localhost:5000/a/b:1.2", ("localhost:5000/a/b", "1.2")),
        ("a/b@sha256:ff", ("a/b", "sha256:ff")),
        ("a/b:1@sha256:ff", ("a/b", "sha256:ff")),
    ],
)
def test_a_reference_has_two_parts(ref: str, parts: tuple[str, str]) -> None:
    assert convert_images.split_ref(ref) == parts


def test_an_images_defaults_as_instructions() -> None:
    config = ImageConfig(
        ("/a", "b c"), ("d",), "1:1", "/w", (("K", 'v "$\\'),), (("l", "m"),), (80,), ("/d",)
    )
    assert convert_images.changes(config) == [
        'ENTRYPOINT ["/a", "b c"]',
        'CMD ["d"]',
        'VOLUME ["/d"]',
        "USER 1:1",
        "WORKDIR /w",
        'ENV K="v \\"\\$\\\\"',
        'LABEL "l"="m"',
        "EXPOSE 80",
    ]
    assert convert_images.changes(ImageConfig()) == []


def test_an_image_reads_back() -> None:
    told = {"Id": "sha256:1", "RepoTags": None, "Config": None, "Size": 5, "RepoDigests": ["a@sha256:2"]}
    seen = convert_images.image_info(told)
    assert (seen.id, seen.tags, seen.labels, seen.size, seen.created) == ("sha256:1", (), {}, 5, "")
    assert seen.digests == ("a@sha256:2",)


@pytest.mark.parametrize(
    ("text", "ref"),
    [("Loaded image: a:1\n", "a:1"), ("Loaded image ID: sha256:1\n", "sha256:1"), ("other", "")],
)
def test_what_a_load_reports(text: str, ref: str) -> None:
    assert convert_images.loaded(text) == ref


def test_a_build_has_no_network_and_leaves_nothing() -> None:
    told = convert_images.build_params("a:1", {"k": "v"})
    assert (told["t"], told["networkmode"], told["forcerm"]) == ("a:1", "none", "1")
    assert json.loads(told["labels"]) == {"k": "v"}


@pytest.mark.parametrize(
    ("report", "line"),
    [
        ({"status": "Pulling from a", "id": "1"}, "1 Pulling from a"),
        ({"id": "ab", "status": "Downloading", "progress": "[=>] 1B/2B"}, "ab Downloading [=>] 1B/2B"),
        ({}, ""),
    ],
)
def test_a_report_is_one_line(report: dict[str, str], line: str) -> None:
    assert convert_images.progress_line(report) == line
