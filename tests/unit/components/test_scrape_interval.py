"""Panels follow the scrape interval of Prometheus' files, wherever it is said."""

from __future__ import annotations

import pytest
import yaml

from stack.components import assemble
from stack.components.build import Build
from stack.components.scrape_interval import followed, panel_interval
from stack.model.spec import ConfigFile
from tests.unit.components.test_components import build
from tests.unit.components.test_own import own

MAIN = "prometheus/prometheus.yml"
JOB = "scrape_configs:\n- job_name: shop\n  scrape_interval: {}\n{}"
SOURCES = "provisioning/datasources/stack.yml"
SOURCE = """\
datasources:
  - name: Prometheus
    type: prometheus
    url: {url}
    jsonData:
      timeInterval: {interval}  # as scraped
"""


def main(text: str) -> dict[str, bytes]:
    shipped = build().tree[MAIN].decode()
    before, _, after = shipped.partition("global:")
    return {MAIN: f"{before}{text}\n{after[after.index('alerting:') :]}".encode()}


def mine(interval: str, more: str = "") -> dict[str, bytes]:
    return {"own/prometheus/scrape/shop.yml": JOB.format(interval, more).encode()}


@pytest.mark.parametrize(
    ("files", "seconds"),
    [
        ({}, 5),
        (main("global: {scrape_interval: 30s}"), 30),
        (main("global: {scrape_interval: 1s}"), 1),
        (main("global:"), 60),
        (main(""), 60),
        (mine("30s"), 30),
        (mine("1s"), 5),
        (mine("1h"), 60),
        (mine("30s", "  metrics_path: /probe\n"), 5),
        (mine("soon"), 5),
        ({"own/prometheus/scrape/shop.yml": b"scrape_interval: ["}, 5),
        ({"own/prometheus/scrape/shop.yml": b"scrape_configs: [scrape_interval]"}, 5),
        ({"own/prometheus/scrape/a.json": b'{"scrape_configs": [{"scrape_interval": "15s"}]}'}, 15),
        ({"prometheus/scrape/app.yml": JOB.format("20s", "").encode()}, 20),
    ],
)
def test_the_longest_interval_of_all_jobs_up_to_a_minute_counts(
    files: dict[str, bytes], seconds: float
) -> None:
    assert panel_interval(own(files)) == seconds


def test_a_job_of_what_does_not_run_does_not_count() -> None:
    files = {"prometheus/scrape/app.yml": JOB.format("20s", "").encode()}
    assert panel_interval(own(files, absent=(("app", "no image"),))) == 5


def source_of(made: Build) -> ConfigFile:
    return next(f for f in assemble(made).service("grafana").files if f.path == SOURCES)


def test_the_data_source_and_the_page_say_it_and_nothing_else_changes() -> None:
    shipped, changed = source_of(build()), source_of(own(main("global: {scrape_interval: 30s}")))
    assert shipped.content == build().tree[f"grafana/{SOURCES}"]
    assert changed.content == shipped.content.replace(b"timeInterval: 5s", b"timeInterval: 30s")
    assert changed.source == shipped.content
    for made, line in ((build(), b"const SCRAPE = 5;"), (own(main("global:")), b"const SCRAPE = 60;")):
        (script,) = [f for f in assemble(made).service("prometheus").assets if f.path == "user/values.js"]
        assert line in script.content


@pytest.mark.parametrize(
    ("url", "written", "interval", "becomes"),
    [
        ("http://prometheus:9090", "5s", 30.0, "30s"),
        ("http://prometheus:9090", "5s", 1.0, "1s"),
        ("http://prometheus:9090", "5s", 90.0, "1m30s"),
        ("http://prometheus:9090", "15s", 30.0, "30s"),
        ("http://prometheus:9090", "1m", 30.0, "1m"),
        ("http://prometheus:9090", "$EVERY", 30.0, "$EVERY"),
        ("http://elsewhere:9090", "5s", 30.0, "5s"),
    ],
)
def test_what_somebody_wrote_stays_unless_it_is_too_short(
    url: str, written: str, interval: float, becomes: str
) -> None:
    file = ConfigFile(SOURCES, SOURCE.format(url=url, interval=written).encode())
    (changed,) = followed((file,), interval)
    assert changed.content.decode() == SOURCE.format(url=url, interval=becomes)


def test_one_without_an_interval_gets_it() -> None:
    text = "datasources:\n  - {type: prometheus, url: http://prometheus:9090, jsonData: {httpMethod: POST}}\n"
    (changed,) = followed((ConfigFile(SOURCES, text.encode()),), 30.0)
    (source,) = yaml.safe_load(changed.content)["datasources"]
    assert source["jsonData"] == {"timeInterval": "30s", "httpMethod": "POST"}
    without = ConfigFile(SOURCES, b"datasources:\n  - {type: prometheus, url: http://prometheus:9090}\n")
    assert followed((without,), 30.0) == (without,)
