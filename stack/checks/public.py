"""Checks of the public address: each product knows it, and what answers there is the product.

Asked only where settings name such an address. Whether others reach it cannot be told from here: what is positively
wrong is a warning, and what cannot be known is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from stack.checks.context import CheckContext
from stack.checks.model import Evidence
from stack.clients.http import HttpFailure
from stack.clients.public import Place, Said, ask
from stack.common.wait import NotYet

FLAG = "--web.external-url="


def prometheus(context: CheckContext) -> str:
    """The address from which it makes links."""
    return _same(context, "prometheus", context.prometheus.flags().get("web.external-url", ""))


def alertmanager(context: CheckContext) -> str:
    """The address among the words that its process was started with; its API does not tell it."""
    words = context.alertmanager.command_line()
    return _same(
        context, "alertmanager", next((w.removeprefix(FLAG) for w in words if w.startswith(FLAG)), "")
    )


def grafana(context: CheckContext) -> str:
    """The address that it tells browsers."""
    return _same(context, "grafana", context.administrator().app_url())


def app(context: CheckContext) -> str:
    """It answers to its public name; others it refuses, since somebody else could have pointed them here."""
    host = urlsplit(_wanted(context, "app")).netloc
    if not context.app.answers_as(host):
        raise NotYet(f"it refuses to be asked as {host}")
    return f"answers as {host}"


def _wanted(context: CheckContext, component: str) -> str:
    return dict(context.expected.public)[component]


def _same(context: CheckContext, component: str, found: str) -> str:
    wanted = _wanted(context, component)
    if found.rstrip("/") != wanted:
        raise NotYet(f"its address for people is {found or 'none'}, not {wanted}")
    return f"its address for people is {wanted}"


def reached(context: CheckContext) -> Evidence:
    """What answers at each public address, asked from here."""
    found = list(_asked(context))
    return Evidence("; ".join(said.text for said in found), tuple(said.text for said in found if said.wrong))


def _asked(context: CheckContext) -> Iterator[Said]:
    """Each product's; where nobody answers, one stands for all at the same origin."""
    paths = dict(context.expected.ready_paths)
    places = [
        Place(url, paths[c], _kind(context, c, paths[c])) for c, url in context.expected.public if c in paths
    ]
    silent: set[str] = set()
    for place, said in zip(places, ask(*places), strict=True):
        origin = urlsplit(place.url).netloc
        if said.answered or origin not in silent:
            yield said
        silent |= set() if said.answered else {origin}


def _kind(context: CheckContext, component: str, path: str) -> str:
    """The content type of the product's own answer; empty where it cannot be asked from here."""
    try:
        return context.http(component).get(path).headers.get("content-type", "")
    except (HttpFailure, KeyError):
        return ""
