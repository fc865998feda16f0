"""Stacks to be exported: the shipped one, and one with everything that a user may add."""

from __future__ import annotations

from typing import Any

import yaml
from msgspec.structs import replace

from stack.components import assemble
from stack.components.build import Build
from stack.components.heartbeat import ADDRESS
from stack.components.token import APP_TOKEN
from stack.config.secret import Secret
from stack.exports.kubernetes.cluster import Cluster
from stack.exports.kubernetes.readme import Here
from stack.exports.kubernetes.whole import Export, kubernetes
from stack.exports.operator.whole import Export as OperatorExport
from stack.exports.operator.whole import operator
from stack.exports.operator.wish import Wish
from stack.model.spec import StackSpec
from tests.unit.components.test_components import build

HIDDEN = (
    "correct-horse-battery",
    "hook-of-mine",
    "pass-of-mine",
    "token-of-mine",
    "beat-of-mine",
    "key-of-mine",
)
"""Values of secrets, which no export may hold."""
JOBS = """\
scrape_configs:
  - job_name: shop
    scrape_interval: 30s
    metrics_path: /internal/metrics
    scheme: https
    honor_labels: true
    sample_limit: 5000
    params: {module: [on, 17]}
    basic_auth: {username: scraper, password_file: own/secrets/pass}
    tls_config: {ca_file: own/secrets/ca, server_name: shop, insecure_skip_verify: false}
    static_configs:
      - targets: [shop.example:443, app:8000]
        labels: {team: 007, __network__: shop_default}
    relabel_configs:
      - source_labels: [__address__]
        target_label: address
        regex: (.*)
        replacement: $1
    metric_relabel_configs:
      - {source_labels: [__name__], regex: go_.*, action: drop}
  - job_name: watched files
    file_sd_configs: [{files: [own/prometheus/targets/*.yml]}]
  - job_name: found
    dns_sd_configs: [{names: [shop.example], type: A, port: 9000, refresh_interval: 1m}]
  - job_name: asked
    http_sd_configs: [{url: "https://inventory.example/targets", refresh_interval: 1m}]
  - job_name: consul
    consul_sd_configs: [{server: "consul.example:8500"}]
"""
RULES = """\
groups:
  - name: shop
    interval: 30s
    rules:
      - record: job:shop_orders:rate5m
        expr: sum by (job) (rate(shop_orders_total[5m]))
      - alert: ShopSilent
        expr: job:shop_orders:rate5m == 0
        for: 10m
        labels: {severity: critical, code: 0123}
        annotations: {summary: "no orders {{ $labels.job }}", runbook_url: "https://wiki.example/shop"}
"""
OWN = {
    "own/prometheus/scrape/shop.yml": JOBS.encode(),
    "own/prometheus/rules/shop.yml": RULES.encode(),
    "own/prometheus/rules/team a/späti.yml": b"groups: []\n",
    "own/prometheus/targets/a.yml": b"- targets: [a.example:1]\n  labels: {zone: y}\n",
    "own/grafana/dashboards/shop.json": b'{"uid": "shop", "title": "Shop", "panels": []}',
    "own/secrets/hook": b"https://hooks.example/hook-of-mine\n",
    "own/secrets/pass": b"pass-of-mine\n",
    "own/secrets/ca": b"-----BEGIN CERTIFICATE-----\n",
    "own/secrets/key": b"key-of-mine\n",
    "own/exporters/postgres/shop.toml": b'address = "db.example"\nuser = "monitor"\nsecret_file = "own/secrets/pass"\n',
    "own/exporters/process/here.toml": b'[options]\nprograms = "nginx"\n',
}
RECEIVERS: dict[str, Any] = {
    "oncall": {
        "type": "slack",
        "url_file": "own/secrets/hook",
        "channel": "#ops",
        "severities": ["critical", "warning"],
        "quiet_hours": ["22:00-06:00"],
    },
    "pager": {
        "type": "pagerduty",
        "key_file": "own/secrets/key",
        "details": {"who": "shop"},
        "matchers": ['team=~"a|b"'],
    },
    "letters": {
        "type": "email",
        "to": "ops@example.com",
        "from": "stack@example.com",
        "host": "smtp.example.com:587",
        "username": "stack@example.com",
        "password_file": "own/secrets/pass",
    },
    "strange": {
        "type": "jira",
        "url": "https://jira.example",
        "options": {"project": "OPS", "issue_type": "Bug"},
    },
}
CLUSTER = Cluster()


def shipped(**environ: str) -> Build:
    """The stack without anything of the user's."""
    return build(**environ)


def full() -> Build:
    """The stack with own files, receivers, a database, a token, a heartbeat and two exporters."""
    found = build(STACK_DATABASE="postgres", STACK_COMPONENTS="process_exporter=off,blackbox=on")
    tree = {**found.tree, **OWN}
    settings = replace(found.settings.for_files(tree), tables={"receivers": RECEIVERS})
    secrets = {
        **found.secrets,
        APP_TOKEN: Secret("token-of-mine"),
        ADDRESS.name: Secret("https://hc.example/beat-of-mine"),
    }
    return replace(found, settings=settings, tree=tree, secrets=secrets)


def on_kubernetes(found: Build, cluster: Cluster = CLUSTER) -> Export:
    """Its manifests."""
    return kubernetes(found, assemble(found), cluster, Here())


def for_operator(found: Build, wish: Wish | None = None) -> OperatorExport:
    """Its objects for prometheus-operator."""
    return operator(found, assemble(found), wish or Wish(), Here())


def objects(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """All objects of an export, but for the file of Kustomize."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = (yaml.load_all(text, loader) for path, text in sorted(files.items()) if path.endswith(".yaml"))
    return [one for many in found for one in many if one and one["kind"] != "Kustomization"]


def spec_of(found: Build) -> StackSpec:
    """Its description."""
    return assemble(found)
