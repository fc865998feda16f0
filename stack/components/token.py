"""The application's bearer token (RFC 6750), where one is set: a file for those who need it, named in their own.

Pure: text in, text out, edited in place. Whatever already names credentials of its own is left as it is, and so is
broken YAML, whose fault validation names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from stack.common import yaml_edit as edit
from stack.components.build import Build
from stack.components.manifest import SecretSpec
from stack.model.receivers import TARGET
from stack.model.spec import CONFIG_ROOT, NOBODY, ConfigFile

APP_TOKEN = "app_token"  # noqa: S105 - the name of a secret
TOKEN = SecretSpec(
    APP_TOKEN,
    setting="app.token_file",
    generated=False,
    pattern=re.compile(r"[A-Za-z0-9._~+/-]+=*"),
    form="letters, digits and -._~+/ (openssl rand -hex 32)",
)
"""``pattern`` is what fits behind ``Bearer`` in a header (RFC 6750, 2.1)."""
CREDENTIALS = f"authorization: {{credentials_file: {CONFIG_ROOT}/secrets/{APP_TOKEN}}}"
OTHERS = frozenset({"authorization", "basic_auth", "oauth2"})


def token_file(build: Build) -> tuple[ConfigFile, ...]:
    """The token for a container of the usual user; none where none is set."""
    return build.secret_file(APP_TOKEN, NOBODY)


def scraping(build: Build, files: tuple[ConfigFile, ...]) -> tuple[ConfigFile, ...]:
    """Prometheus' files, in which every job of the application alone carries the token, if there is one."""
    if APP_TOKEN not in build.secrets:
        return files
    return tuple(
        file.edited(_with_credentials(file.content))
        if file.path.startswith(("prometheus.yml", "scrape/"))
        else file
        for file in files
    )


def _with_credentials(content: bytes) -> bytes:
    text = content.decode(errors="surrogateescape")
    document = edit.compose(text)
    edits = [edit.put_first(job, CREDENTIALS) for job in _jobs(document)]
    return edit.edited(text, edits).encode(errors="surrogateescape")


def _jobs(document: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    for job in edit.items(edit.member(document, "scrape_configs")):
        if isinstance(job, yaml.MappingNode) and _targets(job) == {TARGET} and not OTHERS & edit.keys(job):
            yield job


def _targets(job: yaml.Node) -> set[str]:
    groups = edit.items(edit.member(job, "static_configs"))
    return {edit.text_of(target) for group in groups for target in edit.items(edit.member(group, "targets"))}
