"""Provisioning files for a Grafana of the user's own: data source, dashboard provider, the two dashboards.

The folder that is written is a Grafana provisioning folder as it stands: mount or copy it to
/etc/grafana/provisioning (the place in the official image and in the packages), or say where else it will
be. Nothing of the user's in that folder may be touched but the files named here.
"""

from __future__ import annotations

import json
from pathlib import Path

from stack.common.errors import StackError

DASHBOARDS = ("gate-security", "l9-tool-observability")
PROVISIONING = "/etc/grafana/provisioning"

# updateIntervalSeconds stays above 10: Grafana 12.3.0 ends when it reloads right after a change with less.
_DATASOURCE = """\
apiVersion: 1
datasources:
  - name: Prometheus
    uid: prometheus
    type: prometheus
    access: proxy
    url: {url}
    isDefault: true
    editable: false
    jsonData:
      httpMethod: POST
      timeInterval: 5s
"""
_PROVIDER = """\
apiVersion: 1
providers:
  - name: monitoring-stack
    orgId: 1
    type: file
    disableDeletion: true
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      path: {path}
"""


def grafana_config(
    output_dir: Path, dashboards: Path, prometheus_url: str, provisioning_path: str = PROVISIONING
) -> tuple[Path, ...]:
    """Writes the files and returns them. ``dashboards``: where the two are; ``provisioning_path``: where Grafana will
    see ``output_dir``. Raises StackError when the dashboards are missing or the folder can't be written.
    """
    files = {
        # A JSON string is a YAML string too, so no character of an address can break the document.
        "datasources/monitoring-stack.yml": _DATASOURCE.format(url=json.dumps(prometheus_url)),
        "dashboards/monitoring-stack.yml": _PROVIDER.format(
            path=json.dumps(f"{provisioning_path}/dashboards")
        ),
        **{f"dashboards/{uid}.json": _read(dashboards / f"{uid}.json") for uid in DASHBOARDS},
    }
    return tuple(_write(output_dir / name, text) for name, text in files.items())


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise StackError(
            f"{file}: no such dashboard ({error.strerror}); install the package again"
        ) from error


def _write(file: Path, text: str) -> Path:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StackError(f"{file}: cannot be written ({error.strerror}); give another folder") from error
    return file
