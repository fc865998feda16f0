"""What `probe add` writes: a scrape file that a person could have written, a module where one is asked for. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, field

from stack.cli.own_change import OwnFile
from stack.cli.target_secrets import Given
from stack.common.durations import seconds
from stack.common.errors import UsageError
from stack.components.blackbox import shipped
from stack.components.probes import ADDRESS
from stack.model.outer import NETWORK_LABEL, is_itself
from stack.targets.jobs import FOLDER as SCRAPE

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
MODULES = "own/blackbox/modules/"
BY_SCHEME = {
    "http": "http_2xx",
    "https": "http_2xx",
    "tcp": "tcp",
    "tls": "tls",
    "dns": "dns",
    "icmp": "icmp",
    "ping": "icmp",
}
FORMS = "http://, https://, tcp://HOST:PORT, tls://HOST:PORT, dns://SERVER/NAME, icmp://HOST, or --module"
LONGEST = 240.0
"""Seconds: Prometheus takes a sample for the present for five minutes."""
TIMEOUT = 10.0
SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")
"""What RE2 does not take literally."""


class Wish(Struct, frozen=True):
    """One probe. ``target`` as blackbox_exporter takes it; ``every`` as Prometheus writes it.

    The rest goes into a module of its own: ``codes`` that are right, a text that the page ``contains``, the name that a
    name server is asked for, and what is ``given`` in files. ``network``: the one of others where the target lives.
    """

    name: str
    target: str
    module: str
    every: str = "30s"
    query_name: str = ""
    codes: tuple[int, ...] = ()
    contains: str = ""
    insecure: bool = False
    network: str = ""
    given: Given = field(default_factory=Given)

    @property
    def own_module(self) -> bool:
        """Whether it needs a module of its own."""
        asked = (self.query_name, self.codes, self.contains, self.insecure)
        return any(asked) or self.given != Given()

    @property
    def timeout(self) -> float:
        """How long one probe may take, in seconds."""
        return min(TIMEOUT, seconds(self.every))


def aimed(url: str, module: str) -> tuple[str, str, str]:
    """Target, module and the name that a name server is asked for; ``UsageError`` where they are not clear."""
    scheme, separator, rest = url.strip().partition("://")
    scheme = scheme.lower() if separator else scheme
    url = f"{scheme}{separator}{_bracketed(rest)}" if separator else _bracketed(url.strip())
    rest = url.partition("://")[2]
    if separator and scheme not in BY_SCHEME:
        raise UsageError(f"{url}: nobody asks {scheme}://", hint=f"it is one of {FORMS}")
    if not separator and not module:
        raise UsageError(f"{url}: how should it be asked?", hint=f"begin with {FORMS}")
    chosen = module or BY_SCHEME[scheme]
    kind = BY_SCHEME.get(scheme, "")
    prober = str(shipped().get(chosen, {}).get("prober", ""))
    _check_host(url)
    if not separator:
        return (f"http://{url}" if prober == "http" else _with_port(url, chosen, prober)), chosen, ""
    if prober and str(shipped()[kind]["prober"]) != prober:
        raise UsageError(f"{url}: the module {chosen} does not ask so", hint=f"leave out --module {chosen}")
    if kind == "http_2xx":
        return url, chosen, ""
    host, _, path = rest.partition("/")
    if path and kind != "dns":
        raise UsageError(f"{url}: {kind} knows no path", hint=f"write {scheme}://{host}")
    return _with_port(host, chosen, prober), chosen, path if kind == "dns" else ""


def _bracketed(rest: str) -> str:
    """An IPv6 address that stands alone as a URL has it."""
    host, slash, path = rest.partition("/")
    try:
        return f"[{IPv6Address(host)}]{slash}{path}"
    except ValueError:
        return rest


def _check_host(url: str) -> None:
    """``UsageError`` for what no probe can ask, or what would stand in a label for all to read."""
    if not url.isprintable() or " " in url:
        raise UsageError(f"{url!r}: a URL has no spaces", hint="write %20 for one")
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        said = "the port is no number" if "cast" in str(error) else str(error).lower()
        raise UsageError(f"{url}: {said}", hint="HOST, HOST:PORT or [IPv6]:PORT, 1-65535") from None
    if "@" in parts.netloc:
        hint = "leave them out: --basic-auth-file FILE keeps them out of every label"
        raise UsageError(f"{url.partition('://')[0]}://...@{host}: user and password in a URL", hint=hint)
    if not host or (port is None and parts.netloc.endswith(":")):
        raise UsageError(f"{url}: no {'port' if host else 'host'}", hint=f"it is one of {FORMS}")
    if is_itself(host):
        where = "is the container of blackbox_exporter itself"
        hint = "--host PORT is a port of the engine's machine, --container C[:PORT] one of a container"
        raise UsageError(f"{url}: {host} {where}", hint=hint)


def _with_port(host: str, module: str, prober: str) -> str:
    port = urlsplit(f"//{host}").port
    if prober == "tcp" and port is None:
        if module == "tls":
            return f"{host}:443"
        raise UsageError(f"{host}: which port?", hint=f"write {host}:PORT")
    if prober == "icmp" and port is not None:
        raise UsageError(f"{host}: a ping knows no port", hint="tcp://HOST:PORT asks one")
    # As a host name it is looked up, and has no brackets.
    return host.strip("[]") if host.endswith("]") else host


def checked(wish: Wish, own_modules: Mapping[str, str]) -> Wish:
    """The wish; ``UsageError`` where it cannot be. ``own_modules``: file by name."""
    if not NAME.fullmatch(wish.name):
        raise UsageError(f"{wish.name}: no name for a probe", hint="1-40 of letters, digits, - and _")
    known = {**dict.fromkeys(shipped(), ""), **own_modules}
    if wish.module not in known:
        raise UsageError(f"there is no module {wish.module}", hint=f"one of {', '.join(sorted(known))}")
    _check_interval(wish.every)
    if not wish.own_module:
        return wish
    if wish.module in own_modules:
        raise UsageError(
            f"the module {wish.module} is yours",
            hint=f"change it in {own_modules[wish.module]}, without options",
        )
    prober = shipped()[wish.module]["prober"]
    for option, given, fits in (
        ("--expect-code", wish.codes, prober == "http"),
        ("--contains", wish.contains, prober == "http"),
        ("--token-file", wish.given.token, prober == "http"),
        ("--basic-auth-file", wish.given.password, prober == "http"),
        ("--ca-file", wish.given.authority, prober == "http" or wish.module == "tls"),
        ("--insecure-skip-verify", wish.insecure, prober == "http" or wish.module == "tls"),
        ("--query-name", wish.query_name, prober == "dns"),
    ):
        if given and not fits:
            raise UsageError(f"{option} says nothing to the module {wish.module}", hint="leave it out")
    return wish


def _check_interval(every: str) -> None:
    try:
        found = seconds(every)
    except ValueError:
        raise UsageError(f"--every {every}: no duration", hint="like 30s or 2m") from None
    if not 1 <= found <= LONGEST:
        hint = "1s to 4m: after five minutes Prometheus takes a sample for the present no more"
        raise UsageError(f"--every {every}: too {'rare' if found > LONGEST else 'often'}", hint=hint)


def files_of(wish: Wish) -> tuple[OwnFile, ...]:
    """The files, by their paths."""
    found = [OwnFile(f"{SCRAPE}{wish.name}.yml", scrape_text(wish).encode())]
    if wish.own_module:
        found.append(OwnFile(f"{MODULES}{wish.name}.yml", module_text(wish).encode()))
    return (*found, *wish.given.files)


def scrape_text(wish: Wish) -> str:
    """The job, as the documents of blackbox_exporter have it."""
    timeout = f"{wish.timeout:g}s" if wish.timeout >= 1 else wish.every
    return f"""\
