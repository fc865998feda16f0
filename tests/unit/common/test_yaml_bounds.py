"""YAML that is too much is refused before it is composed, which would end the process; other YAML is taken."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from stack.common.yaml_bounds import MOST, bounded
from stack.common.yaml_edit import compose
from stack.common.yaml_text import load_json_like, load_yaml

FORMS = {
    "lists": "a: " + "[" * 100_000,
    "mappings": "{a: " * 100_000,
    "items": "- " * 100_000,
    "keys": "? " * 100_000,
    "lines": "\n".join(" " * level + "a:" for level in range(2_000)),
    "tagged": "!!seq [" * 100_000,
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("encoding", ["", "utf-8", "utf-16"])
def test_what_is_nested_too_deep_is_refused(text: str, encoding: str) -> None:
    for load in (load_yaml, load_json_like):
        with pytest.raises(yaml.YAMLError) as caught:
            load(text.encode(encoding) if encoding else text)  # type: ignore[arg-type]
        assert "too deep" in str(caught.value)
    assert compose(text) is None


def test_the_place_is_told() -> None:
    with pytest.raises(yaml.MarkedYAMLError) as caught:
        bounded("a:\n" + "  - [" + "[" * MOST)
    mark = caught.value.problem_mark
    assert mark is not None and (mark.line, mark.column) == (1, 2 + MOST)


@pytest.mark.parametrize(
    "text",
    ["[[1, 2], " * 200 + "]" * 200, "{a: [1]}\n" * 1, "[" + "{a: 1}," * 5_000 + "]", f"- '{'[' * 9_000}'"],
)
def test_many_signs_are_no_depth(text: str) -> None:
    assert load_yaml(text) is not None


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_a_process_survives_it(text: str) -> None:
    """In a process of its own: what is refused too late would end this one."""
    program = (
        "import sys; from stack.common.yaml_edit import compose; assert compose(sys.stdin.read()) is None"
    )
    subprocess.run([sys.executable, "-c", program], input=text, text=True, check=True, timeout=60)


LAUGHS = "a0: &a0 x\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 31))
MERGED = "a0: &a0 {x: 1}\n" + "\n".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 31))


@pytest.mark.parametrize("text", [LAUGHS, MERGED])
def test_aliases_that_repeat_one_another_are_refused_with_their_place(text: str) -> None:
    with pytest.raises(yaml.MarkedYAMLError, match="excessive aliasing") as caught:
        load_yaml(text)
    mark = caught.value.problem_mark
    assert mark is not None and 10 < mark.line < 25
    assert compose(text) is None


def test_some_aliases_are_taken() -> None:
    text = "base: &base {for: 5m}\nrules: [" + "*base, " * 2_000 + "]\nmore: {<<: *base, a: 1 * 2 & 3}"
    found = load_yaml(text)
    assert len(found["rules"]) == 2_000 and found["more"] == {"for": "5m", "a": "1 * 2 & 3"}


@pytest.mark.parametrize("text", ["a: " + "9" * 6_000, "[-" + "1" * 5_000 + "]"])
def test_a_number_of_thousands_of_digits_is_no_yaml_that_can_be_read(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match="a value that cannot be read"):
        load_yaml(text)
