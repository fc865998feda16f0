"""smoke --url: the checks at addresses that the user names; what is not asked is said, and no engine is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stack.cli import smoke_elsewhere
from stack.clients.http import Http
from stack.common.errors import SettingsError, SmokeFailed, UsageError
from tests.loopback import dead_address
from tests.scenarios.commands import Client

NAMES = ("prometheus", "alertmanager", "app")
URLS = [word for name in NAMES for word in ("--url", f"{name}=http://{name}.example")]


@pytest.fixture
def there(client: Client, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Http]]:
    """A stack that runs somewhere; how its products were spoken to."""
    assert client("start", "--quick") == 0
    doors: list[dict[str, Http]] = []

    def prober(checks: object, **told: Any) -> object:
        doors.append(dict(told["doors"]))
        return client.products

    def unasked(*words: object, **more: object) -> None:
        raise AssertionError("no engine is asked")

    monkeypatch.setattr(smoke_elsewhere, "LocalProber", prober)
    monkeypatch.setattr("stack.engine.docker.connect", unasked)
    return doors


def test_it_is_proven_and_what_was_not_asked_is_in_the_document(
    client: Client, there: list[dict[str, Http]]
) -> None:
    code, said = client.run("smoke", *URLS)
    assert code == 0
    (document,) = said.documents
    assert document["ok"] and {"path.watchdog", "prometheus.targets"} <= {
        f["check"] for f in document["findings"]
    }
    skipped = {one["check"]: one["reason"] for one in document["skipped"]}
    assert skipped["grafana.login"] == "no address of grafana is given"
    assert skipped["alertmanager.secrets"] == "it runs a command in a container"
    expected = client.products.asked[-1]
    assert dict(expected.addresses)["app"] == "http://app.example"


def test_a_failure_ends_with_6_and_has_all_findings(client: Client, there: list[dict[str, Http]]) -> None:
    client.products.failing.add("prometheus.targets")
    with pytest.raises(SmokeFailed, match=r"prometheus\.targets: prometheus refuses") as error:
        client.run("smoke", *URLS)
    assert error.value.details["ok"] is False and error.value.details["skipped"]


def test_a_login_of_others_comes_from_a_file(
    client: Client, there: list[dict[str, Http]], tmp_path: Path
) -> None:
    (tmp_path / "login").write_text("me:se:cret\n")
    assert client("smoke", *URLS, "--login", f"prometheus={tmp_path / 'login'}") == 0
    assert there == [{"prometheus": Http("http://prometheus.example", auth=("me", "se:cret"))}]


def test_a_wrong_address_is_named_with_a_remedy_that_fits(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.deploy.elsewhere.PATIENCE", {"ready": 0.05, "checked": 0.05, "proven": 0.05})
    with pytest.raises(SmokeFailed, match=r"prometheus\.ready: .*nobody listens there .*is this its address"):
        client.run("smoke", "--quick", "--url", f"prometheus={dead_address()}")


def test_a_password_that_is_not_known_here_is_asked_for(client: Client, tmp_path: Path) -> None:
    grafana = ("smoke", "--url", "grafana=http://g")
    with pytest.raises(SettingsError, match="the password of Grafana there is not known here: name a file"):
        client.run(*grafana)
    client.environ["STACK_GRAFANA_PASSWORD_FILE"] = str(tmp_path / "none")
    with pytest.raises(SettingsError, match=r"grafana\.password_file: .*none: No such file"):
        client.run(*grafana)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--url", "http://x"), "no address of a component"),
        (("--url", "prometheus=x:9090"), "no address of a component"),
        (("--url", "prometheus=http://x:no"), "no address of a component"),
        (("--url", "prometheus=http://x/?a=b"), "no address of a component"),
        (("--url", "prometheus=http://me:pw@x"), "a login does not belong on the command line"),
        (("--url", "shop=http://x"), "shop is no part of the stack"),
        (("--url", "app=http://x", "--url", "app=http://y"), "names a component twice"),
        (("--url", "app=http://x", "--deep"), "leave one of them out"),
        (("--login", "app=x"), "no --url names app"),
        (("--url", "app=http://x", "--login", "app=/nowhere"), "/nowhere: No such file"),
        (("--url", "grafana=http://x", "--login", "grafana=/x"), "grafana has a login of its own"),
    ],
)
def test_what_cannot_be_meant_is_refused(client: Client, words: Sequence[str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        client.run("smoke", *words)
    assert "pw" not in str(error.value)


def test_a_file_without_a_login_is_refused_without_its_content(client: Client, tmp_path: Path) -> None:
    (tmp_path / "login").write_text("geheim")
    with pytest.raises(UsageError, match="holds no login: one line, USER:PASSWORD") as error:
        client.run("smoke", "--url", "app=http://x", "--login", f"app={tmp_path / 'login'}")
    assert "geheim" not in str(error.value)
