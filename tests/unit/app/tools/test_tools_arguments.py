"""Only what a parameter bounds reaches a tool."""

from __future__ import annotations

from typing import Any

import pytest

from stack.app.tools.arguments import BadArguments, Parameter, check_arguments

TEXT = Parameter("text", "string", "the text", 1, 3)
COUNT = Parameter("count", "integer", "how many", 1, 9, default=5, required=False)
RATIO = Parameter("ratio", "number", "how much", 0, 1, default=None, required=False)
FLAG = Parameter("flag", "boolean", "whether", default=False, required=False)
KIND = Parameter("kind", "string", "which", choices=("a", "b"), default="a", required=False)
ALL = (TEXT, COUNT, RATIO, FLAG, KIND)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"text": "x"}, {"text": "x", "count": 5, "ratio": None, "flag": False, "kind": "a"}),
        (
            {"text": "xyz", "count": 9, "ratio": 0, "flag": True, "kind": "b"},
            {"text": "xyz", "count": 9, "ratio": 0, "flag": True, "kind": "b"},
        ),
    ],
)
def test_arguments_that_fit_get_their_defaults(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert check_arguments(ALL, given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "text: missing: the text"),
        ({"text": ""}, "text: must have 1 to 3 characters, got 0"),
        ({"text": "long"}, "text: must have 1 to 3 characters, got 4"),
        ({"text": 7}, "text: must be a string, got int"),
        ({"text": None}, "text: must be a string, got NoneType"),
        ({"text": "x", "count": 0}, "count: must be 1 to 9, got 0"),
        ({"text": "x", "count": True}, "count: must be a integer, got bool"),
        ({"text": "x", "count": 1.0}, "count: must be a integer, got float"),
        ({"text": "x", "count": 10**5000}, "count: must be 1 to 9, got a number far outside"),
        ({"text": "x", "ratio": float("nan")}, "ratio: must be 0 to 1, got a number far outside"),
        ({"text": "x", "flag": 1}, "flag: must be a boolean, got int"),
        ({"text": "x", "kind": "c"}, "kind: must be one of a, b, got 'c'"),
        ({"text": "x", "odd": 1}, "'odd': unknown: this tool takes text, count"),
    ],
)
def test_arguments_that_do_not_fit_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadArguments, match=message):
        check_arguments(ALL, given)


def test_a_tool_without_arguments_says_so() -> None:
    with pytest.raises(BadArguments, match="this tool takes no arguments"):
        check_arguments((), {"a": 1})


def test_parameters_describe_themselves_as_json_schema() -> None:
    assert [parameter.schema() for parameter in (TEXT, COUNT, FLAG, KIND)] == [
        {"type": "string", "description": "the text", "minLength": 1, "maxLength": 3},
        {"type": "integer", "description": "how many", "minimum": 1, "maximum": 9, "default": 5},
        {"type": "boolean", "description": "whether", "default": False},
        {"type": "string", "description": "which", "enum": ["a", "b"], "default": "a"},
    ]
