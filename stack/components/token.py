"""The application's bearer token (RFC 6750), where one is set: a file for those who need it, named in their own.

Pure: text in, text out. Whatever already names credentials of its own is left as it is, and so is broken YAML, whose
fault validation names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from stack.common.yaml_text import load_yaml
from stack.components.build import Build
from stack.config.state import APP_TOKEN
from stack.model.spec import CONFIG_ROOT, ConfigFile

TARGET = "app:8000"
PATH = f"{CONFIG_ROOT}/secrets/{APP_TOKEN}"
UID = 65534
OTHERS = frozenset({"authorization", "basic_auth", "oauth2"})

Change = Callable[[dict[str, Any]], bool]


def token_file(build: Build) -> tuple[ConfigFile, ...]:
    """The token for a container of the usual user; none where none is set."""
    return build.secret_file(APP_TOKEN, UID)


def scraping(build: Build, contents: dict[str, bytes]) -> dict[str, bytes]:
    """Prometheus' files, in which every job of the application alone carries the token, if there is one."""
    return (
        {
            path: _changed(content, _jobs) if path.startswith(("prometheus.yml", "scrape/")) else content
            for path, content in contents.items()
        }
        if APP_TOKEN in build.secrets
        else contents
    )


def notifying(build: Build, contents: dict[str, bytes]) -> dict[str, bytes]:
    """Alertmanager's files, in which every webhook of the application carries the token, if there is one."""
    return (
        {
            path: _changed(content, _webhooks) if path == "alertmanager.yml" else content
            for path, content in contents.items()
        }
        if APP_TOKEN in build.secrets
        else contents
    )


def _changed(content: bytes, change: Change) -> bytes:
    try:
        document = load_yaml(content)
    except (yaml.YAMLError, UnicodeDecodeError):
        return content
    if not isinstance(document, dict) or not change(document):
        return content
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120).encode()


def _jobs(document: dict[str, Any]) -> bool:
    jobs = [job for job in _mappings(document.get("scrape_configs")) if _targets(job) == {TARGET}]
    bare = [job for job in jobs if not OTHERS & job.keys()]
    for job in bare:
        job.update(_credentials())
    return bool(bare)


def _targets(job: dict[str, Any]) -> set[str]:
    return {str(t) for group in _mappings(job.get("static_configs")) for t in group.get("targets") or ()}


def _webhooks(document: dict[str, Any]) -> bool:
    receivers = _mappings(document.get("receivers"))
    hooks = [hook for r in receivers for hook in _mappings(r.get("webhook_configs"))]
    bare = [hook for hook in hooks if _ours(hook) and not OTHERS & (hook.get("http_config") or {}).keys()]
    for hook in bare:
        hook["http_config"] = {**(hook.get("http_config") or {}), **_credentials()}
    return bool(bare)


def _ours(hook: dict[str, Any]) -> bool:
    return str(hook.get("url", "")).startswith(f"http://{TARGET}/")


def _credentials() -> dict[str, Any]:
    return {"authorization": {"credentials_file": PATH}}


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []
