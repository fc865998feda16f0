"""Matchers of labels as Alertmanager writes them: ``severity="critical"``, ``team=~"a|b"``.

Text in, a verdict out: whether labels match, of which some may be unknown beforehand. What cannot be read here, such
as a regular expression of another dialect, is never guessed: its verdict is that nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

Verdict = bool | None
"""Whether something holds; None where it depends on what is not known."""
UNREADABLE = "?"
ANYTHING = (".*", "(.*)", "^.*$")
CLASSES = "[["
PART = re.compile(
    r"""\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<name>[^\s"=!~,{}]+))\s*(?P<op>=~|!~|!=|=)\s*
    (?:"(?P<value>(?:[^"\\]|\\.)*)"|(?P<bare>[^",]*))\s*(?:,|$)""",
    re.VERBOSE | re.DOTALL,
)
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


class Matcher(Struct, frozen=True):
    """One condition on one label. ``op`` is =, !=, =~ or !~."""

    name: str
    op: str
    value: str

    def __str__(self) -> str:
        return f'{self.name}{self.op}"{self.value}"'

    def judge(self, value: str | None) -> Verdict:
        """Whether a label of this value fits; a label that is not there has the value "", an unknown one None."""
        positive = self._positive(value)
        return positive if positive is None or self.op in ("=", "=~") else not positive

    def _positive(self, value: str | None) -> Verdict:
        if self.op in ("=~", "!~"):
            if self.value in ANYTHING:
                return True
            return None if value is None else _fits(self.value, value)
        return None if value is None or self.op == UNREADABLE else value == self.value


def _fits(pattern: str, value: str) -> Verdict:
    """Whether the whole value fits; named classes, which Python lacks, would be read as something else."""
    if CLASSES in pattern:
        return None
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return None


class Labels(Struct, frozen=True):
    """The labels of an alert as far as they are known; those named in ``unknown`` may have any value."""

    known: Mapping[str, str]
    unknown: frozenset[str] = frozenset()

    def value(self, name: str) -> str | None:
        """The value of a label, "" where there is none; None where nobody knows it beforehand."""
        return None if name in self.unknown else self.known.get(name, "")


def match(matchers: Iterable[Matcher], labels: Labels) -> Verdict:
    """Whether all matchers fit."""
    verdicts = [matcher.judge(labels.value(matcher.name)) for matcher in matchers]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def parse(text: str) -> tuple[Matcher, ...]:
    """The matchers of one entry, of which braces and commas may hold several."""
    return tuple(_parts(text))


def _parts(text: str) -> Iterator[Matcher]:
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1].strip()
    while inner:
        found = PART.match(inner)
        if found is None:
            yield Matcher(text, UNREADABLE, "")
            return
        name = found["name"] if found["quoted"] is None else _plain(found["quoted"])
        value = found["bare"].strip() if found["value"] is None else _plain(found["value"])
        yield Matcher(name, found["op"], value)
        inner = inner[found.end() :].strip()


def _plain(quoted: str) -> str:
    return re.sub(r'\\[\\"n]', lambda escape: ESCAPES[escape[0]], quoted)
