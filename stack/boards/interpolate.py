"""Grafana's templates in a text: ``$x``, ``${x}``, ``${x:format}``, ``${x.field}``, ``[[x]]``, and its macros. Pure.

A value is put into PromQL as Grafana's Prometheus data source does it: what can have several values is an expression,
its parts escaped and joined.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from msgspec import Struct

ALL = "$__all"
BY_SERVER = ("__rate_interval", "__interval", "__range")
TEMPLATE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^\}]+))?(?::([^\}]+))?\}")
SPECIAL = re.compile(r"[$^*{}\[\]'+?.()|]")
REGEX_SPECIAL = re.compile(r"[-/\\^$*+?.()|[\]{}]")


class Value(Struct, frozen=True):
    """What a variable stands for. ``several``: it may have more than one value, so that it is an expression.

    ``whole``: the variable's own text for "All", used as it is. ``text``: what the list in the browser shows.
    """

    values: tuple[str, ...]
    several: bool = False
    whole: str | None = None
    text: str = ""


class Span(Struct, frozen=True):
    """The time that is looked at, in seconds since 1970, and the distance of two points; all in seconds.

    ``scrape``: the scrape interval that the data source is told.
    """

    start: float
    end: float
    interval: float
    scrape: float = 5.0

    @property
    def seconds(self) -> float:
        """Its length."""
        return max(1.0, self.end - self.start)

    def macros(self) -> dict[str, str]:
        """Grafana's own variables. ``$__rate_interval``: an interval and a scrape, at least four scrapes."""
        rate = max(self.interval + self.scrape, 4 * self.scrape)
        return {
            "__rate_interval": _seconds(rate),
            "__rate_interval_ms": f"{rate * 1000:.0f}",
            "__interval": _seconds(self.interval),
            "__interval_ms": f"{self.interval * 1000:.0f}",
            "__range": f"{self.seconds:.0f}s",
            "__range_s": f"{self.seconds:.0f}",
            "__range_ms": f"{self.seconds * 1000:.0f}",
            "__from": f"{self.start * 1000:.0f}",
            "__to": f"{self.end * 1000:.0f}",
            "__dashboard": "dashboard",
            "__org": "1",
            "__user": "1",
            "__timezone": "utc",
        }

    def left_to_grafana(self) -> dict[str, str]:
        """The same for what a browser sends: what Grafana's server replaces stays."""
        return {n: f"${{{n}}}" if n.startswith(BY_SERVER) else text for n, text in self.macros().items()}


class Unknown(ValueError):
    """The text asks for a variable that nobody defines."""


def interpolated(text: str, values: Mapping[str, Value], macros: Mapping[str, str]) -> str:
    """The text with all templates replaced; ``Unknown`` names one that is not defined.

    A number is no variable: ``label_replace`` names its groups so. What labels are called in legends is nobody's
    variable either, but a query that asks for it is at fault.
    """

    def replaced(found: re.Match[str]) -> str:
        name = found[1] or found[2] or found[4]
        format_name = found[3] or found[6] or ""
        if name.isdigit():
            return found[0]
        if name in values:
            return formatted(values[name], format_name, found[5] or "")
        if name in macros:
            return macros[name]
        raise Unknown(f"no variable is called {name}: define it or correct {text!r}")

    return TEMPLATE.sub(replaced, text)


def formatted(value: Value, name: str = "", field: str = "") -> str:
    """The value in a format of Grafana's (``regex``, ``csv``, ...); without one as PromQL needs it."""
    if field == "text" or name == "text":
        return value.text or " + ".join(value.values)
    if value.whole is not None:
        return value.whole
    if not name:
        return _for_promql(value)
    kind, _, argument = name.partition(":")
    if kind == "join":
        return (argument or ",").join(value.values)
    return FORMATS.get(kind, _glob)(value.values)


def names_in(text: str) -> set[str]:
    """The variables that a text asks for."""
    return {found[1] or found[2] or found[4] for found in TEMPLATE.finditer(text)}


def _for_promql(value: Value) -> str:
    if not value.several:
        return "".join(one.replace("\\", "\\\\").replace("'", "\\\\'") for one in value.values[:1])
    escaped = [SPECIAL.sub(r"\\\\\g<0>", one.replace("\\", "\\\\\\\\")) for one in value.values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _regex(values: tuple[str, ...]) -> str:
    escaped = [REGEX_SPECIAL.sub(r"\\\g<0>", one) for one in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _glob(values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else f"{{{','.join(values)}}}"


def _encoded(values: tuple[str, ...]) -> str:
    return quote(_glob(values), safe="")


def _quoted(sign: str) -> Callable[[tuple[str, ...]], str]:
    return lambda values: ",".join(sign + one.replace(sign, f"\\{sign}") + sign for one in values)


FORMATS: Mapping[str, Callable[[tuple[str, ...]], str]] = {
    "regex": _regex,
    "pipe": "|".join,
    "csv": ",".join,
    "raw": ",".join,
    "json": lambda values: json.dumps(values[0] if len(values) == 1 else list(values)),
    "glob": _glob,
    "percentencode": _encoded,
    "uriencode": _encoded,
    "doublequote": _quoted('"'),
    "singlequote": _quoted("'"),
    "sqlstring": lambda values: ",".join("'" + one.replace("'", "''") + "'" for one in values),
    "lucene": lambda values: values[0] if len(values) == 1 else f"({' OR '.join(values)})",
    "distributed": ",".join,
}


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}s" if seconds >= 1 else f"{seconds * 1000:.0f}ms"
