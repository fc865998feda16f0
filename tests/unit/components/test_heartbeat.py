"""The way of the Watchdog to an address outside: in the file as text, the address nowhere but in its own file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stack.checks.routing import read, routes_of
from stack.common.errors import SettingsError
from stack.common.matchers import Labels
from stack.components import assemble, load
from stack.components.build import Build
from stack.components.heartbeat import ADDRESS
from stack.config.secret import Secret
from stack.config.tree import read_tree
from stack.deploy.describe import read_secret
from stack.model.receivers import HEARTBEAT
from stack.model.spec import ServiceSpec
from tests.unit.components.test_components import ROOT, images_of_all

URL = "https://hc-ping.com/0123-4567"
OWN = "own/alertmanager/alertmanager.yml"
MINE = """\
# mine
route: {receiver: me}   # no routes
receivers: [{name: me, webhook_configs: [{url: "http://a/", send_resolved: no}]}]
time_intervals:
- {name: nights, time_intervals: [{times: [{start_time: 17:00, end_time: 18:00}]}]}
"""


def alertmanager(url: str = URL, **environ: str) -> ServiceSpec:
    tree = read_tree(ROOT)
    if own := environ.pop("own", ""):
        tree[OWN] = own.encode()
    secrets = {ADDRESS.name: Secret(url)} if url else {}
    build = Build(load(environ=environ, project=ROOT), images_of_all(), tree, secrets)
    return assemble(build).service("alertmanager")


def main(service: ServiceSpec) -> str:
    return next(f.content.decode() for f in service.files if f.path == "alertmanager.yml")


@pytest.mark.parametrize("own", ["", MINE], ids=["shipped", "own"])
@pytest.mark.parametrize("app", ["on", "off"])
def test_the_watchdog_goes_there_and_to_all_others_as_before(own: str, app: str) -> None:
    given = {"own": own, "STACK_COMPONENTS": f"app={app}"}
    before, after = main(alertmanager("", **given)), main(alertmanager(**given))
    assert set(before.splitlines()) - set(after.splitlines()) <= {
        line for line in before.splitlines() if "receiver" in line or "{" in line
    }, "what stands there stays"
    routing = read(yaml.safe_load(after))
    found = [
        r.receiver for r in routes_of(routing.root, Labels({"alertname": "Watchdog", "severity": "none"}))
    ]
    was = read(yaml.safe_load(before)).root
    assert found == [
        HEARTBEAT,
        *(r.receiver for r in routes_of(was, Labels({"alertname": "Watchdog", "severity": "none"}))),
    ]
    others = routes_of(routing.root, Labels({"alertname": "GateUnavailable", "severity": "critical"}))
    assert HEARTBEAT not in [route.receiver for route in others]
    assert routing.receivers[HEARTBEAT] == ("webhook",)
    assert "17:00" in after or not own


def test_it_is_told_each_minute_and_never_that_the_watchdog_has_ended() -> None:
    document = yaml.safe_load(main(alertmanager()))
    (route,) = [one for one in document["route"]["routes"] if one["receiver"] == HEARTBEAT]
    assert (route["repeat_interval"], route["group_wait"], route["continue"]) == ("1m", "0s", True)
    (receiver,) = [one for one in document["receivers"] if one["name"] == HEARTBEAT]
    assert receiver["webhook_configs"] == [
        {"url_file": "/etc/stack/secrets/watchdog_url", "send_resolved": False}
    ]


@pytest.mark.parametrize(("every", "looks"), [("2s", "2s"), ("5m", "5s")])
def test_how_often_is_a_setting(every: str, looks: str) -> None:
    document = yaml.safe_load(main(alertmanager(STACK_WATCHDOG_EVERY=every)))
    (route,) = [one for one in document["route"]["routes"] if one["receiver"] == HEARTBEAT]
    assert (route["repeat_interval"], route["group_interval"]) == (every, looks)


@pytest.mark.parametrize("every", ["often", "0s", "1", "1.5m"])
def test_what_is_no_span_is_refused(every: str) -> None:
    with pytest.raises(SettingsError, match=r"watchdog\.every"):
        alertmanager(STACK_WATCHDOG_EVERY=every)


def test_the_address_is_one_private_file_and_stands_nowhere_else() -> None:
    service = alertmanager()
    (file,) = [f for f in service.assets if f.secret]
    assert (file.path, file.mode, file.content) == ("secrets/watchdog_url", 0o400, URL.encode())
    assert URL not in repr(service) and not [f for f in service.files if URL.encode() in f.content]


def test_without_it_nothing_changes() -> None:
    assert HEARTBEAT not in main(alertmanager(""))


@pytest.mark.parametrize("text", ["", "hc-ping.com/1", "https://", "two\nlines", "ftp://a/b"])
def test_what_is_no_address_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "address"
    file.write_text(text)
    with pytest.raises(
        SettingsError, match=r"watchdog.url_file: .*: (it is empty|it holds what it may not)"
    ) as error:
        read_secret(ADDRESS, file)
    assert not text or text not in error.value.message
    assert error.value.hint == "one line: an address like https://hc-ping.com/UUID"
