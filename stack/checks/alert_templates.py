"""The check that every message template which a receiver names is defined in a file that Alertmanager loads.

Neither amtool nor Alertmanager says so before a notification fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stack.checks.alertmanager_file import FILE, rendered, understood
from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import Broken
from stack.common.go_templates import BUILT_IN, defined, named, texts
from stack.common.wait import NotYet
from stack.model.patterns import loads


def receivers(context: CheckContext) -> str:
    """Each template that a receiver, or a template that it uses, names is defined."""
    expected = context.expected
    with understood():
        config = rendered(expected.alertmanager_config)
        patterns = [str(pattern) for pattern in config.get("templates") or ()]
        loaded = {path: text for path, text in expected.templates if loads(patterns, path)}
        known = {name for text in loaded.values() for name in defined(text)}
        asked = [*_of_receivers(config), *_of_files(loaded)]
    for who, name in asked:
        if name not in known and not BUILT_IN.fullmatch(name):
            raise Broken(
                f"{who}: template {name} is not defined, so that none of its notices can be written",
                f"define it in a .tmpl file that templates: in {FILE} loads, or correct the name, "
                "then monitoring-stack reload",
            )
    if not context.alertmanager.reload_succeeded():
        raise NotYet("Alertmanager has refused the latest load, so the templates of before are in use")
    return (
        f"{len(asked)} names of templates, each defined in {len(loaded)} loaded files or Alertmanager's own"
    )


def _of_receivers(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for receiver in config.get("receivers") or ():
        for text in texts(receiver):
            for name in named(text):
                yield f"{FILE}: receiver {receiver['name']}", name


def _of_files(loaded: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for path, text in loaded.items():
        for name in named(text):
            yield path, name


CHECKS = (
    Check(
        "alertmanager.receivers",
        "every template that a receiver names is defined",
        "alertmanager",
        "checked",
        receivers,
        f"correct the name in {FILE}, then monitoring-stack reload",
        10,
    ),
)
