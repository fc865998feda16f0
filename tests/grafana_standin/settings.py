"""The GF_* environment, with ``$__file{}`` and ``$__env{}`` expanded as the real server expands them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from . import VERSION


class StartupError(Exception):
    """The real server ends with exit code 1 and this text."""


@dataclass(frozen=True)
class Settings:
    """The settings that the stand-in honours; unknown ones are ignored, as the real server ignores them."""

    data: Path
    provisioning: Path
    admin_user: str = "admin"
    admin_password: str = "admin"
    address: str = ""
    port: int = 3000
    anonymous: bool = False
    hide_version: bool = False
    metrics: bool = True
    version: str = VERSION
    root_url: str = "http://localhost:3000/"

    @property
    def below(self) -> str:
        """The path of the address for people, which every link and redirect begins with."""
        return urlsplit(self.root_url).path.rstrip("/")

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.version.partition(".")[0])


def from_environment(env: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a process; an unset or empty password is admin, a missing ``$__file{}`` ends the start."""
    return Settings(
        data=Path(_value(env, "PATHS_DATA", "/var/lib/grafana")),
        provisioning=Path(_value(env, "PATHS_PROVISIONING", "/etc/grafana/provisioning")),
        admin_user=_value(env, "SECURITY_ADMIN_USER", "admin"),
        admin_password=_value(env, "SECURITY_ADMIN_PASSWORD", "admin"),
        address=_value(env, "SERVER_HTTP_ADDR", ""),
        port=int(_value(env, "SERVER_HTTP_PORT", "3000")),
        anonymous=_value(env, "AUTH_ANONYMOUS_ENABLED", "false") == "true",
        hide_version=_value(env, "AUTH_ANONYMOUS_HIDE_VERSION", "false") == "true",
        metrics=_value(env, "METRICS_ENABLED", "true") == "true",
        version=version_of(env),
        root_url=_value(env, "SERVER_ROOT_URL", "http://localhost:3000/"),
    )


def version_of(env: Mapping[str, str] = os.environ) -> str:
    """The version that is spoken."""
    return env.get("STANDIN_VERSION", "") or VERSION


def _value(env: Mapping[str, str], name: str, default: str) -> str:
    return _expand(env, name.lower(), env.get(f"GF_{name}", "")) or default


def _expand(env: Mapping[str, str], name: str, text: str) -> str:
    if text.startswith("$__file{") and text.endswith("}"):
        path = Path(text[len("$__file{") : -1])
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            where = name.replace("_", ".", 1)
            raise StartupError(
                f"got error while expanding {where} with expander 'file': stat {path}: {error.strerror}"
            ) from error
    if text.startswith("$__env{") and text.endswith("}"):
        return env.get(text[len("$__env{") : -1], "")
    return text
