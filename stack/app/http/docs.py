"""The page that shows the interface: Swagger UI as an installed package has it, so that no browser asks anybody else.

All addresses in it are relative: right under whatever path a proxy serves the application. The browser holds the files
to the digests that the page names, and the page to its own origin.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response

from stack.app.http.problems import Problem

ADDRESS: Final = "/docs"
PACKAGE: Final = "fastapi_offline"
"""Carries the files of Swagger UI; nothing of it is imported."""
SCRIPT, STYLE, ICON, START = "swagger-ui-bundle.js", "swagger-ui.css", "favicon.png", "start.js"
KINDS: Final = {SCRIPT: "text/javascript", STYLE: "text/css", ICON: "image/png", START: "text/javascript"}
STARTS: Final = """\
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""
PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="docs/{icon}">
<link rel="stylesheet" href="docs/{style}?{style_digest}" integrity="{style_digest}">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/{script}?{script_digest}" integrity="{script_digest}"></script>
<script src="docs/{start}?{start_digest}" integrity="{start_digest}"></script>
</body>
</html>
"""
ONLY_FROM_HERE: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
)
"""Swagger UI sets styles of elements, and draws its icons from the text of its style sheet."""
FOREVER: Final = "public, max-age=31536000, immutable"
"""For addresses that name the digest of what they give."""


def install(app: FastAPI) -> None:
    """Makes ``app`` serve the page and its files."""

    async def page(request: Request) -> Response:
        del request
        headers = {"Content-Security-Policy": ONLY_FROM_HERE, "Referrer-Policy": "no-referrer"}
        return Response(_page(app.title), media_type="text/html", headers=headers)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in KINDS:
            raise Problem(404, f"nothing is here: see {ADDRESS} for the addresses")
        kept = {"Cache-Control": FOREVER} if request.url.query else {}
        return Response(_content(name), media_type=KINDS[name], headers=kept)

    app.add_route(ADDRESS, page, include_in_schema=False)
    app.add_route(f"{ADDRESS}/{{name}}", file, include_in_schema=False)


@cache
def _content(name: str) -> bytes:
    if name == START:
        return STARTS.encode()
    spec = find_spec(PACKAGE)
    folder = next(iter(spec.submodule_search_locations or ()), None) if spec else None
    if folder is None:
        raise Problem(503, f"the package {PACKAGE}, which has the files of this page, is not installed")
    return (Path(folder) / "static" / name).read_bytes()


@cache
def _page(title: str) -> str:
    digests = {
        f"{key}_digest": _digest(name)
        for key, name in (("style", STYLE), ("script", SCRIPT), ("start", START))
    }
    return PAGE.format(title=escape(title), icon=ICON, style=STYLE, script=SCRIPT, start=START, **digests)


def _digest(name: str) -> str:
    return "sha384-" + b64encode(hashlib.sha384(_content(name)).digest()).decode()
