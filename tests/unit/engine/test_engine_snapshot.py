"""What is observed while a container is removed: it is left out, and any other refusal is told with its status."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from stack.common.errors import StartFailed
from stack.engine.client import Client
from stack.engine.snapshot import Snapshots
from stack.engine.transport import Reply, Request
from stack.model.spec import CONFIG_ROOT

LISTED = {"Id": "c1", "Labels": {}, "Mounts": [{"Destination": CONFIG_ROOT}]}
EMPTY: dict[str, Any] = {"networks": [], "volumes": {"Volumes": []}, "info": {}, "containers/json": [LISTED]}
OURS = {"Config": {"Labels": {"monitoring-stack.stack": "demo"}}}


@dataclass
class Engine:
    """Answers of one that refuses to look into its container; ``statuses``: what becomes of that meanwhile."""

    statuses: list[str]
    words: str = ""
    asked: list[str] = field(default_factory=list)

    def send(self, request: Request) -> Reply:
        path = urlsplit(request.target).path.removeprefix("/v1.41/")
        self.asked.append(f"{request.method} {path}")
        if path == "/_ping":
            return self._reply(200, None)
        if request.method == "HEAD":
            return Reply(500, {}, iter(()), lambda: None, None)
        if path == "containers/c1/archive":
            if self.words == "none":
                return self._reply(200, {})
            return self._reply(500, {"message": self.words} if self.words else {})
        if path != "containers/c1/json":
            return self._reply(200, EMPTY[path])
        status = self.statuses.pop(0)
        return self._reply(200, {**OURS, "State": {"Status": status}}) if status else self._reply(404, {})

    def _reply(self, status: int, body: object) -> Reply:
        return Reply(status, {"api-version": "1.41"}, iter((json.dumps(body).encode(),)), lambda: None, None)


@pytest.mark.parametrize("then", ["removing", "dead", ""])
def test_one_that_is_being_removed_is_left_out(then: str) -> None:
    engine = Engine(["running", then])
    assert Snapshots(Client(engine, "unix:///x", 1)).observe("demo").containers == ()
    assert engine.statuses == []


@pytest.mark.parametrize(
    ("words", "told"), [("", "{}"), ("no space left", "no space left"), ("none", "HTTP status 500")]
)
def test_a_refusal_is_told_in_the_words_that_only_reading_brings(words: str, told: str) -> None:
    with pytest.raises(StartFailed, match=f"observe demo: {told}"):
        Snapshots(Client(Engine(["running", "running"], words), "unix:///x", 1)).observe("demo")


def test_a_link_in_a_circle_leads_nowhere() -> None:
    client = Client(Engine([], "evalSymlinksInScope: too many links in /x"), "unix:///x", 1)
    assert client.seen("c1", f"{CONFIG_ROOT}/current") == ""
