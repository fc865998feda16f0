"""What a tool takes, and the check of what it is given. Nothing passes that a parameter does not bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["string", "integer", "number", "boolean"]
_TYPES: dict[Kind, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_SHOWN_NAMES = 5
_SHOWN_NUMBER = 10**15


class BadArguments(ValueError):
    """The arguments do not fit; the message names the argument, what it must be and what it was."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument. `low` and `high` bound a number's value or a string's length in characters.

    A parameter without `default` must be given. A string with `choices` must be one of them.
    """

    name: str
    kind: Kind
    summary: str
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool = True

    def check(self, value: Any) -> Any:
        """The value if it fits. Raises BadArguments."""
        if type(value) not in _TYPES[self.kind]:  # bool is an int to isinstance
            raise BadArguments(f"{self.name}: must be a {self.kind}, got {type(value).__name__}")
        if self.choices:
            if value not in self.choices:
                raise BadArguments(
                    f"{self.name}: must be one of {', '.join(self.choices)}, got {value[:40]!r}"
                )
        elif self.kind == "string" and not self.low <= len(value) <= self.high:
            raise BadArguments(
                f"{self.name}: must have {self.low:g} to {self.high:.0f} characters, got {len(value)}"
            )
        elif self.kind in ("integer", "number") and not self.low <= value <= self.high:
            got = value if -_SHOWN_NUMBER < value < _SHOWN_NUMBER else "a number far outside"
            raise BadArguments(f"{self.name}: must be {self.low:g} to {self.high:g}, got {got}")
        return value

    def schema(self) -> dict[str, Any]:
        """The parameter as JSON Schema (2020-12) describes it."""
        low, high = ("minLength", "maxLength") if self.kind == "string" else ("minimum", "maximum")
        bounds = {} if self.choices or self.kind == "boolean" else {low: self.low, high: self.high}
        choices = {"enum": list(self.choices)} if self.choices else {}
        default = {} if self.required or self.default is None else {"default": self.default}
        return {"type": self.kind, "description": self.summary, **bounds, **choices, **default}


def check_arguments(parameters: Iterable[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with defaults filled in. Raises BadArguments."""
    known = {parameter.name: parameter for parameter in parameters}
    strangers = [name for name in given if name not in known]
    if strangers:
        names = ", ".join(repr(str(name)[:40]) for name in strangers[:_SHOWN_NAMES])
        raise BadArguments(f"{names}: unknown: this tool takes {', '.join(known) or 'no arguments'}")
    for name, parameter in known.items():
        if parameter.required and name not in given:
            raise BadArguments(f"{name}: missing: {parameter.summary}")
    return {
        name: parameter.check(given[name]) if name in given else parameter.default
        for name, parameter in known.items()
    }
