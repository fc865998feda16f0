"""Refuses broken configuration before anything is written: YAML and JSON here, the rest by promtool and amtool.

The products' own tools run in short-lived containers of their images, so nothing needs to be installed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from stack.common.wait import together
from stack.engine.interface import Engine
from stack.model.spec import ConfigFile, ServiceSpec, StackSpec, ordered
from stack.validation.rules import Rules

AtRest = tuple[str, tuple[ConfigFile, ...]]
Idle = tuple[AtRest, ...]


def validate(
    spec: StackSpec, engine: Engine, rules: Rules, known: Callable[[str], bool], idle: Idle = ()
) -> tuple[str, ...]:
    """Checks all files; returns the identities that are now known to be good.

    ``known`` tells of an identity (files, image) whether it was found good before; ``idle`` are the files of what
    does not run here, which are no less a part of the bundle. Raises ``ConfigurationInvalid``.
    """
    at_rest = [one for one in idle if not known(identity_at_rest(*one))]
    checked = [s for s in spec.services if s.files and not known(identity(s))]
    if at_rest or checked:
        _check(spec.name, engine, rules, at_rest, checked)
    return (*(identity(s) for s in spec.services if s.files), *(identity_at_rest(*one) for one in idle))


def _check(
    stack: str, engine: Engine, rules: Rules, at_rest: Sequence[AtRest], checked: Sequence[ServiceSpec]
) -> None:
    """What most commands need not: all files were found good before."""
    from stack.validation.syntax import check_syntax
    from stack.validation.tools import run_tool

    check_syntax(rules, *at_rest)
    check_syntax(rules, *((s.component, s.judged) for s in checked))
    judged = [(s, (*rule.tool, *rule.tool_words(s.files))) for s in checked for rule in (rules[s.kind],)]
    together(lambda one: run_tool(stack, *one, engine), [one for one in judged if one[1]])


def identity(service: ServiceSpec) -> str:
    """What a verdict holds for: these files, judged by this image."""
    return f"{service.component} {service.files_digest()} {service.image_id}"


def identity_at_rest(component: str, files: tuple[ConfigFile, ...]) -> str:
    """What a verdict on the syntax of files holds for that no container reads here."""
    prints = " ".join(file.fingerprint() for file in ordered(files))
    return f"{component} {hashlib.sha256(prints.encode()).hexdigest()[:16]} at rest"
