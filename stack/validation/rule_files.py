"""A rule file as people have it: Prometheus' own, or wrapped for Kubernetes, Mimir or a mixin. Pure.

What is Prometheus' own stays to the byte. What is wrapped is taken out as text, so that comments inside stay, and each
line knows which one of the user's file it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from msgspec import Struct

from stack.common import yaml_edit as edit
from stack.common.yaml_bounds import LOADER, bounded
from stack.common.yaml_text import line_of, remedy
from stack.validation.rule_faults import Judge, wrong
from stack.validation.rule_wrappings import OLD, OLD_FORMAT, Body, bodies, foreign, of_other_rulers, of_thanos

HELM = re.compile(r"\{\{-?\s*(?:\.Values|if\s|range\s|include\s|template\s|end\s*-?\}\})")
HELM_VALUES = re.compile(r"\{\{-?[^{}\n]*\.(?:Values|Release|Chart|Capabilities)\b")
"""What no template of an alert has, also where the file is YAML as it is."""
WEB_PAGE = re.compile(r"\A\s*<(?:!doctype|html)\b", re.IGNORECASE)
RAW = "download the file itself (raw), not the page that shows it"
NO_YAML = (
    (HELM, "a template of Helm", "render it first: helm template"),
    (
        re.compile(r"^\s*(?:local\s+\w+\s*=|import\s)|\+?::|\+:\s*[\[{]|\|\|\|", re.MULTILINE),
        "Jsonnet, the source of rules",
        "render it first: jsonnet -J vendor -e '(import \"FILE\").prometheusAlerts'",
    ),
)
"""What is taken for YAML and is none, with the remedy."""
GZIP = b"\x1f\x8b"
FORMS = "it needs groups: [{name: ..., rules: [...]}], or that under spec: of a PrometheusRule"


class RuleFile(Struct, frozen=True):
    """What is written, and what was taken off. ``lines``: that of the user's file for each line, if they differ.

    ``rules``: the group of each rule, its number there, counted from 1, and the line of the user's file.
    """

    content: str
    rules: tuple[tuple[str, int, int], ...]
    wrapping: str = ""
    lines: tuple[int, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(dict.fromkeys(group for group, _, _ in self.rules))

    def line(self, written: int) -> int:
        """The line of the user's file that became line ``written``."""
        if not self.lines:
            return written
        return self.lines[min(max(written, 1), len(self.lines)) - 1]

    def retold(self, message: str, path: str, name: str) -> str:
        """A message about the written file at ``path``, as one about the user's own, called ``name``.

        promtool says where in four ways: a line behind the path, one in its words, a group and number, or none.
        """
        for pattern, line in (
            (rf"{re.escape(path)}: yaml: unmarshal errors: line (\d+)", self._of_line),
            (rf'{re.escape(path)}:(?: 0:0:)* group "((?:[^"\\]|\\.)*)", rule (\d+)', self._of_rule),
            (rf"{re.escape(path)}: ?(\d+)(?::\d+)?(?:: \d+:\d+(?=:))*", self._of_line),
        ):
            message = re.sub(pattern, lambda m, line=line: f"{name}:{line(m)}", message)  # type: ignore[misc]
        return message.replace(path, name)

    def _of_line(self, found: re.Match[str]) -> int:
        return self.line(int(found[1]))

    def _of_rule(self, found: re.Match[str]) -> int:
        wanted = found[1], int(found[2])
        return next((line for group, number, line in self.rules if (group, number) == wanted), 1)


def understood(data: bytes, name: str) -> RuleFile:
    """The rules in a file called ``name``. ``ConfigurationInvalid`` names file, line and remedy."""
    text = _text(data, name)
    documents, found = _documents(text, name)
    if not found:
        told = next((said for one in documents if (said := foreign(one))), None)
        what, hint = told or _no_yaml(text) or ("no rules in it", FORMS)
        raise wrong(name, 0, what, hint)
    _of_prometheus(found, name)
    rules = tuple(Judge(name).rules(found))
    if not rules:
        raise wrong(name, 0, "no rules in it", FORMS)
    if len(documents) == 1 and len(found) == 1 and not found[0].wrapping:
        return RuleFile(text, rules)
    content, lines = _taken_out(text, found)
    if edit.compose(content) is None:
        raise wrong(name, 0, "its groups use an anchor of elsewhere in the file", "write its value out")
    wrapping = ", ".join(dict.fromkeys(body.wrapping or "documents" for body in found))
    return RuleFile(content, rules, wrapping, lines)


