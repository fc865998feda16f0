"""YAML is read as the products read it: what a text field gets is the text that stands there."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from stack.common.yaml_text import load_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("17:00", "17:00"),
        ("0123456", "0123456"),
        ("=", "="),
        ("yes", "yes"),
        ("off", "off"),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("1.50", "1.50"),
        ("0x10", "0x10"),
        ("'12'", "12"),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
    ],
)
def test_a_plain_word(text: str, value: Any) -> None:
    found = load_yaml(f"a: [{{b: {text}}}]\n")["a"][0]["b"]
    assert (found, type(found)) == (value, type(value))


def test_an_alias_and_a_merge_are_followed() -> None:
    assert load_yaml("a: &x {b: 1}\nc: {<<: *x, d: 2}\n")["c"] == {"b": 1, "d": 2}


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a: [", "a: !!python/object:os.x {}\n", "\t- a\n"])
def test_what_is_no_document_is_an_error_with_its_place(text: str) -> None:
    with pytest.raises(yaml.MarkedYAMLError) as error:
        load_yaml(text)
    assert error.value.problem_mark is not None
