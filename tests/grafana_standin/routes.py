"""The table of routes: method, path, who may ask, who answers.

What it does not list is 404 with a login and 401 without, as in the real server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from . import attached, dashboards, query, sources
from .answers import INTERNAL, PAGE, WEB_JSON, Answer, fault, moved
from .site import Site

BUILD = {
    "hideVersion": False,
    "commit": "standin",
    "commitShort": "standin",
    "buildstamp": 1763510400,
    "edition": "Open Source",
    "latestVersion": "",
    "hasUpdate": False,
    "env": "production",
}
ORG = {
    "id": 1,
    "name": "Main Org.",
    "address": {"address1": "", "address2": "", "city": "", "zipCode": "", "state": "", "country": ""},
}
SHELL = '<!DOCTYPE html>\n<html lang="en-US">\n  <head>\n    <title>Grafana</title>\n  </head>\n</html>\n'
BAD_LOGIN = fault(400, "form-auth.invalid", "bad login data")
RELOADED = {
    "dashboards": "Dashboards",
    "datasources": "Datasources",
    "plugins": "Plugins",
    "alerting": "Alerting",
}


@dataclass(frozen=True)
class Request:
    """One request after authentication; ``found`` holds the path's variable parts."""

    method: str
    target: str
    body: bytes
    content_type: str
    user: str = ""
    found: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @property
    def params(self) -> dict[str, list[str]]:
        """The query's values."""
        return parse_qs(urlsplit(self.target).query)

    def json(self) -> Any:
        """The body; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def below(self, marker: str) -> str:
        """The rest of the target, with its query, behind ``marker``."""
        return self.target.partition(marker)[2]


Handler = Callable[[Site, Request], Answer]


@dataclass(frozen=True)
class Route:
    """One row of the table; ``{}`` in ``path`` is one segment, ``{*}`` all that follows.

    ``until`` is the last major version that has it: routes by number are off from 13 on.
    """

    method: str
    path: str
    handler: Handler
    public: bool = False
    until: int = 99

    def match(self, request: Request) -> tuple[str, ...] | None:
        """The variable parts where this route is meant."""
        pattern = re.escape(self.path).replace(r"\{\*\}", "(.*)").replace(r"\{\}", "([^/]+)")
        found = re.fullmatch(pattern, request.path)
        return (
            found.groups()
            if found and request.method in (self.method, *(("HEAD",) if self.public else ()))
            else None
        )


def health(site: Site, request: Request) -> Answer:
    """Open to all; answers only once provisioning is done, for nothing listens before."""
    del request
    version = {} if site.settings.hide_version else {"version": site.settings.version, "commit": "standin"}
    return Answer(200, {"database": "ok", **version}, WEB_JSON)


def metrics(site: Site, request: Request) -> Answer:
    """A page in the text format with the names that dashboards and rules use."""
    del request
    if not site.settings.metrics:
        return moved(site.settings.below + "/login?redirectTo=%2Fmetrics")
    name = "grafana_http_request_duration_seconds"
    lines = [
        f'grafana_build_info{{version="{site.settings.version}"}} 1',
        "go_goroutines 8",
        f"# TYPE {name} histogram",
    ]
    for (handler, method, status), count in sorted(site.requests.items()):
        labels = f'handler="{handler}",method="{method}",status_code="{status}"'
        lines.append(f'{name}_bucket{{{labels},le="+Inf"}} {count}')
        lines += [f"{name}_sum{{{labels}}} {count / 1000}", f"{name}_count{{{labels}}} {count}"]
    return Answer(
        200, "\n".join(lines) + "\n", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    )


def login(site: Site, request: Request) -> Answer:
    """The login form."""
    form = request.json()
    if not isinstance(form, dict) or not form.get("user") or not form.get("password"):
        return BAD_LOGIN
    if site.accounts.check(form["user"], form["password"]) != "ok":
        return fault(401, "password-auth.failed", "Invalid username or password")
    return Answer(200, {"message": "Logged in", "redirectUrl": "/"})


def user(site: Site, request: Request) -> Answer:
    """Who is logged in."""
    row = site.database.row("SELECT * FROM user WHERE login = ?", (request.user,))
    created = row["created"] if row is not None else ""
    flags = dict.fromkeys(
        ("isDisabled", "isExternal", "isExternallySynced", "isGrafanaAdminExternallySynced", "isProvisioned"),
        False,
    )
    return Answer(
        200,
        {
            "id": 1,
            "uid": "standin",
            "email": f"{request.user}@localhost",
            "name": "",
            "login": request.user,
            "theme": "",
            "orgId": 1,
            "isGrafanaAdmin": True,
            "authLabels": [],
            "updatedAt": created,
            "createdAt": created,
            "avatarUrl": "/avatar/standin",
            **flags,
        },
    )


def frontend(site: Site, request: Request) -> Answer:
    """What a browser needs to know: the parts about the build and the address."""
    del request
    version = site.settings.version
    about = {**BUILD, "version": version, "versionString": f"Grafana v{version} (standin)"}
    where = {"appUrl": site.settings.root_url, "appSubUrl": site.settings.below}
    return Answer(200, {"buildInfo": about, **where}, WEB_JSON)


def security(site: Site, request: Request) -> Answer:
    """Passwords are masked."""
    del request
    shown = {"admin_user": site.settings.admin_user, "admin_password": "*********"}
    return Answer(200, {"security": shown})


def reload(site: Site, request: Request) -> Answer:
    """Applied before the answer; broken files change nothing and the reason is in the log only."""
    (kind,) = request.found
    if kind not in RELOADED:
        return Answer(404, {"message": "Not found"}, WEB_JSON)
    work = {"dashboards": site.reload_dashboards, "datasources": site.reload_sources}.get(kind)
    if work is not None and not work():
        return INTERNAL
    return Answer(200, {"message": f"{RELOADED[kind]} config reloaded"})


def proxy(site: Site, request: Request) -> Answer:
    """The raw proxy."""
    uid, _ = request.found
    path = request.below(f"/proxy/uid/{uid}")
    return sources.proxy(site.database, uid, request.method, path, request.body, request.content_type)


def resource(site: Site, request: Request) -> Answer:
    """What variables ask for."""
    uid, _ = request.found
    return sources.resource(site.database, uid, request.below("/resources"))


def constant(answer: Answer) -> Handler:
    """Always the same."""
    return lambda site, request: answer


ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/health", health, public=True),
    Route("GET", "/healthz", constant(Answer(200, "Ok", "text/plain; charset=utf-8")), public=True),
    Route("GET", "/metrics", metrics, public=True),
    Route("GET", "/login", constant(Answer(200, SHELL, PAGE)), public=True),
    Route("POST", "/login", login, public=True),
    Route("GET", "/logout", lambda s, r: moved(f"{s.settings.below}/login"), public=True),
    Route(
        "GET",
        "/robots.txt",
        constant(Answer(200, "User-agent: *\nDisallow: /\n", "text/plain; charset=utf-8")),
        public=True,
    ),
    Route("GET", "/", constant(Answer(200, SHELL, PAGE))),
    Route("GET", "/api/org", constant(Answer(200, ORG))),
    Route("GET", "/api/user", user),
    Route(
        "GET", "/api/user/orgs", constant(Answer(200, [{"orgId": 1, "name": "Main Org.", "role": "Admin"}]))
    ),
    Route("GET", "/api/frontend/settings", frontend),
    Route("GET", "/api/admin/settings", security),
    Route("POST", "/api/admin/provisioning/{}/reload", reload),
    Route("GET", "/api/datasources", lambda s, r: sources.listed(s.database)),
    Route("GET", "/api/datasources/uid/{}", lambda s, r: sources.by(s.database, "uid", *r.found)),
    Route("GET", "/api/datasources/name/{}", lambda s, r: sources.by(s.database, "name", *r.found)),
    Route("GET", "/api/datasources/id/{}", lambda s, r: sources.id_of(s.database, *r.found), until=12),
    Route(
        "DELETE", "/api/datasources/uid/{}", lambda s, r: sources.changed(s.database, r.found[0], "delete")
    ),
    Route("PUT", "/api/datasources/uid/{}", lambda s, r: sources.changed(s.database, r.found[0], "update")),
    Route("GET", "/api/datasources/uid/{}/health", lambda s, r: sources.health(s.database, *r.found)),
    Route("GET", "/api/datasources/uid/{}/resources/{*}", resource),
    Route("GET", "/api/datasources/proxy/uid/{}/{*}", proxy),
    Route("POST", "/api/datasources/proxy/uid/{}/{*}", proxy),
    Route("DELETE", "/api/datasources/proxy/uid/{}/{*}", proxy),
    Route("POST", "/api/ds/query", lambda s, r: query.answer(s.database, r.body, r.content_type)),
    Route("GET", "/api/search", lambda s, r: dashboards.search(s.database, r.params)),
    Route("GET", "/api/folders", lambda s, r: dashboards.folders(s.database)),
    Route("DELETE", "/api/folders/{}", lambda s, r: dashboards.delete_folder(s.database, *r.found)),
    Route("GET", "/api/dashboards/tags", lambda s, r: dashboards.tags(s.database)),
    Route(
        "GET", "/api/dashboards/uid/{}", lambda s, r: dashboards.read(s.database, s.settings.major, *r.found)
    ),
    Route("GET", "/api/user/stars", lambda s, r: attached.stars(s.database)),
    Route("POST", "/api/user/stars/dashboard/uid/{}", lambda s, r: attached.star(s.database, *r.found)),
    Route(
        "GET", "/api/dashboards/uid/{}/permissions", lambda s, r: attached.permissions(s.database, *r.found)
    ),
    Route(
        "POST",
        "/api/dashboards/uid/{}/permissions",
        lambda s, r: attached.permit(s.database, r.found[0], r.json()),
    ),
    Route(
        "GET", "/api/dashboards/uid/{}/public-dashboards", lambda s, r: attached.public(s.database, *r.found)
    ),
    Route(
        "POST",
        "/api/dashboards/uid/{}/public-dashboards",
        lambda s, r: attached.publish(s.database, *r.found),
    ),
    Route("DELETE", "/api/dashboards/uid/{}", lambda s, r: dashboards.delete(s.database, *r.found)),
    Route("POST", "/api/dashboards/db", lambda s, r: dashboards.save(s.database, r.json(), r.content_type)),
)
