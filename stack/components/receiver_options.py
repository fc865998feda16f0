"""From the words of a ``[receivers.NAME]`` table to Alertmanager's own options, by one table. Pure.

Every word that is not in the table is Alertmanager's own and passed on, so a new option, or a new integration, needs
nothing here; amtool judges it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from typing import Any

from stack.components.own_toml import Wrong
from stack.model.receivers import FOLLOWS, HTTP, WITHOUT_HTTP

WEBHOOK = {"url": "webhook_url"}
SHORT: Mapping[str, Mapping[str, str]] = {
    "discord": WEBHOOK,
    "email": {"host": "smarthost", "username": "auth_username", "password": "auth_password"},
    "incidentio": {"token": "alert_source_token"},
    "jira": {
        "url": "api_url",
        "username": "http_config.basic_auth.username",
        "password": "http_config.basic_auth.password",
    },
    "mattermost": WEBHOOK,
    "msteams": WEBHOOK,
    "msteamsv2": WEBHOOK,
    "opsgenie": {"url": "api_url", "key": "api_key"},
    "pagerduty": {"key": "routing_key"},
    "pushover": {"user": "user_key"},
    "rocketchat": {"url": "api_url"},
    "slack": {"url": "api_url", "token": "app_token"},
    "sns": {"url": "api_url", "topic": "topic_arn"},
    "telegram": {"url": "api_url", "token": "bot_token", "chat": "chat_id"},
    "victorops": {"url": "api_url", "key": "api_key"},
    "webex": {"url": "api_url", "room": "room_id", "token": "http_config.authorization.credentials"},
    "webhook": {"token": "http_config.authorization.credentials"},
    "wechat": {"url": "api_url", "secret": "api_secret"},
}
"""Shorter words by integration, and the options that they stand for; ``WORD_file`` stands for ``OPTION_file``.

A dot leads into a table of the option's.
"""
SECRET_WORDS: Mapping[str, str] = {
    "discord": "url",
    "email": "password",
    "incidentio": "token",
    "jira": "password",
    "mattermost": "url",
    "msteams": "url",
    "msteamsv2": "url",
    "opsgenie": "key",
    "pagerduty": "key",
    "pushover": "token",
    "rocketchat": "token",
    "slack": "url",
    "telegram": "token",
    "victorops": "key",
    "webex": "token",
    "webhook": "url",
    "wechat": "secret",
}
"""The word whose file holds the secret that an integration cannot do without."""
MESSAGES: Mapping[str, Mapping[str, str]] = {
    "discord": {"title": "stack.title", "message": "stack.chat"},
    "email": {"headers.Subject": "stack.title", "html": "stack.html", "text": "stack.text"},
    "jira": {"summary": "stack.title", "description": "stack.text"},
    "mattermost": {"text": "stack.chat"},
    "msteams": {"title": "stack.title", "text": "stack.chat"},
    "msteamsv2": {"title": "stack.title", "text": "stack.chat"},
    "opsgenie": {"message": "stack.title", "description": "stack.text"},
    "pagerduty": {"description": "stack.title"},
    "pushover": {"title": "stack.title", "message": "stack.chat"},
    "rocketchat": {"title": "stack.title", "text": "stack.chat"},
    "slack": {"title": "stack.title", "text": "stack.chat"},
    "sns": {"subject": "stack.title", "message": "stack.text"},
    "telegram": {"message": "stack.chat"},
    "victorops": {"entity_display_name": "stack.title", "state_message": "stack.text"},
    "webex": {"message": "stack.chat"},
    "wechat": {"message": "stack.chat"},
}
"""The templates that write a message where its receiver says nothing else, by integration and option."""
PLAIN = {"telegram": {"parse_mode": ""}}
"""What goes with these templates: their texts are no markup."""
SECRETS = frozenset(
    {
        "alert_source_token",
        "api_key",
        "api_secret",
        "app_token",
        "auth_password",
        "auth_secret",
        "bot_token",
        "client_secret",
        "credentials",
        "password",
        "service_key",
        "token",
        "user_key",
        "webhook_url",
    }
)
LOGIN = re.compile(r"(?:\w+://)?[^/@\s]*:[^/@\s]+@")
RELAY = "smarthost"
ADDRESS = re.compile(rf"url$|^{RELAY}$")
PROXIES = frozenset({"proxy_url"})
"""Addresses whose login can stand nowhere else."""
SECRETS_OF = {"pagerduty": {"routing_key"}, "slack": {"api_url"}}
"""Options that are a secret with this integration only."""


def options_of(kind: str, words: Mapping[str, Any]) -> dict[str, Any]:
    """Alertmanager's options; ``Wrong`` where two words say one thing, or a secret stands in the table."""
    found: dict[str, Any] = {}
    for word, value in words.items():
        path = _meant(kind, word)
        for name, option, one in _named({path: value}):
            _refuse_secret(kind, word if name == path else name, option.rpartition(".")[2], one)
        _put(found, path, value, word)
    return found


