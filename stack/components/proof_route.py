"""The bundle's own routes in Alertmanager's main file, so that the alert path, and each receiver, can be proven.

A file that has the receiver already is left as it is. Pure: text in, text out; what the user wrote stays to the byte.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from stack.common import yaml_edit as edit
from stack.components.alertmanager_text import with_ways
from stack.model.receivers import TARGET
from stack.model.spec import TEST_RECEIVER, TRIED_RECEIVER

ROUTES = (
    f"{{receiver: {TEST_RECEIVER}, matchers: ['stack_test=\"true\"'], group_by: ['...'], group_wait: 0s,"
    " group_interval: 300ms, repeat_interval: 1h}",
    f"{{receiver: {TEST_RECEIVER}, matchers: ['alertname=\"Watchdog\"'], group_by: [alertname], group_wait: 0s,"
    " group_interval: 5s, repeat_interval: 1m, continue: true}",
)
"""The second goes on: the user's own routes hear of the Watchdog as well."""
CONFIGS = "_configs"
TRY = {"group_by": ["..."], "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"}
RECEIVER = (
    f"{{name: {TEST_RECEIVER}, webhook_configs: [{{url: 'http://{TARGET}/alerts', send_resolved: true}}]}}"
)


def with_proof(content: bytes) -> bytes:
    """The file with the receiver of the test alert and the ways to it; as it is where that cannot be added."""
    document = edit.compose(content.decode(errors="surrogateescape"))
    receivers = edit.items(edit.member(document, "receivers"))
    names = {edit.text_of(edit.member(one, "name")) for one in receivers}
    return content if TEST_RECEIVER in names or not receivers else with_ways(content, (RECEIVER,), ROUTES)


def with_tries(content: bytes) -> bytes:
    """The file with a first route to each receiver that tells others than the application, for test alerts alone."""
    text = content.decode(errors="surrogateescape")
    document = edit.compose(text)
    route = edit.member(document, "route")
    names = list(_real(edit.member(document, "receivers")))
    if not names or not isinstance(route, yaml.MappingNode):
        return content
    entries = [
        edit.flow(
            {
                "receiver": name,
                "matchers": ['stack_test="true"', f"{TRIED_RECEIVER}={edit.flow(name)}"],
                **TRY,
            }
        )
        for name in names
    ]
    return edit.edited(text, [edit.put_items(text, route, "routes", entries)]).encode(
        errors="surrogateescape"
    )


def _real(receivers: yaml.Node | None) -> Iterator[str]:
    """Names of receivers with an integration beside the application's webhook."""
    for receiver in edit.items(receivers):
        name = edit.text_of(edit.member(receiver, "name"))
        pairs = receiver.value if isinstance(receiver, yaml.MappingNode) else ()
        lists = (value for key, value in pairs if str(key.value).endswith(CONFIGS))
        if name and name != TEST_RECEIVER and any(not _ours(one) for one in lists for one in edit.items(one)):
            yield name


def _ours(integration: yaml.Node) -> bool:
    return edit.text_of(edit.member(integration, "url")).startswith(f"http://{TARGET}/")
