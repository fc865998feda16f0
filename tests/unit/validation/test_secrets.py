"""Secrets in files that could never work are named with their file and the remedy, and never with what they hold."""

from __future__ import annotations

import codecs

import pytest

from stack.common.errors import ConfigurationInvalid
from stack.model.spec import ConfigFile
from stack.validation.secrets import check_secrets, secret_fault

ADDRESS = "https://hooks.example/T0/secretpart"
KEY = "xoxb-secretpart"
INSIDE = "/etc/stack/current/secrets"
LINE = "the secret as its one line"


def fault(content: str | bytes, option: str) -> str:
    found = secret_fault(content.encode() if isinstance(content, str) else content, [option])
    return ": ".join(found) if found else ""


@pytest.mark.parametrize("option", ["url_file", "credentials_file", "auth_password_file"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (codecs.BOM_UTF8 + ADDRESS.encode(), "it begins with a byte order mark: save it as UTF-8"),
        (ADDRESS.encode("utf-16"), "it is UTF-16: save it as UTF-8"),
        (ADDRESS.encode("utf-16-be"), "it is UTF-16: save it as UTF-8"),
        (f"# the one of ops\n{ADDRESS}", f"more than one line: {LINE}"),
        ("# put the secretpart here", f"it holds a comment, and no secret: {LINE}"),
        (f"url={ADDRESS}", f"a name and = before the secret, as in a .env file: {LINE}"),
        (f'export SLACK_WEBHOOK_URL="{ADDRESS}"', "a name and = before the secret"),
        ("SMTP_PASSWORD=secretpart", "a name and = before the secret"),
        (f" {ADDRESS}", f"a blank or an empty line around it: {LINE}"),
        ("", f"it is empty: {LINE}"),
    ],
)
def test_what_no_secret_can_be(content: str | bytes, said: str, option: str) -> None:
    told = fault(content, option)
    assert told.startswith(said) and "secretpart" not in told


@pytest.mark.parametrize("option", ["url_file", "api_url_file", "webhook_url_file"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f'"{ADDRESS}"', "quotes around the address"),
        (f"\u201c{ADDRESS}\u201d", "quotes around the address"),
        (f"{ADDRESS} {ADDRESS}", "more than one address, or a blank within it"),
        ("hooks.example/secretpart", "it holds no address that begins with http:// or https:// and a host"),
        ("https:/hooks.example/secretpart", "it holds no address"),
        ("ftp://hooks.example/secretpart", "it holds no address"),
        ("https://", "it holds no address"),
        ("https://hooks.example:port/secretpart", "it holds no address"),
        (KEY, "it holds no address"),
        ("https://me:secret/part@hooks.example/x", "the login in its address cannot be read: write %XX"),
        ("https://me:secret#part@hooks.example/x", "the login in its address cannot be read"),
        ("https://me:secret%part@hooks.example/x", "the login in its address cannot be read"),
    ],
)
def test_a_file_with_an_address_holds_one_that_can_be_asked(content: str, said: str, option: str) -> None:
    told = fault(content, option)
    assert told.startswith(said) and "secretpart" not in told and "secret/part" not in told


@pytest.mark.parametrize("option", ["bot_token_file", "api_key_file", "credentials_file", "api_secret_file"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"'{KEY}'", f"quotes around the secret: {LINE}"),
        (f"Bearer {KEY}", "the word Bearer before the secret, which is added when it is sent"),
        (f"#{KEY}", "it holds a comment, and no secret"),
        (f"{KEY}\u200b", "a sign within it that no key has (U+200B): copy it once more"),
        (f"secret part {KEY}", "a sign within it that no key has (U+0020)"),
    ],
)
def test_a_key_is_one_word(content: str, said: str, option: str) -> None:
    told = fault(content, option)
    assert told.startswith(said) and KEY not in told


@pytest.mark.parametrize(
    ("content", "option"),
    [
        (ADDRESS, "url_file"),
        ("http://[::1]:8080/x?a=b&token=c", "url_file"),
        ("HTTPS://me:p%40ss@hooks.example", "url_file"),
        ("http://{{ .CommonLabels.team }}.example/", "url_file"),
        ("http://localhost", "webhook_url_file"),
        (KEY, "bot_token_file"),
        ("c2VjcmV0dG9rZW4=", "credentials_file"),
        ("mysecrettoken==", "api_key_file"),
        ('"quoted pass phrase"', "auth_password_file"),
        ("#hash and = p\u00e4ss", "password_file"),
        (b"latin-\xe4", "password_file"),
        ("-100123", "chat_id_file"),
        ("anything at all", "files"),
        (b"0\x82\x01\0in DER", "ca_file"),
        ("-----BEGIN CERTIFICATE-----\na\n", "cert_file"),
    ],
)
def test_what_can_be_used_is_taken(content: str | bytes, option: str) -> None:
    assert fault(content, option) == ""


def test_the_file_is_named_by_its_path_and_what_it_is_for_follows_from_who_names_it() -> None:
    main = ConfigFile("alertmanager.yml", f"a: {{chat_id_file: {INSIDE}/team/chat}}\n".encode())
    secret = ConfigFile("secrets/team/chat", b"@ops", 0o400, 0, True, "own/secrets/team/chat")
    with pytest.raises(ConfigurationInvalid, match=r"own/secrets/team/chat: it is no number") as caught:
        check_secrets((main, secret))
    assert caught.value.hint == "the number as its one line"
    check_secrets((secret,))
