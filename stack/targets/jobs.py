"""The text of one scrape job as a person would write it, in a file of its own below own/prometheus/scrape/. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import yaml
from msgspec import Struct

from stack.common.errors import UsageError
from stack.common.yaml_text import load_yaml

FOLDER = "own/prometheus/scrape/"
SECRETS = "own/secrets/"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KEY = re.compile(r"[a-z][a-z0-9_]*")
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
SWITCHES = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
FLOW = ("[", "{", '"', "'")
"""How a value begins that is not the text itself."""
NUMBER = re.compile(r"0|[1-9][0-9]*")
DECIMAL = re.compile(r"[0-9]+\.[0-9]+")
OPTIONS = {
    "job_name": "NAME",
    "static_configs": "ADDRESS",
    "metrics_path": "--path",
    "params": "--param",
    "scheme": "--scheme",
    "scrape_interval": "--interval",
    "scrape_timeout": "--timeout",
}
"""Keys of a job that ``target add`` is told in another way than by --set."""


class JobText(Struct, frozen=True):
    """What a job says; empty where Prometheus' default is meant.

    ``labels`` of its targets; ``params`` of the query that is asked, a name perhaps more than once. ``more``: further
    keys of a scrape configuration, each with its value as it is written on one line of YAML. ``token``,
    ``password``, ``authority``: files below own/secrets/ with a bearer token, the password of ``user``, and the
    certificate of who signed that of the target.
    """

    name: str
    addresses: tuple[str, ...]
    path: str = ""
    scheme: str = ""
    interval: str = ""
    timeout: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    more: tuple[tuple[str, str], ...] = ()
    token: str = ""
    user: str = ""
    password: str = ""
    authority: str = ""
    insecure: bool = False

    def text(self) -> str:
        """A whole scrape file with this job alone."""
        return "scrape_configs:\n" + "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"  - job_name: {scalar(self.name)}"
        for key, value in (
            ("scrape_interval", self.interval),
            ("scrape_timeout", self.timeout),
            ("metrics_path", self.path),
            ("scheme", self.scheme),
        ):
            if value:
                yield f"    {key}: {scalar(value)}"
        yield from (f"    {key}: {_flow(value)}" for key, value in self.more)
        if self.params:
            yield "    params:"
        for name in dict.fromkeys(name for name, _ in self.params):
            values = ", ".join(quoted(value) for one, value in self.params if one == name)
            yield f"      {scalar(name)}: [{values}]"
        yield from self._credentials()
        yield from self._tls()
        yield "    static_configs:"
        yield "      - targets:"
        yield from (f"          - {quoted(address)}" for address in self.addresses)
        if self.labels:
            yield "        labels:"
            yield from (f"          {name}: {quoted(value)}" for name, value in self.labels)

    def _credentials(self) -> Iterator[str]:
        if self.token:
            yield "    authorization:"
            yield f"      credentials_file: {scalar(self.token)}"
        if self.password:
            yield "    basic_auth:"
            yield f"      username: {quoted(self.user)}"
            yield f"      password_file: {scalar(self.password)}"

    def _tls(self) -> Iterator[str]:
        if self.authority or self.insecure:
            yield "    tls_config:"
        if self.authority:
            yield f"      ca_file: {scalar(self.authority)}"
        if self.insecure:
            yield "      insecure_skip_verify: true"


def quoted(text: str) -> str:
    """A text in double quotes, which YAML and JSON read alike."""
    return json.dumps(text, ensure_ascii=False)


def scalar(text: str) -> str:
    """A value without quotes where no reader of YAML can take it for anything else."""
    known = text in ("true", "false") or NUMBER.fullmatch(text)
    plain = known or (all(PLAIN.fullmatch(part) for part in text.split("/")) and text.lower() not in SWITCHES)
    duration = re.fullmatch(r"(?:[0-9]+(?:ms|[smhdwy]))+", text)
    return text if plain or duration or _is_path(text) else quoted(text)


def _flow(text: str) -> str:
    """What YAML makes of a text that begins as a list, a mapping or a quoted text; else the text."""
    return _inline(load_yaml(text) if text.startswith(FLOW) else text)


def _inline(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_inline(key)}: {_inline(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, str):
        return value if DECIMAL.fullmatch(value) else scalar(value)
    return json.dumps(value)


def _is_path(text: str) -> bool:
    return bool(re.fullmatch(r"(?:own/|/)[A-Za-z0-9_./-]*", text))


def job_name(text: str) -> str:
    """The name of a job that is also one of a file; ``UsageError`` where it cannot be."""
    if not NAME.fullmatch(text):
        raise UsageError(
            f"{text!r} cannot name a target",
            hint="letters, digits and . _ - , beginning with a letter or digit",
        )
    return text


def label(text: str) -> tuple[str, str]:
    """``k=v`` as a label; ``UsageError`` where it is none."""
    name, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"--label {text}: not of the form NAME=VALUE", hint="such as --label team=shop")
    if not LABEL.fullmatch(name) or name.startswith("__"):
        hint = (
            "letters, digits and _, beginning with none of __ or a digit; others only in a file of your own"
        )
        raise UsageError(f"--label {text}: {name!r} cannot be the name of a label here", hint=hint)
    if name == "job":
        raise UsageError(
            f"--label {text}: the label job is the target's name", hint="target add NAME gives it"
        )
    return name, value


def param(text: str) -> tuple[str, str]:
    """``name=value`` of the query that is asked; ``UsageError`` where it is none."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(
            f"--param {text}: not of the form NAME=VALUE", hint="such as --param module=http_2xx"
        )
    return name, value


def path_and_params(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A path, and what stands behind its question mark: a path of Prometheus' has none."""
    if "://" in text.partition("?")[0]:
        raise UsageError(f"--path {text}: that is a whole URL", hint="give it as the address, without --path")
    path, _, query = text.partition("?")
    return path, tuple(parse_qsl(query, keep_blank_values=True))


def setting(text: str) -> tuple[str, str]:
    """``key=value`` as one more key of the job; ``UsageError`` where it is none."""
    name, sign, value = text.partition("=")
    if not sign or not value or not KEY.fullmatch(name):
        hint = "such as --set fallback_scrape_protocol=PrometheusText0.0.4"
        raise UsageError(f"--set {text}: not of the form KEY=VALUE", hint=hint)
    if name in OPTIONS:
        raise UsageError(f"--set {text}: {name} has its own option", hint=f"give it as {OPTIONS[name]}")
    try:
        _flow(value)
    except yaml.YAMLError as error:
        said = getattr(error, "problem", None) or "it cannot be read"
        hint = "a value that begins with a bracket or a quotation mark is read as YAML"
        raise UsageError(f"--set {text}: {said}", hint=hint) from None
    return name, value


def once(option: str, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The pairs of an option by which each name is given once."""
    told = tuple(pairs)
    names = [name for name, _ in told]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{option}: {name} is given twice", hint="give it once")
    return told


def apart(job: JobText) -> None:
    """``UsageError`` where --set gives a key that other options write."""
    for key, written, options in (
        ("authorization", job.token, "--token-file"),
        ("basic_auth", job.password, "--basic-auth-file"),
        ("tls_config", job.authority or job.insecure, "--ca-file and --insecure-skip-verify"),
    ):
        if written and key in dict(job.more):
            raise UsageError(f"--set {key}: {options} would write it too", hint="say all of it by --set")
