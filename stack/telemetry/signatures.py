"""Wrappers that have the parameters of what they wrap, made from a template the way ``dataclasses`` makes
``__init__``.

Passing parameters on by name and place costs half of what ``*args, **kwargs`` costs, which for a call of a few
microseconds is worth a template. The source holds only names and places of parameters: it must never hold a
value, least of all one from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from types import FunctionType
from typing import Any, Final, cast

# An empty keyword dictionary costs as much to pass on as a clock costs to read.
_ANY_PARAMETERS: Final = (
    "*_args, **_kwargs",
    "_function(*_args, **_kwargs) if _kwargs else _function(*_args)",
)
_PLAIN: Final = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def wrapper(body: str, function: Callable[..., Any], names: Mapping[str, object]) -> Callable[..., Any]:
    """A function with the parameters of ``function``; ``{call}`` in its body calls it with what was passed.

    ``names`` is what the body may use. Parameters that cannot be copied (variadic, positional-only, or named like
    something in the body) are passed on as ``*args, **kwargs``.
    """
    names = {**names, "_function": function}
    general = _made(body, *_ANY_PARAMETERS, names)
    parameters = _parameters(function)
    used = {*general.__code__.co_names, *general.__code__.co_varnames}
    if parameters is None or not used.isdisjoint(parameter.name for parameter in parameters):
        return general
    values = {_default(parameter): parameter.default for parameter in parameters}
    return _made(body, _head(parameters), _call(parameters), {**names, **values})


def _parameters(function: Callable[..., Any]) -> list[Parameter] | None:
    try:
        found = list(signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    return found if all(parameter.kind in _PLAIN for parameter in found) else None


def _head(parameters: list[Parameter]) -> str:
    parts = []
    for parameter in parameters:
        if parameter.kind is Parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        has_default = parameter.default is not Parameter.empty
        parts.append(f"{parameter.name}={_default(parameter)}" if has_default else parameter.name)
    return ", ".join(parts)


def _call(parameters: list[Parameter]) -> str:
    keyword = Parameter.KEYWORD_ONLY
    passed = (f"{p.name}={p.name}" if p.kind is keyword else p.name for p in parameters)
    return f"_function({', '.join(passed)})"


def _default(parameter: Parameter) -> str:
    return f"_default_of_{parameter.name}"


def _made(body: str, head: str, call: str, names: Mapping[str, object]) -> FunctionType:
    namespace: dict[str, Any] = dict(names)
    exec(f"def wrapped({head}):{body.format(call=call)}", namespace)  # noqa: S102 - our own text only
    return cast("FunctionType", namespace["wrapped"])
