"""The gateway by commands: switched on and off, users that a running one takes at once, the certificate to trust."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from stack.cli import user as users
from stack.common.errors import ConfigurationInvalid, StackError, UsageError
from stack.components.gateway_config import ROOT
from stack.components.gateway_users import USERS, read
from stack.engine.interface import Ran
from stack.model.spec import ConfigFile
from tests.scenarios.commands import Client

ON = '[gateway]\nmode = "on"\n'
SECRET = "correct horse battery"


@pytest.fixture
def password(client: Client) -> str:
    file = client.home / "password"
    file.write_text(f"{SECRET}\n")
    return str(file)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Logins that were tried at the running gateway."""
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(users, "hashed", lambda password: "$2b$04$" + "a" * 53)
    monkeypatch.setattr(
        users, "_proved", lambda session, description, name, password: found.append((name, password))
    )
    return found


def known(client: Client) -> list[str]:
    return [one.name for one in read((client.home / USERS).read_bytes())[0]]


def test_on_it_alone_is_published_and_off_all_are_again(client: Client) -> None:
    assert client("start") == 0
    before = client.places()
    client.settings(ON)
    assert client("start") == 0
    assert set(client.places()) == {"gateway"}
    assert client("start") == 0
    assert client.plan() == []
    client.settings("")
    assert client("start") == 0
    assert client.places() == before
    assert "gateway" not in client.running()


def test_a_user_is_taken_at_once_and_tried(
    client: Client, password: str, tried: list[tuple[str, str]]
) -> None:
    client.settings(ON)
    assert client("start") == 0
    ids = client.ids()
    assert client("user", "add", "ada", "--password-file", password) == 0
    assert tried == [("ada", SECRET)]
    assert known(client) == ["ada"]
    assert (client.home / USERS).stat().st_mode & 0o777 == 0o600
    assert b'"ada"' in (client.in_use("gateway", "caddy.json") or b"")
    code, said = client.run("user", "list")
    assert (code, said.documents) == (0, [{"gateway": "on", "users": ["ada"]}])
    assert client("user", "passwd", "ada", "--password-file", password) == 0
    assert client("user", "remove", "ada") == 0
    assert b'"ada"' not in (client.in_use("gateway", "caddy.json") or b"")
    assert client.ids() == ids
    assert not (client.home / USERS).exists()


def test_files_that_it_does_not_load_leave_the_ones_of_before(
    client: Client, password: str, tried: list[tuple[str, str]]
) -> None:
    client.settings(ON)
    assert client("start") == 0
    before = client.in_use("gateway", "caddy.json")

    def refuses(argv: tuple[str, ...], files: dict[str, ConfigFile]) -> Ran:
        said = 'Error: caddy responded with error: HTTP 400: {"error":"loading certificates: no such file"}'
        return Ran(1, said) if " reload " in argv[-1] else Ran(0, "")

    client.engine.program = refuses
    with pytest.raises(StackError, match="does not load its files: loading certificates: no such file"):
        client("user", "add", "ada", "--password-file", password)
    assert client.in_use("gateway", "caddy.json") == before
    assert not (client.home / USERS).exists()
    assert tried == []


def test_a_user_before_the_first_start_is_kept_for_it(
    client: Client, password: str, tried: list[tuple[str, str]]
) -> None:
    assert client("user", "add", "ada", "--password-file", password) == 0
    assert tried == []
    client.settings(ON)
    assert client("start") == 0
    assert b'"ada"' in (client.in_use("gateway", "caddy.json") or b"")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("remove", "ada"), "there is no user ada"),
        (("passwd", "ada"), "there is no user ada"),
        (("add", "a:b"), "is no name of a user"),
        (("add", "stack-check"), "is the login of the checks"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    client: Client, password: str, words: tuple[str, ...], why: str
) -> None:
    more = () if words[0] == "remove" else ("--password-file", password)
    with pytest.raises(UsageError, match=why):
        client("user", *words, *more)
    assert not (client.home / USERS).exists()


@pytest.mark.parametrize(("content", "why"), [("short\n", "less than 8"), ("x" * 73, "more than 72")])
def test_a_password_must_be_one(client: Client, password: str, content: str, why: str) -> None:
    Path(password).write_text(content)
    with pytest.raises(UsageError, match=why):
        client("user", "add", "ada", "--password-file", password)


def test_a_line_that_is_no_user_stops_a_start(client: Client) -> None:
    (client.home / USERS).parent.mkdir(parents=True)
    (client.home / USERS).write_text("ada:plain\n")
    client.settings(ON)
    with pytest.raises(ConfigurationInvalid, match=f"{USERS}:1: ada has no bcrypt hash"):
        client("start")


def test_an_export_leaves_the_gateway_to_the_cluster(client: Client, tmp_path: Path) -> None:
    client.settings(ON)
    assert client("export", "swarm", "-o", str(tmp_path / "out")) == 0
    text = (tmp_path / "out" / "stack.yml").read_text()
    assert "caddy" not in text
    assert "prometheus:" in text


def test_the_root_to_trust_is_shown_and_written(client: Client, tmp_path: Path) -> None:
    with pytest.raises(StackError, match="has no gateway yet"):
        client("gateway", "trust")
    client.settings(ON)
    assert client("start") == 0
    with pytest.raises(StackError, match="no certificate of its own yet"):
        client("gateway", "trust")
    pem = trustme.CA().cert_pem.bytes()
    path = ROOT.removeprefix("/var/tmp/")
    client.engine.tamper("monitoring-gateway-data", path, ConfigFile(path, pem))
    to = tmp_path / "root.crt"
    code, said = client.run("gateway", "trust", "-o", str(to))
    assert code == 0
    assert to.read_bytes() == pem
    (document,) = said.documents
    assert len(document["sha256"]) == 95
    client.settings(ON + 'acme_email = "ops@example.org"\n')
    with pytest.raises(UsageError, match="another authority"):
        client("gateway", "trust")
