"""The gateway as the checks meet it, out of what it was told."""

from __future__ import annotations

from stack.checks.model import Door, Entry
from stack.components.build import Build
from stack.components.gateway import authority, digest, told
from stack.components.gateway_config import INNER, ROOT
from stack.components.gateway_settings import ACME_ROOT, CERTIFICATE, NAME, PASSWORD
from stack.components.gateway_users import MACHINE
from stack.config.secret import Secret

VOUCHES = {"files": CERTIFICATE, "acme": ACME_ROOT}
"""The secret with what a browser trusts, where the user gave it."""


def door(build: Build) -> Door:
    """Its addresses, the login of the checks and what vouches for it."""
    known, settings = told(build), build.settings
    kind = authority(build)
    host = "127.0.0.1" if settings.bind in ("0.0.0.0", "::") else settings.bind  # noqa: S104 - compared, never bound
    return Door(
        component=NAME,
        place=f"{f'[{host}]' if ':' in host else host}:{settings.port(NAME)}",
        entries=tuple(Entry(one.component, one.address.url, one.login) for one in known.behind),
        user=MACHINE,
        password=build.secrets.get(PASSWORD, Secret()).reveal(),
        authority=kind,
        root=ROOT if kind == "local" else "",
        roots=build.secrets.get(VOUCHES[kind], Secret()).reveal() if kind in VOUCHES else "",
        digest=digest(build),
        inner=f"http://127.0.0.1:{INNER}/digest",
        forward=known.guard.forward,
    )
