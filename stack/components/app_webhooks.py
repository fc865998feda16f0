"""Alertmanager's webhooks of the application: with its token where one is set, gone where it does not run.

Pure: text in, text out, edited in place.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from stack.common import yaml_edit as edit
from stack.components.build import Build
from stack.components.token import APP_TOKEN, CREDENTIALS, OTHERS
from stack.model.receivers import TARGET
from stack.model.spec import TEST_RECEIVER, TEST_RECEIVER_URL

HOOKS = "webhook_configs"


def notifying(build: Build, content: bytes) -> bytes:
    """The main file, in which each webhook of the application fits what runs."""
    text = content.decode(errors="surrogateescape")
    if "app" not in build.present:
        edits = list(_without_app(text))
    elif APP_TOKEN in build.secrets:
        edits = list(_with_token(text))
    else:
        return content
    return edit.edited(text, edits).encode(errors="surrogateescape")


def _receivers(text: str) -> Iterator[tuple[yaml.Node, yaml.Node | None]]:
    """Every receiver with its list of webhooks."""
    for receiver in edit.items(edit.member(edit.compose(text), "receivers")):
        yield receiver, edit.member(receiver, HOOKS)


def _ours(hook: yaml.Node) -> bool:
    return edit.text_of(edit.member(hook, "url")).startswith(f"http://{TARGET}/")


def _without_app(text: str) -> Iterator[edit.Edit]:
    for receiver, hooks in _receivers(text):
        if not isinstance(hooks, yaml.SequenceNode):
            continue
        found = [hook for hook in hooks.value if _ours(hook)]
        if edit.text_of(edit.member(receiver, "name")) == TEST_RECEIVER:
            urls = [edit.member(hook, "url") for hook in found]
            yield from (edit.replaced(url, TEST_RECEIVER_URL) for url in urls if url is not None)
        else:
            yield from edit.without(text, hooks, found)


def _with_token(text: str) -> Iterator[edit.Edit]:
    for _, hooks in _receivers(text):
        for hook in edit.items(hooks):
            http = edit.member(hook, "http_config")
            if not _ours(hook) or OTHERS & edit.keys(http) or not isinstance(hook, yaml.MappingNode):
                continue
            if isinstance(http, yaml.MappingNode):
                yield edit.put_first(http, CREDENTIALS)
            elif http is None:
                yield edit.put_first(hook, f"http_config: {{{CREDENTIALS}}}")
            else:  # `http_config:` without a value
                yield edit.replaced(http, f" {{{CREDENTIALS}}}")
