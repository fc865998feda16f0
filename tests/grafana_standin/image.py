"""Makes the stand-in a container image of the real one's layout: user 472, /run.sh, /var/lib/grafana, port 3000.

Built without a network from a Python base that is already there; PyYAML's pure Python part is copied in.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import yaml

from . import VERSION
from .dashboards import SCHEMA_V2

BASE = "monitoring-stack/python:local"
REPOSITORY = "monitoring-stack-test/grafana"
TAG = f"{REPOSITORY}:{VERSION}"
USER = 472
LIBRARY = "usr/share/grafana/lib"
RUN = """#!/bin/sh
if [ ! -w "$GF_PATHS_DATA" ]; then
  echo "GF_PATHS_DATA='$GF_PATHS_DATA' is not writable."
  exit 1
fi
exec grafana server "$@"
"""
GRAFANA = """#!/bin/sh
exec python3 -m grafana_standin "$@"
"""
GRAFANA_CLI = """#!/bin/sh
exec grafana cli "$@"
"""
"""Gone from 13 on."""
DOCKERFILE = """FROM {base}
USER 0
COPY root/ /
COPY --chown=472:0 data/ /var/lib/grafana/
COPY --chown=472:0 data/ /etc/grafana/
COPY --chown=472:0 data/ /var/log/grafana/
RUN ["python3", "-m", "compileall", "-q", "/usr/share/grafana/lib"]
ENV PYTHONPATH=/usr/share/grafana/lib PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \\
    GF_PATHS_CONFIG=/etc/grafana/grafana.ini GF_PATHS_DATA=/var/lib/grafana GF_PATHS_HOME=/usr/share/grafana \\
    GF_PATHS_LOGS=/var/log/grafana GF_PATHS_PLUGINS=/var/lib/grafana/plugins \\
    GF_PATHS_PROVISIONING=/etc/grafana/provisioning STANDIN_VERSION={version}
WORKDIR /usr/share/grafana
EXPOSE 3000
USER 472
ENTRYPOINT ["/run.sh"]
"""


class Builds(Protocol):
    """The one call of docker-py's APIClient that is needed."""

    def build(self, **options: Any) -> Iterable[dict[str, Any]]:
        """Builds a context and yields what the engine says."""


def build_image(api: Builds, base: str = BASE, tag: str = TAG, version: str = VERSION) -> str:
    """Builds and returns ``tag``, speaking as ``version``; RuntimeError in the engine's words. Give ``client.api``."""
    said = api.build(
        fileobj=io.BytesIO(context(base, version)),
        custom_context=True,
        tag=tag,
        rm=True,
        forcerm=True,
        network_mode="none",
        labels={"monitoring-stack-test": "grafana"},
        decode=True,
    )
    for line in said:
        if "error" in line:
            raise RuntimeError(f"{tag} from {base}: {line['error'].strip()}")
    return tag


def context(base: str, version: str = VERSION) -> bytes:
    """The build context as a tar; the same files give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content, mode in sorted(_files(base, version)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
        folder = tarfile.TarInfo("data")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
    return buffer.getvalue()


def _files(base: str, version: str) -> Iterator[tuple[str, bytes, int]]:
    yield "Dockerfile", DOCKERFILE.format(base=base, version=version).encode(), 0o644
    if int(version.partition(".")[0]) < SCHEMA_V2:
        yield "root/usr/bin/grafana-cli", GRAFANA_CLI.encode(), 0o755
    yield "root/run.sh", RUN.encode(), 0o755
    yield "root/usr/bin/grafana", GRAFANA.encode(), 0o755
    for package in (Path(__file__).parent, Path(yaml.__file__).parent):
        for path in package.glob("*.py"):
            yield f"root/{LIBRARY}/{package.name}/{path.name}", path.read_bytes(), 0o644
