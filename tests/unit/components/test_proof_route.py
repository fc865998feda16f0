"""The user's own file for Alertmanager keeps every byte, and gets the ways of the bundle's own alert."""

from __future__ import annotations

import pytest
import yaml

from stack.components.proof_route import with_proof

RECEIVERS = "receivers:\n  # who\n  - name: people\n"
FILES = [
    f"route:\n  receiver: people\n{RECEIVERS}",
    f"route: {{receiver: people}}\n{RECEIVERS}",
    f"route:\n  receiver: people\n  routes:\n    # night\n    - receiver: people\n      match: {{a: 017}}\n{RECEIVERS}",
    f"route:\n  receiver: people\n  routes:\n  - receiver: people\n{RECEIVERS}",
    f"route:\n  receiver: people\n  routes: []\n{RECEIVERS}",
    f"route:\n  routes:\n  receiver: people\n{RECEIVERS}",
    "route: {receiver: people, routes: [{receiver: people}]}\nreceivers: [{name: people}]\n",
    '{"route": {"receiver": "people"}, "receivers": [{"name": "people"}]}',
]


@pytest.mark.parametrize("text", FILES)
def test_two_routes_and_a_receiver_come_first(text: str) -> None:
    before, after = yaml.safe_load(text), yaml.safe_load(with_proof(text.encode()))
    assert [one["receiver"] for one in after["route"]["routes"][:2]] == ["stack-test"] * 2
    assert after["receivers"][0]["webhook_configs"][0]["url"] == "http://app:8000/alerts"
    assert after["receivers"][1:] == before["receivers"]
    assert after["route"]["routes"][2:] == (before["route"].get("routes") or [])
    assert {**after["route"], "routes": 0} == {**before["route"], "routes": 0}


@pytest.mark.parametrize(
    "text",
    [
        "route: {receiver: stack-test}\nreceivers: [{name: stack-test}]\n",
        "route: {receiver: a}\n",
        "receivers: [{name: a}]\n",
        "receivers: []\nroute: {}\n",
        "a: [",
        "",
        "\xff",
    ],
)
def test_a_file_that_has_it_or_cannot_have_it_stays(text: str) -> None:
    content = text.encode("latin-1")
    assert with_proof(content) == content
