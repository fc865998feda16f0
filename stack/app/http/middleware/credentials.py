"""A bearer token (RFC 6750) or a user's password (RFC 7617): with one configured, all but ``/health`` needs it.

The comparison takes the same time for any secret; a secret never reaches a log or an answer.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from hmac import compare_digest

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from stack.app.http import problems

OPEN_PATHS = frozenset({"/health"})
FORMS = {"bearer": "Bearer <token>", "basic": "Basic <user:password in base64>"}
CHALLENGES = {"bearer": "Bearer", "basic": 'Basic realm="stack", charset="UTF-8"'}


class Credentials:
    """Answers 401 unless the request carries one of ``secrets``, which are given by scheme: ``bearer``, ``basic``."""

    def __init__(self, app: ASGIApp, secrets: Mapping[str, str]) -> None:
        self._app = app
        self._expected = {scheme: secret.encode() for scheme, secret in secrets.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._authorized(scope):
            await self._app(scope, receive, send)
            return
        forms = " or ".join(f"'Authorization: {FORMS[scheme]}'" for scheme in self._expected)
        challenge = ", ".join(CHALLENGES[scheme] for scheme in self._expected)
        refused = problems.response(401, f"this needs the header {forms}", {"WWW-Authenticate": challenge})
        await refused(scope, receive, send)

    def _authorized(self, scope: Scope) -> bool:
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        expected = self._expected.get(scheme.lower())
        # Starlette reads a header's bytes as Latin-1, whatever they are.
        sent = given.strip(" ").encode("latin-1")
        try:
            sent = b64decode(sent, validate=True) if scheme.lower() == "basic" else sent
        except ValueError:
            return False
        return expected is not None and compare_digest(sent, expected)
