"""More receivers and routes in the text of Alertmanager's main file. Pure; what stands there stays to the byte."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from stack.common import yaml_edit as edit


def with_ways(
    content: bytes, receivers: Sequence[str], routes: Sequence[str], notes: Sequence[str] = ()
) -> bytes:
    """The file with these entries, in flow style, before its own; ``notes`` are comments behind them.

    As it is where they cannot be added, since it is no map or has no route.
    """
    text = content.decode(errors="surrogateescape")
    document = edit.compose(text)
    route = edit.member(document, "route")
    if not isinstance(document, yaml.MappingNode) or not isinstance(route, yaml.MappingNode):
        return content
    edits = [
        edit.put_items(text, document, "receivers", receivers, notes),
        edit.put_items(text, route, "routes", routes, notes),
    ]
    return edit.edited(text, edits).encode(errors="surrogateescape")
