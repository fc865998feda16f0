"""The check of a component that has none of its own: its readiness address answers."""

from __future__ import annotations

from stack.checks.check import SILENT, Check
from stack.checks.context import CheckContext


def answers(component: str, title: str) -> Check:
    """A check that the component answers 200 where it says that it is ready."""

    def run(context: CheckContext) -> str:
        path = dict(context.expected.ready_paths)[component]
        return f"{path} answers {context.http(component).readily().get(path).status}"

    return Check(f"{component}.ready", f"{title} serves", component, "ready", run, SILENT, 60)
