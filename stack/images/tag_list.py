"""The tags of a repository, asked of its registry over the Docker Registry HTTP API v2, without credentials.

Bounded in time, pages and bytes. A registry that wants a token names the place that gives it to anybody. Nothing is
followed to another host but that place, and neither of them by plain HTTP unless it is this machine itself.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from msgspec import Struct

from stack.common.errors import PullRefused, RegistryUnreachable
from stack.images.pins import DEFAULT_REGISTRY, registry_of

DEFAULT_HOST = "registry-1.docker.io"
CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 3.0, 10.0, 30.0
PAGE, MOST_PAGES, MOST_BYTES = 1000, 50, 8 * 1024 * 1024
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')


class TagList(Struct, frozen=True):
    """Asks registries, through the environment's proxies where it names some; ``clock`` gives seconds."""

    clock: Callable[[], float] = time.monotonic

    def tags(self, ref: str) -> tuple[str, ...]:
        """All tags of the repository of ``ref``. RegistryUnreachable where nobody answers, PullRefused otherwise."""
        registry = registry_of(ref)
        base, url = base_of(registry), f"/v2/{repository_of(ref)}/tags/list?n={PAGE}"
        until = self.clock() + TOTAL_SECONDS
        found: list[str] = []
        token = ""
        for _ in range(MOST_PAGES):
            answer, body = self._get(base + url, registry, until, token)
            if answer.status_code == 401 and not token:
                token = self._token(answer.headers.get("WWW-Authenticate", ""), registry, until)
                answer, body = self._get(base + url, registry, until, token)
            found += _names(answer.status_code, body, ref)
            following = NEXT.search(answer.headers.get("Link", ""))
            if following is None:
                return tuple(found)
            target = urljoin(base + url, following[1])
            if not target.startswith(f"{base}/"):
                raise PullRefused(f"{registry} names another host for the next page of tags: {target[:80]}")
            url = target.removeprefix(base)
        raise PullRefused(f"{ref}: more than {MOST_PAGES * PAGE} tags")

    def _token(self, challenge: str, registry: str, until: float) -> str:
        kind, _, rest = challenge.partition(" ")
        told = dict(CHALLENGE.findall(rest))
        realm = told.pop("realm", "")
        if kind.lower() != "bearer" or not realm:
            raise PullRefused(f"{registry} wants a login")
        if urlsplit(realm).scheme != "https" and not _here(urlsplit(realm).netloc):
            raise PullRefused(f"{registry} names no safe place for tokens: {realm[:80]}")
        asked = {key: told[key] for key in ("service", "scope") if key in told}
        answer, body = self._get(f"{realm}?{urlencode(asked)}", registry, until)
        document = _object(body)
        token = document.get("token") or document.get("access_token")
        if answer.status_code != 200 or not isinstance(token, str):
            raise PullRefused(f"{registry} gives nobody a token without a login ({answer.status_code})")
        return token

    def _get(self, url: str, registry: str, until: float, token: str = "") -> tuple[requests.Response, bytes]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            with requests.get(
                url,
                headers=headers,
                auth=_nobody,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as answer:
                return answer, b"".join(self._bounded(answer, registry, until))
        except requests.RequestException as error:
            raise RegistryUnreachable(f"registry {registry} does not answer") from error

    def _bounded(self, answer: requests.Response, registry: str, until: float) -> Iterator[bytes]:
        size = 0
        for chunk in answer.iter_content(64 * 1024):
            size += len(chunk)
            if size > MOST_BYTES or self.clock() > until:
                raise RegistryUnreachable(f"registry {registry} answers without end")
            yield chunk


def base_of(registry: str) -> str:
    """Where a registry answers: by TLS, but for one on this machine, as the engine holds it."""
    host = DEFAULT_HOST if registry == DEFAULT_REGISTRY else registry
    return f"{'http' if _here(host) else 'https'}://{host}"


def repository_of(ref: str) -> str:
    """The repository's path in its registry; an official image's short name is one of ``library/``."""
    name = ref.partition("@")[0]
    head, slash, last = name.rpartition("/")
    path = f"{head}{slash}{last.partition(':')[0]}"
    registry = registry_of(ref)
    if registry == DEFAULT_REGISTRY:
        path = path.removeprefix(f"{DEFAULT_REGISTRY}/")
        return path if "/" in path else f"library/{path}"
    return path.removeprefix(f"{registry}/")


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from adding what a netrc file has for the host."""
    return request


def _here(host: str) -> bool:
    """Whether a network location is this machine: only there is plain HTTP safe."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _names(status: int, body: bytes, ref: str) -> list[str]:
    if status != 200:
        errors = _object(body).get("errors")
        said = errors[0].get("code") if isinstance(errors, list) and errors else "no reason"
        raise PullRefused(f"the registry refuses the tags of {ref}: {status} {said}")
    tags = _object(body).get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
