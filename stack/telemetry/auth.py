"""Who may read the metrics: basic authentication (RFC 7617) or a bearer token (RFC 6750), from files.

Only digests of the secrets are kept, and they are compared in constant time. Nothing here may log or return
a secret.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from stack.telemetry.settings import MonitorError, ServerOptions


@dataclass(frozen=True, slots=True)
class Credential:
    """One accepted secret: ``scheme`` is ``basic`` (the secret is ``user:password``) or ``bearer``."""

    scheme: str
    digest: bytes

    @property
    def challenge(self) -> str:
        """The value of the WWW-Authenticate header."""
        return (
            'Basic realm="metrics", charset="UTF-8"' if self.scheme == "basic" else 'Bearer realm="metrics"'
        )

    def accepts(self, authorization: str) -> bool:
        """Whether an Authorization header carries this secret."""
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != self.scheme:
            return False
        # http.server reads a header's bytes as Latin-1, whatever they are.
        secret = _basic_secret(text) if self.scheme == "basic" else text.strip(" ").encode("latin-1")
        return hmac.compare_digest(sha256(secret).digest(), self.digest)


def credentials(options: ServerOptions) -> tuple[Credential, ...]:
    """The secrets that a server accepts. Raises MonitorError for a file without one."""
    found = []
    if options.token_file:
        found.append(Credential("bearer", sha256(_first_line(options.token_file).encode()).digest()))
    if options.basic_auth_file:
        line = _first_line(options.basic_auth_file)
        user, _, password = line.partition(":")
        if not (user and password):
            raise MonitorError(f"{options.basic_auth_file}: expected one line user:password")
        found.append(Credential("basic", sha256(line.encode()).digest()))
    return tuple(found)


def authorization(token_file: str, basic_auth_file: str) -> dict[str, str]:
    """The header with which a client proves that it has one of the secrets; empty without any. Raises MonitorError."""
    if token_file:
        return {"Authorization": "Bearer " + _first_line(token_file).encode().decode("latin-1")}
    if basic_auth_file:
        return {"Authorization": "Basic " + base64.b64encode(_first_line(basic_auth_file).encode()).decode()}
    return {}


def _first_line(file: str) -> str:
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MonitorError(f"{file}: cannot read the secret ({error}); give a readable UTF-8 file") from error
    if not lines or not lines[0].strip():
        raise MonitorError(f"{file}: the secret is empty; put it in the first line")
    return lines[0].strip()


def _basic_secret(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""
