"""Alertmanager's files beyond what amtool says: secrets, templates, and the way of the bundle's own alert. Pure."""

from __future__ import annotations

import re

import yaml

from stack.common import yaml_edit as edit
from stack.common.errors import ConfigurationInvalid
from stack.common.go_templates import defined
from stack.model.spec import TEST_RECEIVER, ConfigFile
from stack.validation.messages import MAIN, TEMPLATES, check_templates, keyed
from stack.validation.native import check_loaded, check_named_files, place, text_of, wrong
from stack.validation.secrets import check_secrets

COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
LOST = re.compile(r"\s+(#[^\s#].*?)\s*$")
"""What stands behind a key as a comment, and looks like a value: no blank behind its sign."""


def check_notifying(files: tuple[ConfigFile, ...]) -> None:
    """``ConfigurationInvalid`` names the file, the line and the remedy."""
    check_loaded(files, MAIN, "templates", TEMPLATES)
    check_named_files(files)
    check_secrets(files)
    check_templates(files)
    for file in files:
        if file.path.startswith(TEMPLATES):
            _is_text(file)
            _defines(file)
        elif file.path == MAIN:
            _said_whole(file)
            _provable(file)


def _is_text(file: ConfigFile) -> None:
    try:
        file.content.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationInvalid(f"{place(file)}: {error}", hint="save it as UTF-8") from error


def _defines(file: ConfigFile) -> None:
    """Text outside any definition is never sent; a comment is not meant to be."""
    if (text := COMMENT.sub("", text_of(file))).strip() and not defined(text):
        hint = 'write {{ define "NAME" }} before its text and {{ end }} behind it'
        raise ConfigurationInvalid(f"{place(file)}: it defines no template, so nothing can use it", hint=hint)


def _said_whole(file: ConfigFile) -> None:
    """No value is lost as a comment: YAML takes what begins with # for one."""
    lines = text_of(file).splitlines()
    for key, node in keyed(edit.compose(text_of(file))):
        line = int(node.start_mark.line)
        behind = lines[line : line + 1] if not node.value and not node.style else ()
        if lost := next(
            (found for text in behind if (found := LOST.match(text, node.start_mark.column))), None
        ):
            what = f"{key}: {lost[1]} is a comment, and {key} is empty"
            raise wrong(file, what, f'put it in quotes: {key}: "{lost[1]}"', line + 1)


def _provable(file: ConfigFile) -> None:
    """The bundle's own receiver, where there is one, is led to by a route."""
    document = edit.compose(text_of(file))
    for receiver in edit.items(edit.member(document, "receivers")):
        name = edit.member(receiver, "name")
        if name is None or edit.text_of(name) != TEST_RECEIVER:
            continue
        if not _leads_there(edit.member(document, "route")):
            way = f"{{receiver: {TEST_RECEIVER}, matchers: ['stack_test=\"true\"']}}"
            hint = f"add the route {way}, or remove the receiver"
            what = f"no route leads to the receiver {TEST_RECEIVER}, so no alert path can be proven"
            raise wrong(file, what, hint, int(name.start_mark.line) + 1)


def _leads_there(route: yaml.Node | None) -> bool:
    if edit.text_of(edit.member(route, "receiver")) == TEST_RECEIVER:
        return True
    return any(_leads_there(one) for one in edit.items(edit.member(route, "routes")))