def _refuse_secret(kind: str, word: str, option: str, value: Any) -> None:
    if option not in PROXIES and ADDRESS.search(option) and isinstance(value, str) and LOGIN.match(value):
        where = "" if option == RELAY else "http_config.basic_auth with "
        hint = f"leave it out there, and write {where}username and password_file"
        raise Wrong(f"{word} holds a password, which does not stand in settings", hint)
    if option in SECRETS or option in SECRETS_OF.get(kind, ()):
        hint = f'put it into own/secrets/, and write {word}_file = "own/secrets/NAME"'
        raise Wrong(f"{word} is a secret and does not stand in settings", hint)


def staying(kind: str, options: Mapping[str, Any], general: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with which no redirect is followed where nobody says otherwise: after one the message is lost.

    What is sent on by 301, 302 or 303 is a GET without a body, whose answer counts as a delivery. ``general`` is
    the file's own ``global.http_config``, which a receiver without one would have had.
    """
    if kind in WITHOUT_HTTP or not isinstance(own := options.get(HTTP) or general, Mapping):
        return dict(options)
    return {**options, HTTP: {FOLLOWS: False, **own}}


def with_messages(kind: str, options: Mapping[str, Any], defined: Container[str]) -> dict[str, Any]:
    """The options, with the bundle's templates, as far as they are ``defined``, where nothing else is said."""
    found = {"send_resolved": True, **{key: _copy(value) for key, value in options.items()}}
    for path, template in MESSAGES.get(kind, {}).items():
        if template in defined and not _has(found, path):
            _put(found, path, f'{{{{ template "{template}" . }}}}', path)
            for key, value in PLAIN.get(kind, {}).items():
                found.setdefault(key, value)
    return found


def option_of_secret(kind: str) -> str:
    """The option for the file of the secret that an integration cannot do without; empty where none is known."""
    word = SECRET_WORDS.get(kind, "")
    return _meant(kind, f"{word}_file") if word else ""


def _meant(kind: str, word: str) -> str:
    short = SHORT.get(kind, {})
    stem = word.removesuffix("_file")
    return short[stem] + word[len(stem) :] if stem in short else word


def _put(options: dict[str, Any], path: str, value: Any, word: str) -> None:
    *tables, last = path.split(".")
    for name in tables:
        inner = options.setdefault(name, {})
        if not isinstance(inner, dict):
            raise Wrong(f"{word}: {name} is no table", f"it is needed for {path}")
        options = inner
    if last in options:
        raise Wrong(f"{word}: it says the same as {path}", "keep one of the two")
    options[last] = value


def _has(options: Mapping[str, Any], path: str) -> bool:
    first, _, rest = path.partition(".")
    inner = options.get(first)
    if not rest or not isinstance(inner, Mapping):
        return first in options
    return _has(inner, rest)


def _copy(value: Any) -> Any:
    return {key: _copy(one) for key, one in value.items()} if isinstance(value, Mapping) else value


def _named(options: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every option by its path and its name, with its value."""
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _named(value, f"{above}{key}.")
        else:
            yield above + key, key, value
