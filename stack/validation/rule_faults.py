"""What is wrong with the rules of a file, and told less clearly, or without its line, by promtool. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from msgspec import Struct

from stack.common import yaml_edit as edit
from stack.common.durations import seconds
from stack.common.errors import ConfigurationInvalid
from stack.common.logql import LOGQL
from stack.validation.rule_wrappings import Body

STRING = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)""")
MACRO = re.compile(r"\$\{?\w+\}?|\[\[\w+\]\]")
MERGE, NULL = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:null"
OF_GROUP, OF_RULE = ("interval", "query_offset"), ("for", "keep_firing_for")


class Judge(Struct, frozen=True):
    """Goes through the rules of the file called ``name``; the first fault is an error with its line."""

    name: str

    def rules(self, found: list[Body]) -> Iterator[tuple[str, int, int]]:
        """Each rule: its group, its number there, its line."""
        seen: dict[str, int] = {}
        for body in found:
            for group in _present(body.groups):
                line, name = line_of(group, body), self._name(group, body)
                if name in seen:
                    what = f"group {name} is there already, in line {seen[name]}"
                    raise wrong(self.name, line, what, "name one of them otherwise")
                seen[name] = line
                self._durations(group, OF_GROUP, body)
                for number, rule in enumerate(_present(edit.member(group, "rules")), 1):
                    self._mapping(rule, "a rule", body)
                    self._rule(rule, body)
                    yield name, number, line_of(rule, body)

    def _name(self, group: yaml.Node, body: Body) -> str:
        self._mapping(group, "a group", body)
        found = edit.member(group, "name")
        if found is not None:
            self._text("name", found, body)
        if not edit.text_of(found):
            raise wrong(self.name, line_of(group, body), "a group without a name", "give it one: name: NAME")
        return edit.text_of(found)

    def _mapping(self, node: yaml.Node, what: str, body: Body) -> None:
        if not isinstance(node, yaml.MappingNode):
            hint = "groups: [{name: NAME, rules: [{alert: NAME, expr: QUERY}]}]"
            raise wrong(self.name, line_of(node, body), f"{what} is no mapping", hint)

    def _rule(self, rule: yaml.Node, body: Body) -> None:
        self._durations(rule, OF_RULE, body)
        self._expression(edit.member(rule, "expr"), body)
        for part in ("labels", "annotations"):
            texts = edit.member(rule, part)
            for key, value in texts.value if isinstance(texts, yaml.MappingNode) else ():
                if key.tag == MERGE:  # whose values stand elsewhere
                    continue
                self._text(f"{part} {key.value}", value, body)

    def _durations(self, owner: yaml.Node, keys: tuple[str, ...], body: Body) -> None:
        for key in keys:
            node = edit.member(owner, key)
            try:
                seconds(edit.text_of(node) or "0")
            except ValueError as error:
                what = f"{key}: {edit.text_of(node)} is no duration"
                hint = "a whole number with ms, s, m, h, d, w or y, such as 30s or 1h30m"
                raise wrong(self.name, line_of(node or owner, body), what, hint) from error

    def _text(self, what: str, node: yaml.Node, body: Body) -> None:
        if not isinstance(node, yaml.ScalarNode):
            hint = "a value that begins with { or [ needs quotes"
            raise wrong(self.name, line_of(node, body), f"{what} is no text", hint)

    def _expression(self, node: yaml.Node | None, body: Body) -> None:
        """What other products take, and Prometheus does not."""
        if node is None:
            return
        self._text("expr", node, body)
        text = edit.text_of(node)
        if LOGQL.search(text):
            hint = "its ruler evaluates it, Prometheus cannot"
            raise wrong(self.name, line_of(node, body), "a query of Loki (LogQL)", hint)
        if variable := MACRO.search(STRING.sub('""', text)):
            what = f"{variable[0]} is a variable of Grafana, which no rule has"
            raise wrong(self.name, line_of(node, body), what, "write what it stands for, such as [5m]")


def line_of(node: yaml.Node, body: Body) -> int:
    """The line of the user's file."""
    return body.line(int(node.start_mark.line))


def _present(node: yaml.Node | None) -> list[yaml.Node]:
    """The items of a list; Prometheus leaves out those that are null."""
    return [item for item in edit.items(node) if item.tag != NULL]


def wrong(name: str, line: int, what: str, hint: str) -> ConfigurationInvalid:
    """The error that names file and line; line 0: it is the whole file."""
    return ConfigurationInvalid(f"{name}{f':{line}' if line else ''}: {what}", hint=hint)
