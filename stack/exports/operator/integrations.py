"""The options of Alertmanager's integrations in the form of an AlertmanagerConfig (v1alpha1), by one table. Pure.

What the table does not have is told and left out. A secret is a reference to the Secret that the user makes of her
files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from stack.exports.operator.http import HasNoPlace, access
from stack.exports.operator.wish import Going, Json, camel

CONFIGS = "_configs"
FIELDS: Mapping[str, str] = {
    "discord": "apiURL avatarURL content message sendResolved title username",
    "email": "authIdentity authPassword authSecret authUsername forceImplicitTLS from headers hello html requireTLS "
    "sendResolved smarthost text threading to",
    "msteams": "sendResolved summary text title webhookUrl",
    "msteamsv2": "sendResolved text title webhookURL",
    "opsgenie": "actions apiKey apiURL description details entity message note priority responders sendResolved source "
    "tags updateAlerts",
    "pagerduty": "class client clientURL component description details group routingKey sendResolved serviceKey "
    "severity source timeout url",
    "pushover": "device expire html message monospace priority retry sendResolved sound title token ttl url urlTitle "
    "userKey",
    "rocketchat": "actions apiURL channel color emoji fields iconURL imageURL linkNames sendResolved shortFields text "
    "thumbURL title titleLink token tokenID",
    "slack": "actions apiURL callbackId channel color fallback fields footer iconEmoji iconURL imageURL linkNames "
    "messageText mrkdwnIn pretext sendResolved shortFields text thumbURL timeout title titleLink updateMessage "
    "username",
    "sns": "apiURL attributes message phoneNumber sendResolved subject targetARN topicARN",
    "telegram": "apiURL botToken chatID disableNotifications message messageThreadID parseMode sendResolved",
    "victorops": "apiKey apiUrl customFields entityDisplayName messageType monitoringTool routingKey sendResolved "
    "stateMessage",
    "webex": "apiURL message roomID sendResolved",
    "webhook": "maxAlerts sendResolved timeout url urlSecret",
    "wechat": "agentID apiSecret apiURL corpID message messageType sendResolved toParty toTag toUser",
}
SECRETS: Mapping[str, str] = {
    "discord": "apiURL",
    "email": "authPassword authSecret",
    "msteams": "webhookUrl",
    "msteamsv2": "webhookURL",
    "opsgenie": "apiKey",
    "pagerduty": "routingKey serviceKey",
    "pushover": "token userKey",
    "rocketchat": "token tokenID",
    "slack": "apiURL",
    "telegram": "botToken",
    "victorops": "apiKey",
    "webhook": "urlSecret",
    "wechat": "apiSecret",
}
CALLED: Mapping[tuple[str, str], str] = {
    ("discord", "webhook_url"): "apiURL",
    ("msteams", "webhook_url"): "webhookUrl",
    ("victorops", "api_url"): "apiUrl",
    ("slack", "callback_id"): "callbackId",
    ("webhook", "url_file"): "urlSecret",
}
"""Options whose names do not follow from Alertmanager's."""
CAPITALS = re.compile(r"(?<=[a-z])(Url|Id|Arn|Tls)$")
PAIRS = ("headers", "details", "customFields")
"""Maps that are lists of key and value there."""
TEMPLATE = re.compile(r"\{\{-?\s*template\s+\"([^\"]+)\"")
HTTP, TLS = "http_config", "tls_config"
ANYHOW = ("enable_http2",)


def integration(going: Going, owner: str, kind: str, options: Json, templates: Collection[str]) -> Json:
    """One entry; ``HasNoPlace`` where it could not deliver. ``templates`` are those of the stack's own files."""
    if kind not in FIELDS:
        raise HasNoPlace(f"{kind} is no integration of an AlertmanagerConfig")
    known, hidden = FIELDS[kind].split(), SECRETS.get(kind, "").split()
    told: Json = {}
    for option, value in options.items():
        if option == HTTP:
            told["httpConfig"] = access(going, owner, {k: v for k, v in value.items() if k not in ANYHOW})
            continue
        if option == TLS:
            told |= access(going, owner, {TLS: value})
            continue
        if _writes_ours(value, templates):
            going.lose(
                "message templates (templates/*.tmpl) have no place there: messages are the integrations' own"
            )
            continue
        name = called(kind, option)
        if name in hidden:
            told[name] = _secret(going, option, value)
        elif name in known:
            told[name] = _value(name, value)
        else:
            going.lose(f"receiver {owner}: {kind} has no {option} there")
    return told


def called(kind: str, option: str) -> str:
    """The option's name there; that of a file is the option's."""
    if (kind, option) in CALLED:
        return CALLED[kind, option]
    stem = option.removesuffix("_file")
    return CALLED.get((kind, stem)) or CAPITALS.sub(lambda one: one[0].upper(), camel(stem))


def _secret(going: Going, option: str, value: Any) -> Json:
    if not option.endswith("_file"):
        raise HasNoPlace(f"{option} is a value: put it into own/secrets/ and write {option}_file")
    return going.secret(str(value))


def _value(name: str, value: Any) -> Any:
    if name in PAIRS and isinstance(value, Mapping):
        return [{"key": str(key), "value": str(one)} for key, one in value.items()]
    return _camel(value) if isinstance(value, list) else value


def _camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel(one) for one in value]
    return {camel(str(k)): _camel(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _writes_ours(value: Any, templates: Collection[str]) -> bool:
    """Whether a text, or one in a map, is written by a template that only the stack's own files have."""
    if isinstance(value, Mapping):
        return any(_writes_ours(one, templates) for one in value.values())
    return isinstance(value, str) and any(name in templates for name in TEMPLATE.findall(value))
