"""Wrappers pass on just what they were given, by place and by name, whatever the parameters are called."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from stack.telemetry.signatures import wrapper

BODY = """
    try:
        seen.append("before")
        return {call}
    finally:
        seen.append("after")
"""
NOTHING = object()


def plain(a: int, b: int = 2) -> tuple[int, int]:
    return a, b


def by_name(a: int, *, b: int = 2, c: int) -> tuple[int, int, int]:
    return a, b, c


def by_place(a: int, /, b: int) -> tuple[int, int]:
    return a, b


def variadic(*args: int, **kwargs: int) -> tuple[tuple[int, ...], dict[str, int]]:
    return args, kwargs


def hostile(seen: int, _function: int = 1) -> tuple[int, int]:
    return seen, _function


def by_identity(value: object = NOTHING) -> bool:
    return value is NOTHING


class Owner:
    def method(self, a: int) -> tuple[str, int]:
        return type(self).__name__, a


@pytest.mark.parametrize(
    ("function", "args", "kwargs"),
    [
        (plain, (1,), {}),
        (plain, (1, 3), {}),
        (plain, (), {"b": 1, "a": 2}),
        (by_name, (1,), {"c": 3}),
        (by_name, (), {"a": 1, "b": 5, "c": 3}),
        (by_place, (1, 2), {}),
        (by_place, (1,), {"b": 2}),
        (variadic, (1, 2), {"c": 3}),
        (variadic, (), {}),
        (hostile, (7,), {}),
        (hostile, (), {"seen": 7, "_function": 8}),
        (by_identity, (), {}),
        (Owner.method, (Owner(), 1), {}),
        (partial(plain, b=9), (1,), {}),
        (partial(plain, 1), (), {"b": 4}),
        (divmod, (7, 2), {}),
    ],
)
def test_what_is_passed_arrives(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    seen: list[str] = []
    assert wrapper(BODY, function, {"seen": seen})(*args, **kwargs) == function(*args, **kwargs)
    assert seen == ["before", "after"]


@pytest.mark.parametrize(
    ("function", "args", "kwargs"),
    [
        (plain, (), {}),
        (plain, (1, 2, 3), {}),
        (plain, (1,), {"a": 1}),
        (plain, (1,), {"unknown": 1}),
        (by_name, (1, 2), {"c": 3}),
        (by_place, (), {"a": 1, "b": 2}),
    ],
)
def test_what_the_function_refuses_its_wrapper_refuses(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        wrapper(BODY, function, {"seen": []})(*args, **kwargs)
