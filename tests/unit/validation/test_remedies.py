"""Complaints of promtool and amtool: what helps, and the line that they are about."""

from __future__ import annotations

import pytest

from stack.model.spec import ConfigFile
from stack.validation.remedies import located, remedy

FILE = ConfigFile(
    "scrape/a.yml",
    b'scrape_configs:\n- job_name: shop\n  static_configs:\n  - targets: ["http://shop:9100/metrics"]\n'
    b"  scrape_interval: 15\n  regex: crit(ical\n  start: 9:00\n",
    origin="own/prometheus/scrape/a.yml",
)
PLACE = "own/prometheus/scrape/a.yml"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('"http://a:1" is not a valid hostname', "a target is HOST:PORT"),
        ("cannot unmarshal !!seq into config.ScrapeConfigs", "begins with scrape_configs:"),
        ("field global not found in type config.ScrapeConfigs", "has scrape_configs: alone"),
        ("field alerts not found in type rulefmt.RuleGroups", "begins with groups:"),
        ("cannot unmarshal !!str `ALERT I...` into rulefmt.ruleGroups", "begins with groups:"),
        ("cannot unmarshal !!str `a:1` into []string", "write a list"),
        ("no global SMTP smarthost set", "smtp_smarthost under global:, or smarthost in the receiver"),
        ("no global Slack API URL set either inline or in a file", "under global:, or in the receiver"),
        ('unsupported scheme "" for URL', "url_file"),
        ('not a valid duration string: "5"', "has its unit"),
        ('scrape timeout greater than scrape interval for job "a"', "at most scrape_interval"),
        ("couldn't parse timestamp 9:00, invalid format", "09:00"),
        ("something new", "correct prometheus's files"),
    ],
)
def test_what_helps(said: str, words: str) -> None:
    assert words in remedy(said, "prometheus")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            f'{PLACE}: "http://shop:9100/metrics" is not a valid hostname',
            f'{PLACE}:4: "http://shop:9100/metrics" is not a valid hostname',
        ),
        (f'{PLACE}: "shop" in "job_name"', f'{PLACE}:2: "shop" in "job_name"'),
        (f'{PLACE}: group "a", rule "job_name": no', f'{PLACE}:2: group "a", rule "job_name": no'),
        (f'{PLACE}: 3:11: group "shop": no', f'{PLACE}:3:11: group "shop": no'),
        (f"{PLACE}: 0:0: Groupname must not be empty", f"{PLACE}: Groupname must not be empty"),
        (f'{PLACE}: not a valid duration string: "15"', f'{PLACE}:5: not a valid duration string: "15"'),
        (f"{PLACE}: missing ): `^(?:crit(ical)$`", f"{PLACE}:6: missing ): `^(?:crit(ical)$`"),
        (f"{PLACE}: bad: `crit(`", f"{PLACE}:6: bad: `crit(`"),
        (f"{PLACE}: couldn't parse timestamp 9:00, x", f"{PLACE}:7: couldn't parse timestamp 9:00, x"),
        (f'{PLACE}: "shop" twice', f'{PLACE}: "shop" twice'),
        (f'{PLACE}:1: "job_name" has its line', f'{PLACE}:1: "job_name" has its line'),
        ('other.yml: "job_name"', 'other.yml: "job_name"'),
    ],
)
def test_the_line_is_that_of_what_is_quoted(said: str, told: str) -> None:
    assert located(said, (FILE,), "prometheus") == told
