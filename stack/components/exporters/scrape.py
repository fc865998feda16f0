"""The scrape job of each kind of exporter that runs here, written from the files of the servers. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from stack.components.build import Build
from stack.components.exporters.kind import Kind
from stack.components.exporters.kinds import KINDS
from stack.components.exporters.server import servers
from stack.model.names import host_of
from stack.model.spec import ConfigFile


def jobs(build: Build) -> Iterator[ConfigFile]:
    """One file for each kind that runs."""
    for kind in KINDS:
        if kind.name in build.present and (text := _job(build, kind)):
            yield ConfigFile(f"scrape/{kind.name}.yml", text.encode(), origin=kind.form.folder)


def _job(build: Build, kind: Kind) -> str:
    """JSON is YAML, and knows how to write every text."""
    groups = [
        {
            "targets": [f"{host_of(kind.form.service(server))}:{kind.port}"],
            "labels": {"instance": server.name},
        }
        for server in servers(build, kind.form)
        if not server.on
    ]
    if not groups:
        return ""
    lines = "\n".join(f"      - {json.dumps(group)}" for group in groups)
    return f"scrape_configs:\n  - job_name: {kind.name}\n    static_configs:\n{lines}\n"
