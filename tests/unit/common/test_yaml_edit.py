"""Edits leave every other byte as it is, in block and flow style."""

from __future__ import annotations

import pytest
import yaml

from stack.common import yaml_edit as edit

TEXT = """\
# kept: 17:00 and 0123456
times: [17:00, 0123456]
list:
  - url: http://app:8000/a   # gone
    send: yes
  # between
  -   {url: http://other/, send: no}
  - &last
    url: http://app:8000/b
tail: "=" # end
"""


def urls(document: yaml.Node | None) -> list[yaml.Node]:
    return edit.items(edit.member(document, "list"))


def ours(node: yaml.Node) -> bool:
    return edit.text_of(edit.member(node, "url")).startswith("http://app")


@pytest.mark.parametrize("flow", [False, True])
def test_items_go_and_the_rest_stays_to_the_byte(flow: bool) -> None:
    text = TEXT
    if flow:
        text = "times: [17:00]\nlist: [{url: http://app:8000/a}, {url: http://other/, send: no}]\ntail: x\n"
    document = edit.compose(text)
    found = edit.member(document, "list")
    assert isinstance(found, yaml.SequenceNode)
    changed = edit.edited(text, edit.without(text, found, [n for n in urls(document) if ours(n)]))
    left = urls(edit.compose(changed))
    assert [edit.text_of(edit.member(n, "url")) for n in left] == ["http://other/"]
    assert changed.splitlines()[0] == text.splitlines()[0]
    assert changed.splitlines()[-1] == text.splitlines()[-1]


def test_a_list_that_loses_all_items_is_empty_and_what_follows_stays() -> None:
    text = "a:\n  - name: x\n    hooks:\n      - url: http://app:8000/\n        more: 1\n  - name: y\nb: 2\n"
    document = edit.compose(text)
    (hooks,) = [found for n in edit.items(edit.member(document, "a")) if (found := edit.member(n, "hooks"))]
    assert isinstance(hooks, yaml.SequenceNode)
    changed = edit.edited(text, edit.without(text, hooks, hooks.value))
    assert yaml.safe_load(changed) == {"a": [{"name": "x", "hooks": []}, {"name": "y"}], "b": 2}


@pytest.mark.parametrize(
    "text", ["a: 1\nb: 2\n", "{a: 1, b: 2}\n", "{}\n", "&x\na: 1\nb: 2\n", "  a: 1\n  b: 2\n"]
)
def test_an_entry_is_put_before_the_others(text: str) -> None:
    document = edit.compose(text)
    assert isinstance(document, yaml.MappingNode)
    changed = edit.edited(text, [edit.put_first(document, "new: {deep: [x]}")])
    assert yaml.safe_load(changed) == {"new": {"deep": ["x"]}, **(yaml.safe_load(text) or {})}


def test_a_scalar_is_replaced() -> None:
    text = "a: 'one' # why\nb: 2\n"
    node = edit.member(edit.compose(text), "a")
    assert node is not None
    assert edit.edited(text, [edit.replaced(node, '"two"')]) == 'a: "two" # why\nb: 2\n'


@pytest.mark.parametrize(
    "before", ["\ufeff", "# \u00fc \U0001f600\n", "\ufeff# \u00fc\r\n", "\r\n  \r\n"], ids=ascii
)
def test_places_are_right_after_a_byte_order_mark_and_wide_characters(before: str) -> None:
    text = before + "a: \u00e9\U0001f600\r\nb: 'one' # x\r\n"
    node = edit.member(edit.compose(text), "b")
    assert node is not None
    assert edit.edited(text, [edit.replaced(node, "2")]) == text.replace("'one'", "2")


def test_broken_yaml_has_no_nodes() -> None:
    assert edit.compose("a: [") is None
    assert edit.compose(b"a: \xff".decode(errors="surrogateescape")) is None
    assert edit.compose("") is None
    assert edit.items(None) == [] and edit.keys(None) == set() and edit.member(None, "x") is None
