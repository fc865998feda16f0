"""How a target or receiver is reached over HTTP, in the operator's form: secrets by reference, never by value. Pure."""

from __future__ import annotations

from typing import Any

from stack.checks.expect_prometheus import text_of
from stack.exports.operator.wish import Going, Json

TLS = {"ca_file": "ca", "cert_file": "cert"}


class HasNoPlace(Exception):
    """An option that the operator's objects do not have, or that would have to carry a secret."""


def access(going: Going, owner: str, options: Json) -> Json:
    """These options; ``HasNoPlace`` where one cannot be said."""
    told: Json = {}
    for key, value in options.items():
        told |= _one(going, owner, key, {} if value is None else value)
    return told


def _one(going: Going, owner: str, key: str, value: Any) -> Json:
    if key == "basic_auth":
        return {"basicAuth": _basic(going, owner, value)}
    if key in ("authorization", "bearer_token_file"):
        told = {"credentials_file": value} if key != "authorization" else value
        return {"authorization": _authorization(going, told)}
    if key == "tls_config":
        return {"tlsConfig": _tls(going, value)}
    if key in ("proxy_url", "no_proxy", "follow_redirects", "proxy_from_environment"):
        names = {"proxy_url": "proxyUrl", "no_proxy": "noProxy", "follow_redirects": "followRedirects"}
        return {names.get(key, "proxyFromEnvironment"): value}
    raise HasNoPlace(f"{key} has no place there")


def _basic(going: Going, owner: str, value: Json) -> Json:
    _only(value, ("username", "username_file", "password_file"), "basic_auth")
    told = {"password": going.secret(value["password_file"])} if "password_file" in value else {}
    if "username_file" in value:
        return {"username": going.secret(value["username_file"]), **told}
    return {"username": going.word(owner, text_of(value.get("username"))), **told}


def _authorization(going: Going, value: Json) -> Json:
    _only(value, ("type", "credentials_file"), "authorization")
    told = {"type": text_of(value["type"])} if "type" in value else {}
    return {**told, "credentials": going.secret(value["credentials_file"])}


def _tls(going: Going, value: Json) -> Json:
    _only(value, (*TLS, "key_file", "server_name", "insecure_skip_verify"), "tls_config")
    told: Json = {TLS[key]: {"secret": going.secret(value[key])} for key in TLS if key in value}
    if "key_file" in value:
        told["keySecret"] = going.secret(value["key_file"])
    if "server_name" in value:
        told["serverName"] = text_of(value["server_name"])
    if "insecure_skip_verify" in value:
        told["insecureSkipVerify"] = value["insecure_skip_verify"]
    return told


def _only(value: Json, known: tuple[str, ...], where: str) -> None:
    if others := sorted(value.keys() - set(known)):
        what = f"{where}.{others[0]}"
        if f"{others[0]}_file" in known:
            raise HasNoPlace(f"{what} is a value: put it into own/secrets/ and write {others[0]}_file")
        raise HasNoPlace(f"{what} has no place there")
