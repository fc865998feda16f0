"""Which networks Prometheus joins: those that the label ``__network__`` of a target names."""

from __future__ import annotations

import pytest

from stack.components.outer_networks import outer_networks
from stack.model.outer import OuterNetwork
from stack.model.spec import ConfigFile

JOB = """\
scrape_configs:
  - job_name: shop
    static_configs:
      - targets: ["shop:8000"]
        labels:
          team: a
          __network__: shop_default
"""
TARGETS = (
    '[{"targets": ["kiosk:1"], "labels": {"__network__": "kiosk"}},\n {"targets": ["b:1"], "labels": {}}]'
)


def file(
    content: str, path: str = "scrape/~own+a.yml", origin: str = "own/prometheus/scrape/a.yml"
) -> ConfigFile:
    return ConfigFile(path, content.encode(), origin=origin)


def test_each_with_its_place() -> None:
    targets = file(TARGETS, "targets/k.json", "own/prometheus/targets/k.json")
    assert outer_networks([file(JOB), targets, file("scrape_configs: []\n")]) == (
        OuterNetwork("kiosk", "own/prometheus/targets/k.json:1"),
        OuterNetwork("shop_default", "own/prometheus/scrape/a.yml:7"),
    )


def test_one_named_twice_is_one() -> None:
    again = file(JOB.replace("job_name: shop", "job_name: other"), origin="own/prometheus/scrape/b.yml")
    assert [n.named_by for n in outer_networks([file(JOB), again])] == ["own/prometheus/scrape/a.yml:7"]


@pytest.mark.parametrize(
    "content",
    [
        "# __network__: shop\nscrape_configs: []\n",
        "scrape_configs: [ {__network__: \n",
        JOB.replace("shop_default", "[a, b]"),
        JOB.replace("shop_default", '""'),
        "a: &a\n  __network__x: 1\n  b: [*a]\n",
    ],
)
def test_what_names_none(content: str) -> None:
    assert outer_networks([file(content)]) == ()


def test_a_secret_is_not_read() -> None:
    assert outer_networks([ConfigFile("secrets/x", JOB.encode(), secret=True)]) == ()


PROBE = """\
scrape_configs:
  - job_name: seen
    static_configs:
      - {targets: ["http://web/"], labels: {__network__: web_default}}
    relabel_configs: [{target_label: __address__, replacement: "blackbox:9115"}]
"""


def test_the_network_of_a_probe_is_joined_by_who_asks() -> None:
    both = [file(JOB), file(PROBE, origin="own/prometheus/scrape/p.yml"), file(TARGETS)]
    assert [n.name for n in outer_networks(both)] == ["kiosk", "shop_default"]
    assert outer_networks(both, probed=True) == (
        OuterNetwork("web_default", "own/prometheus/scrape/p.yml:4"),
    )
