"""A job is taken out of a file of the user's: what others wrote stays, to the byte."""

from __future__ import annotations

import pytest

from stack.common.yaml_text import load_yaml
from stack.targets.files import Owner, free_path, hosts, owners, secrets_of, without_job

FILE = """\
# our shops

scrape_configs:
  # the old one
  - job_name: shop
    # not this one
    static_configs:
      - targets: ["shop:8000"]   # here
    # of the shop too

  # the new one, =
  # since 17:00
  - job_name: kiosk
    static_configs: [{targets: ["kiosk:1"]}]
# at the end
"""
WITHOUT_SHOP = """\
# our shops

scrape_configs:

  # the new one, =
  # since 17:00
  - job_name: kiosk
    static_configs: [{targets: ["kiosk:1"]}]
# at the end
"""
WITHOUT_KIOSK = """\
# our shops

scrape_configs:
  # the old one
  - job_name: shop
    # not this one
    static_configs:
      - targets: ["shop:8000"]   # here
    # of the shop too

# at the end
"""


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        (FILE, "shop", WITHOUT_SHOP),
        (FILE, "kiosk", WITHOUT_KIOSK),
        ("scrape_configs:\n- job_name: a\n- job_name: b\n", "a", "scrape_configs:\n- job_name: b\n"),
        ("scrape_configs:\n- job_name: a\n- job_name: b", "b", "scrape_configs:\n- job_name: a\n"),
        (
            "scrape_configs:\n- {job_name: a,\n   scheme: http}\n- job_name: b\n",
            "a",
            "scrape_configs:\n- job_name: b\n",
        ),
        ("scrape_configs: [{job_name: a}, {job_name: b}]\n", "a", "scrape_configs: [{job_name: b}]\n"),
        (
            '{"scrape_configs": [{"job_name": "a"}, {"job_name": "b"}]}',
            "b",
            '{"scrape_configs": [{"job_name": "a"}]}',
        ),
        ("scrape_configs:\n  - job_name: a\nother: 1\n", "a", "scrape_configs: []\nother: 1\n"),
        ("# mine\nscrape_configs:\n  - job_name: a\n", "a", "# mine\nscrape_configs: []\n"),
        ("scrape_configs: # ours\n  - job_name: a\n", "a", "scrape_configs: [] # ours\n"),
        (
            "scrape_configs:\r\n- job_name: a\r\n- job_name: b\r\n",
            "a",
            "scrape_configs:\r\n- job_name: b\r\n",
        ),
        (
            "scrape_configs:\n- job_name: ü\n  x: |\n    # text\n\n- job_name: b\n",
            "ü",
            "scrape_configs:\n\n- job_name: b\n",
        ),
    ],
)
def test_only_the_job_goes(before: str, name: str, after: str) -> None:
    left = without_job(before.encode(), name)
    assert left is not None and left.decode() == after
    jobs = load_yaml(left)["scrape_configs"]
    assert name not in [job["job_name"] for job in jobs]


@pytest.mark.parametrize(
    "text",
    [
        "scrape_configs:\n  - job_name: a\n    static_configs:\n      - targets: [b:1]\n",
        '{"scrape_configs": [{"job_name": "a"}]}',
        "scrape_configs: [{job_name: a}]",
        "---\nscrape_configs:\n- job_name: a\n",
    ],
)
def test_a_file_with_nothing_else_goes(text: str) -> None:
    assert without_job(text.encode(), "a") is None


def test_a_job_that_is_not_there_changes_nothing() -> None:
    assert without_job(FILE.encode(), "x") == FILE.encode()
    assert without_job(b": no yaml [", "x") == b": no yaml ["


TREE = {
    "prometheus/prometheus.yml": b"scrape_configs:\n  - job_name: inline\n",
    "prometheus/scrape/app.yml": b"scrape_configs:\n  - job_name: app\n",
    "own/prometheus/scrape/team/a.yaml": FILE.encode(),
    "own/prometheus/scrape/b.rules": b"scrape_configs:\n  - job_name: unused\n",
    "own/prometheus/rules/r.yml": b"scrape_configs:\n  - job_name: unused\n",
    "own/prometheus/scrape/broken.yml": b"scrape_configs: [",
}


def test_each_job_has_its_place() -> None:
    found = owners(TREE)
    assert set(found) == {"inline", "app", "shop", "kiosk"}
    assert str(found["kiosk"]) == "own/prometheus/scrape/team/a.yaml:13"
    assert (
        found["kiosk"].own and not found["app"].own and found["app"] == Owner("prometheus/scrape/app.yml", 2)
    )


def test_whom_prometheus_asks_by_name() -> None:
    shipped = {
        "prometheus/prometheus.yml": b"alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]",
        "prometheus/scrape/n.yml": b"scrape_configs: [{static_configs: [{targets: [node-exporter:9100]}]}]",
        "own/prometheus/scrape/a.yml": b"scrape_configs: [{static_configs: [{targets: [shop:1]}]}]",
    }
    assert hosts(shipped) == {"alertmanager", "node-exporter"}


def test_a_path_that_nobody_has() -> None:
    assert free_path({}, "own/", "a", ".yml") == "own/a.yml"
    assert free_path({"own/a.yml": b"", "own/a-2.yml": b""}, "own/", "a", ".yml") == "own/a-3.yml"


def job(name: str, secret: str) -> str:
    return f"- job_name: {name}\n  authorization: {{credentials_file: {secret}}}\n"


def test_secrets_of_a_job_go_with_it_unless_another_names_them() -> None:
    path = "own/prometheus/scrape/shop.yml"
    tree = {
        path: ("scrape_configs:\n" + job("shop", "own/secrets/shop.token")).encode(),
        "own/secrets/shop.token": b"x",
        "own/secrets/other": b"x",
    }
    assert secrets_of(tree, path, "shop") == ("own/secrets/shop.token",)
    more = tree | {
        "own/prometheus/scrape/b.yml": ("scrape_configs:\n" + job("b", "../../secrets/shop.token")).encode()
    }
    assert secrets_of(more, path, "shop") == ()
    theirs = tree | {path: ("scrape_configs:\n" + job("shop", "own/secrets/other")).encode()}
    assert secrets_of(theirs, path, "shop") == (), "what the user put there is the user's"