scrape_configs:
  - job_name: {json.dumps(wish.name)}
    # A probe: Prometheus asks blackbox_exporter, which asks the target.
    metrics_path: /probe
    scrape_interval: {wish.every}
    scrape_timeout: {timeout}
    params:
      module: [{json.dumps(wish.name if wish.own_module else wish.module)}]
    static_configs:
      - targets: [{json.dumps(wish.target, ensure_ascii=False)}]
{_labels(wish)}    relabel_configs:
      - source_labels: [__address__]
        target_label: __param_target
      - source_labels: [__param_target]
        target_label: instance
      - target_label: __address__
        replacement: {ADDRESS}
"""


def _labels(wish: Wish) -> str:
    return f"        labels: {{{NETWORK_LABEL}: {json.dumps(wish.network)}}}\n" if wish.network else ""


def module_text(wish: Wish) -> str:
    """The module that a probe has for itself: a shipped one, and what was asked for."""
    base = shipped()[wish.module]
    prober = base["prober"]
    told = {**base, prober: {**base.get(prober, {}), **dict(_asked(wish))}}
    head = (
        f"# The module of the probe {wish.name}, made of {wish.module}. Change it as you like, then reload.\n"
    )
    return head + "".join(_lines({"modules": {wish.name: told}}, ""))


def _asked(wish: Wish) -> Iterator[tuple[str, Any]]:
    if wish.codes:
        yield "valid_status_codes", list(wish.codes)
    if wish.contains:
        yield "fail_if_body_not_matches_regexp", [SPECIAL.sub(r"\\\1", wish.contains)]
    if wish.query_name:
        yield from (("query_name", wish.query_name), ("query_type", "A"))
    given = wish.given
    if given.token:
        yield "authorization", {"credentials_file": given.token}
    if given.password:
        yield "basic_auth", {"username": given.user, "password_file": given.password}
    tls: dict[str, Any] = {"ca_file": given.authority} if given.authority else {}
    if wish.insecure:
        tls["insecure_skip_verify"] = True
    if tls:
        yield "tls_config", tls


def _lines(node: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key}:\n"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{key}: {json.dumps(value, ensure_ascii=False)}\n"
