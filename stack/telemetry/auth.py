"""Who may read the metrics: basic authentication (RFC 7617) or a bearer token (RFC 6750), from files.

Only digests of the secrets are kept, and they are compared in constant time. Nothing here may log or return
a secret.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256
from pathlib import Path
from typing import Final

from stack.telemetry.settings import MonitorError, ServerOptions

CHALLENGES: Final = {
    "bearer": 'Bearer realm="metrics"',
    "basic": 'Basic realm="metrics", charset="UTF-8"',
}
"""The schemes, and what a client is told of them (WWW-Authenticate)."""


def digests(options: ServerOptions) -> dict[str, bytes]:
    """Digests of the secrets that a server accepts, by scheme. Raises MonitorError for a file without one."""
    found = {}
    if options.token_file:
        found["bearer"] = sha256(_first_line(options.token_file).encode()).digest()
    if options.basic_auth_file:
        line = _first_line(options.basic_auth_file)
        user, _, password = line.partition(":")
        if not (user and password):
            raise MonitorError(f"{options.basic_auth_file}: expected one line user:password")
        found["basic"] = sha256(line.encode()).digest()
    return found


def accepts(authorization: str, accepted: dict[str, bytes]) -> bool:
    """Whether an Authorization header carries one of the secrets."""
    scheme, _, text = authorization.partition(" ")
    try:
        # http.server reads a header's bytes as Latin-1, whatever they are.
        secret = text.strip(" ").encode("latin-1")
        if scheme.lower() == "basic":
            secret = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(sha256(secret).digest(), accepted.get(scheme.lower(), b""))


def authorization(token_file: str, basic_auth_file: str) -> dict[str, str]:
    """The header with which a client proves that it has one of the secrets; empty without any. Raises MonitorError."""
    if token_file:
        return {"Authorization": "Bearer " + _first_line(token_file).encode().decode("latin-1")}
    if basic_auth_file:
        secret = base64.b64encode(_first_line(basic_auth_file).encode()).decode()
        return {"Authorization": f"Basic {secret}"}
    return {}


def _first_line(file: str) -> str:
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MonitorError(f"{file}: cannot read the secret ({error}); give a readable UTF-8 file") from error
    if not lines or not lines[0].strip():
        raise MonitorError(f"{file}: the secret is empty; put it in the first line")
    return lines[0].strip()
