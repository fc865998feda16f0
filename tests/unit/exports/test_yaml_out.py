"""Whatever value is written as YAML is read back as it was, by PyYAML and by the reader of the products' files."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stack.common.yaml_text import load_yaml
from stack.exports.yaml_out import document, documents, keeps

ODD = st.text(
    st.one_of(
        st.sampled_from("\n\n\t  ab:#-'\"{}[]|>%y01.\\\r\x85\u2028\ufeff\x7f😀é"),
        st.characters(codec="utf-8"),
    ),
    max_size=20,
)
WORDS = st.sampled_from(
    ["y", "no", "1e3", "0x1", "17:00", "=", "~", "null", "0123", "- a", "a: b", "a #b", ""]
)
VALUES = st.recursive(
    st.one_of(ODD, WORDS, st.integers(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(ODD, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.dictionaries(st.one_of(ODD, WORDS), VALUES, min_size=1, max_size=3))
def test_every_value_comes_back(value: dict[str, Any]) -> None:
    text = document(value)
    assert yaml.safe_load(text) == value
    assert load_yaml(text) == value


@pytest.mark.parametrize(
    "word", ["y", "N", "yes", "off", "null", "~", "1.0", "0x10", "1_000", ".inf", "=", "12:30"]
)
def test_a_word_that_some_yaml_takes_for_another_value_is_quoted(word: str) -> None:
    assert document({"key": word}) == f'key: "{word}"\n'


def test_a_text_of_several_lines_is_readable() -> None:
    assert document({"a": "  one\ntwo\n"}) == "a: |2\n    one\n  two\n"
    assert document({"a": "one\n\ntwo"}) == "a: |2-\n  one\n\n  two\n"
    assert document({"a": {"b": "one\ntwo\n\n"}}) == "a:\n  b: |2+\n    one\n    two\n\n"


def test_several_documents_are_apart() -> None:
    assert list(yaml.safe_load_all(documents([{"a": 1}, {"b": []}]))) == [{"a": 1}, {"b": []}]


@pytest.mark.parametrize("text", ["a\r\nb", "a\x85b", "a\u2028b", "\ufeffa", "a\n  "])
def test_what_a_reader_would_change_is_not_kept(text: str) -> None:
    assert not keeps(text)
    assert yaml.safe_load(document({"a": text})) == {"a": text}


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no form in YAML"):
        document({"a": {1}})
