"""Messages of commands that refuse before anything is changed: how to bring each about; its remedy is to undo that."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tests.breakage.breakage import WORKER, Act, nothing
from tests.breakage.hands import edited, written
from tests.e2e.stack_command import Stack

BASE = 28300 + 10 * WORKER
"""Of the stack's ports: Grafana's; Prometheus has the next one."""
DASHBOARD = "grafana/dashboards/host.json"
SOURCES = "grafana/provisioning/datasources/stack.yml"
PROVIDERS = "grafana/provisioning/dashboards/stack.yml"
MAIN = "prometheus/prometheus.yml"
AM = "alertmanager/alertmanager.yml"


@dataclass(frozen=True, slots=True)
class Hint:
    """One message. ``entry``: its words in docs/troubleshooting.md; ``how`` brings it about, or ``environment`` does.

    ``words``: the command that must end with ``code`` and this message.
    """

    entry: str
    how: Act = nothing
    words: tuple[str, ...] = ("start",)
    code: int = 2
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        """Of its test."""
        return f"{self.entry} [{' '.join(self.words)}]"


def setting(entry: str, **environment: str) -> Hint:
    """A message about what the user's shell sets."""
    return Hint(entry, environment=environment)


def without(folder: str) -> Act:
    """A folder of the user's is gone."""
    return lambda stack: shutil.rmtree(stack.home / folder)


def no_image(stack: Stack) -> None:
    """An archive without an image."""
    (stack.home / "own").mkdir()
    with tarfile.open(stack.home / "own/none.tar", "w") as archive:
        archive.add(stack.home / MAIN, "a")


def said(entry: str, *words: str) -> Hint:
    """A message about the words of a command."""
    return Hint(entry, words=words)


def file(entry: str, how: Act) -> Hint:
    """A message about a file, which ``validate`` finds too."""
    return Hint(entry, how, words=("validate",))


SETTINGS = (
    setting("PATH: must be ..., got VALUE: change it in SOURCE", STACK_PROMETHEUS_PORT="99999"),
    Hint("FILE: unknown setting NAME", written("stack.toml", 'retension = "1d"\n')),
    Hint("stack.toml: ...", written("stack.toml", "retention = \n")),
    setting("bind: ADDRESS opens the stack to the network", STACK_BIND="0.0.0.0"),
    setting(
        "public_url: each product has a port of its own, PORT cannot be that of all",
        STACK_PUBLIC_URL="https://ops.example.com:8443",
    ),
    setting("app.token_file: FILE: ...", STACK_APP_TOKEN_FILE="/nowhere"),
    setting("grafana.password_file: FILE: ...", STACK_GRAFANA="auto", STACK_GRAFANA_PASSWORD_FILE="/nowhere"),
    Hint(
        "Grafana has no password yet",
        words=("credentials",),
        code=1,
        environment={"STACK_NAME": "breakage-none", "STACK_GRAFANA": "required"},
    ),
    setting("COMPONENT.port: N is the port of OTHER too", STACK_ALERTMANAGER_PORT=str(BASE + 1)),
    said("unknown component NAME", "start", "--with", "nobody"),
    said("is both wanted and left out", "start", "--with", "app", "--without", "app"),
    said("prometheus cannot be left out", "start", "--without", "prometheus"),
    Hint(
        "nothing to reload: this stack has no container",
        words=("reload",),
        environment={"STACK_NAME": "breakage-none"},
    ),
    said("no container of NAME", "logs", "postgres"),
    said("--follow needs the name of one component", "logs", "-f"),
    said("destroy --volumes needs --yes", "destroy", "--volumes"),
    said("images save needs -o FILE", "images", "save"),
    said("images load needs -i FILE", "images", "load"),
    said("monitor grafana-config needs --output-dir DIR", "monitor", "grafana-config"),
)
PROVIDER = "  - {name: more, type: file, folder: X, options: {path: /etc/stack/more}}\n"
FILES = (
    file(
        "COMPONENT/FILE:LINE:COLUMN: ... correct the YAML",
        written("prometheus/rules/mine.yml", "groups: [\n"),
    ),
    file("correct COMPONENT's files", edited("prometheus/rules/app-gates.yml", "sum by (", "summ by (")),
    file(
        "alertmanager/FILE:LINE: undefined receiver ... add a receiver named NAME",
        edited(AM, "receiver: default", "receiver: nobody"),
    ),
    file(
        "alertmanager/FILE:LINE: template NAME is not defined, so that no notification could be written",
        edited(
            AM,
            "receivers:\n",
            "receivers:\n  - name: mine\n    slack_configs:\n"
            "      - {api_url: 'http://app:8000/', text: '{{ template \"nowhere\" . }}'}\n",
        ),
    ),
    file(
        "alertmanager/FILE:LINE: KEY: PATH is not in the container",
        edited(
            AM,
            "receivers:\n",
            "receivers:\n  - name: mine\n    webhook_configs:\n      - {url_file: /run/secrets/nowhere}\n",
        ),
    ),
    Hint("FOLDER is missing", without("alertmanager")),
    file("FILE: N bytes", written("prometheus/rules/mine.yml", "#" * 20_000_000)),
    file("grafana/...: no uid", written("grafana/dashboards/mine.json", '{"title": "a", "panels": []}')),
    file(
        "is that of", written("grafana/dashboards/mine.json", '{"uid": "host", "title": "a", "panels": []}')
    ),
    file("no apiVersion: 1", edited(SOURCES, "apiVersion: 1", "apiVersion: 0")),
    file("... stands twice", edited(SOURCES, "apiVersion: 1\n", "apiVersion: 1\napiVersion: 1\n")),
    file("spaces around the title", edited(DASHBOARD, '"title": "Host"', '"title": " Host"')),
    file("a second provider named", edited(PROVIDERS, "providers:\n", f"providers:\n{PROVIDER}{PROVIDER}")),
)
IMAGES = (
    Hint(
        "registry ... does not answer... and the image that the settings name is not there",
        code=4,
        environment={"STACK_ALERTMANAGER_IMAGE": "localhost:1/nowhere:1"},
    ),
    Hint("FILE cannot be read", words=("images", "load", "-i", "/nowhere"), code=4),
    Hint(
        "no image was loaded",
        no_image,
        words=("images", "load", "-i", "own/none.tar"),
        code=4,
    ),
)
HINTS = (*SETTINGS, *FILES, *IMAGES)
