"""The bundle's own routes in a main file of the user's for Alertmanager, so that the alert path stays provable.

A file that has the receiver already is left as it is. Pure: text in, text out; what the user wrote stays to the byte.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from stack.common import yaml_edit as edit
from stack.components.token import TARGET
from stack.model.spec import TEST_RECEIVER

ROUTES = (
    f"{{receiver: {TEST_RECEIVER}, matchers: ['stack_test=\"true\"'], group_by: ['...'], group_wait: 0s,"
    " group_interval: 300ms, repeat_interval: 1h}",
    f"{{receiver: {TEST_RECEIVER}, matchers: ['alertname=\"Watchdog\"'], group_by: [alertname], group_wait: 0s,"
    " group_interval: 5s, repeat_interval: 1m, continue: true}",
)
"""The second goes on: the user's own routes hear of the Watchdog as well."""
RECEIVER = (
    f"{{name: {TEST_RECEIVER}, webhook_configs: [{{url: 'http://{TARGET}/alerts', send_resolved: true}}]}}"
)


def with_proof(content: bytes) -> bytes:
    """The file with the receiver of the test alert and the ways to it; as it is where that cannot be added."""
    text = content.decode(errors="surrogateescape")
    document = edit.compose(text)
    receivers, route = edit.member(document, "receivers"), edit.member(document, "route")
    names = {edit.text_of(edit.member(one, "name")) for one in edit.items(receivers)}
    if TEST_RECEIVER in names or not edit.items(receivers) or not isinstance(route, yaml.MappingNode):
        return content
    edits = [*_first(text, receivers, (RECEIVER,)), *_routes(text, route)]
    return edit.edited(text, edits).encode(errors="surrogateescape")


def _routes(text: str, route: yaml.MappingNode) -> Iterator[edit.Edit]:
    routes = edit.member(route, "routes")
    if edit.items(routes):
        yield from _first(text, routes, ROUTES)
    elif routes is None:
        yield edit.put_first(route, f"routes: [{', '.join(ROUTES)}]")
    else:  # an empty list, or no value at all
        yield edit.replaced(routes, f" [{', '.join(ROUTES)}]")


def _first(text: str, sequence: yaml.Node | None, entries: tuple[str, ...]) -> Iterator[edit.Edit]:
    """More items before all others of a sequence that has some."""
    place = edit.items(sequence)[0].start_mark.index
    if isinstance(sequence, yaml.SequenceNode) and sequence.flow_style:
        yield edit.Edit(place, place, "".join(f"{entry}, " for entry in entries))
        return
    dash = text.rindex("-", 0, place)
    indent = " " * (dash - (text.rfind("\n", 0, dash) + 1))
    yield edit.Edit(dash, dash, "".join(f"- {entry}\n{indent}" for entry in entries))