def _of_prometheus(found: list[Body], name: str) -> None:
    """``ConfigurationInvalid`` where a group says something to the ruler of another product."""
    for body in found:
        for key, whose in of_other_rulers(body):
            line = body.line(key.start_mark.line)
            what = f"{key.value} is for the ruler of {whose}, Prometheus does not know it"
            raise wrong(name, line, what, "take that line out")


def _text(data: bytes, name: str) -> str:
    if data.startswith(GZIP):
        raise wrong(name, 0, "it is compressed (gzip)", "gunzip it first")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise wrong(
            name, 0, f"no UTF-8 ({error.reason} at byte {error.start})", "save it as UTF-8"
        ) from error
    if found := HELM_VALUES.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise wrong(name, line, "a template of Helm", "render it first: helm template")
    if WEB_PAGE.match(text):
        raise wrong(name, 0, "a web page, no rules", RAW)
    if OLD_FORMAT.search(text) and "groups:" not in text:
        raise wrong(name, 0, *OLD)
    return text


def _documents(text: str, name: str) -> tuple[list[yaml.Node], list[Body]]:
    """The documents, and the groups in them."""
    try:
        composed = yaml.compose_all(bounded(text), Loader=LOADER)
        documents = [node for node in composed if not _is_empty(node)]
        return documents, [body for document in documents for body in bodies(document)]
    except yaml.YAMLError as error:
        problem = str(getattr(error, "problem", "")) or str(error).partition("\n")[0]
        what, hint = _no_yaml(text) or (problem, remedy(error, text))
        raise wrong(name, line_of(error, text), what, hint) from error
    except RecursionError as error:
        raise wrong(name, 0, "nested too deep", "correct the YAML") from error


def _no_yaml(text: str) -> tuple[str, str] | None:
    return next(((what, hint) for pattern, what, hint in NO_YAML if pattern.search(text)), None)


def _is_empty(node: yaml.Node | None) -> bool:
    return node is None or (isinstance(node, yaml.ScalarNode) and not node.value.strip())


def _taken_out(text: str, found: list[Body]) -> tuple[str, tuple[int, ...]]:
    """The groups of all bodies under one key."""
    source = text.splitlines()
    written = [("groups:", found[0].line(found[0].groups.start_mark.line))]
    for body in found:
        written += _block(body, source) if _is_block(body, source) else _flow(body)
    return "\n".join(line for line, _ in written) + "\n", tuple(number for _, number in written)


def _is_block(body: Body, source: list[str]) -> bool:
    if body.text is not None:
        return not body.groups.flow_style
    mark = body.groups.start_mark
    return not body.groups.flow_style and source[mark.line][: mark.column].strip() == ""


def _block(body: Body, source: list[str]) -> Iterator[tuple[str, int]]:
    lines = body.text.splitlines() if body.text is not None else source
    first, column = int(body.groups.start_mark.line), int(body.groups.start_mark.column)
    end = body.groups.end_mark
    last = int(end.line) + (1 if end.line < len(lines) and lines[end.line][: end.column].strip() else 0)
    while first and _is_comment(lines[first - 1]):
        first -= 1
    while last > first and (not lines[last - 1].strip() or _indent(lines[last - 1]) < column):
        last -= 1
    dropped = of_thanos(body)
    for number in range(first, last):
        if number in dropped:
            continue
        line = lines[number]
        kept = line[column:] if not line[:column].strip() else line.lstrip()
        yield kept, body.line(number)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _flow(body: Body) -> Iterator[tuple[str, int]]:
    """Groups in braces, each on a line of its own; JSON is such."""
    of_thanos(body)
    for group in edit.items(body.groups):
        dumped = yaml.serialize(group, Dumper=yaml.SafeDumper, width=1_000_000, allow_unicode=True)
        for number, line in enumerate(dumped.rstrip("\n").splitlines()):
            yield ("- " if number == 0 else "  ") + line, body.line(group.start_mark.line)
