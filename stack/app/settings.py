"""The application's settings: one frozen value read once from flags and ``STACK_APP_*`` variables.

A flag wins over its variable, a variable over the default. This is the only module of the application that
looks at the environment. Secrets arrive as files; their contents never appear in ``repr`` or in a log.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

LOAD_PROFILES = ("off", "steady", "full")
LOG_LEVELS = ("debug", "info", "warning", "error")


class CannotStart(Exception):
    """The application cannot start; the message says what, where and how to fix it."""


class InvalidSetting(ValueError):
    """A setting that cannot be used; the message names it, its value and what is allowed."""


def _number(kind: type, low: float, high: float) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            raise InvalidSetting(f"must be a number from {low} to {high}, got {text!r}") from None
        if not low <= value <= high:
            raise InvalidSetting(f"must be from {low} to {high}, got {text}")
        return value

    return parse


def _choice(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise InvalidSetting(f"must be one of {', '.join(allowed)}, got {text!r}")
        return text

    return parse


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _switch(text: str) -> bool:
    words = {"1": True, "true": True, "on": True, "yes": True, "0": False, "false": False, "off": False}
    words |= {"no": False, "": False}
    if text.lower() not in words:
        raise InvalidSetting(f"must be on or off, got {text!r}")
    return words[text.lower()]


@dataclass(frozen=True, slots=True)
class _Option:
    """Where a setting comes from: its parser, its meaning, and its variable when that isn't STACK_APP_<NAME>."""

    parse: Callable[[str], Any]
    help: str
    variable: str = ""


# fmt: off
@dataclass(frozen=True, slots=True)
class AppSettings:
    """Everything the application may be told. Sizes are bytes, times are seconds, rates are per second."""

    host: Annotated[str, _Option(str, "address to listen on")] = "127.0.0.1"
    port: Annotated[int, _Option(_number(int, 0, 65535), "port to listen on; 0 takes a free one")] = 8000
    fd: Annotated[int | None, _Option(
        _number(int, 3, 1 << 20), "open descriptor of a socket that listens already, instead of both")] = None
    data: Annotated[Path, _Option(Path, "the one folder that is written to")] = Path("data")
    load: Annotated[str, _Option(_choice(LOAD_PROFILES), f"load generator: {', '.join(LOAD_PROFILES)}")] = "off"
    load_rate: Annotated[float, _Option(
        _number(float, 0.01, 10_000), "operations of the load generator per second")] = 10.0
    load_seed: Annotated[int, _Option(
        _number(int, 0, 2**32), "seed of the load generator: same seed, same operations")] = 1
    faults: Annotated[bool, _Option(_switch, "on allows POST /faults/{name} for drills")] = False
    token_file: Annotated[Path | None, _Option(
        Path, "file with the bearer token that everything but /health then needs")] = None
    basic_auth_file: Annotated[Path | None, _Option(
        Path, "file with user:password, which then does as well as a token")] = None
    tls_cert: Annotated[Path | None, _Option(
        Path, "certificate in PEM, with those that vouch for it; needs --tls-key")] = None
    tls_key: Annotated[Path | None, _Option(Path, "private key of the certificate")] = None
    policy_file: Annotated[Path | None, _Option(
        Path, "YAML policy of the gates; without it the defaults hold")] = None
    database_url: Annotated[str, _Option(
        str, "postgresql:// address of the packet store; without it SQLite under --data", "STACK_DATABASE_URL",
    )] = field(default="", repr=False)
    database_url_file: Annotated[Path | None, _Option(
        Path, "file with that address, for one that holds a password", "STACK_DATABASE_URL_FILE")] = None
    max_body: Annotated[int, _Option(_number(int, 1024, 1 << 30), "largest request body in bytes")] = 1 << 20
    max_upload: Annotated[int, _Option(
        _number(int, 1024, 1 << 34), "largest upload of an archive in bytes")] = 64 << 20
    spool: Annotated[Path | None, _Option(
        Path, "folder for uploads while they are judged; without it the system's temporary folder")] = None
    max_spool: Annotated[int, _Option(
        _number(int, 1024, 1 << 34), "bytes that all uploads together may take there")] = 64 << 20
    allowed_hosts: Annotated[tuple[str, ...], _Option(
        _names, "host names, separated by commas, under which it may be asked besides local ones; * for any")] = ()
    request_timeout: Annotated[float, _Option(_number(float, 0.1, 3600), "seconds a request may take")] = 30.0
    log_level: Annotated[str, _Option(_choice(LOG_LEVELS), "least level that is logged")] = "info"
# fmt: on


OPTIONS: dict[str, _Option] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(AppSettings, include_extras=True).items()
}


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return OPTIONS[name].variable or f"STACK_APP_{name.upper()}"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stack.app", description="The instrumented application.", allow_abbrev=False
    )
    for each in fields(AppSettings):
        option = OPTIONS[each.name]
        described = f"{option.help} ({variable_of(each.name)}; default {each.default or 'none'})"
        bare: dict[str, Any] = {"nargs": "?", "const": "on"} if option.parse is _switch else {}
        parser.add_argument(_flag(each.name), dest=each.name, metavar="VALUE", help=described, **bare)
    return parser


def read_settings(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None
) -> AppSettings:
    """Settings from flags over variables over defaults. Raises ``InvalidSetting`` naming where the value came from."""
    given = vars(_parser().parse_args(arguments))
    variables = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for name, option in OPTIONS.items():
        source, text = _flag(name), given[name]
        if text is None:
            source, text = variable_of(name), variables.get(variable_of(name))
        if text is None or (text == "" and option.parse is Path):
            continue
        try:
            values[name] = option.parse(text)
        except InvalidSetting as problem:
            raise InvalidSetting(f"{source}: {problem}") from None
    if ("tls_cert" in values) != ("tls_key" in values):
        raise InvalidSetting("--tls-cert and --tls-key: TLS needs both: give the other one as well")
    return AppSettings(**values)


def read_secret(path: Path, what: str) -> str:
    """The one line in a secret's file. Raises ``InvalidSetting`` when it is missing, unreadable or empty."""
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "not text"
        raise InvalidSetting(f"{what}: cannot read {path}: {reason}; put the secret there") from None
    if not secret:
        raise InvalidSetting(f"{what}: {path} is empty; put the secret there")
    return secret
