"""Complaints of promtool and amtool: what helps, and the line that they are about."""

from __future__ import annotations

from pathlib import Path

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
        ("cannot unmarshal !!str `[a` into []config.ScrapeProtocol", "write a list"),
        ("cannot unmarshal !!str `abc` into uint", "write a number"),
        ("cannot unmarshal !!str `1.5` into float64", "write a number"),
        ("cannot unmarshal !!str `nope` into bool", "true or false"),
        ("cannot unmarshal !!str `{a: [b]}` into url.Values", "{name: [value]}"),
        ("cannot unmarshal !!str `{userna...` into config.plain", "write a mapping"),
        ("cannot unmarshal !!str `x` into config.TLSConfig", "write a mapping"),
        ("units: unknown unit x in 1x", "10MB"),
        ("field honor_lables not found in type config.ScrapeConfig", "is it honor_labels?"),
        ("field metric_path not found in type config.ScrapeConfig", "is it metrics_path?"),
        ("field xyzzy not found in type config.ScrapeConfig", "correct prometheus's files"),
        ("no global SMTP smarthost set", "smtp_smarthost under global:, or smarthost in the receiver"),
        ("no global Slack API URL set either inline or in a file", "under global:, or in the receiver"),
        ('unsupported scheme "" for URL', "url_file"),
        ('not a valid duration string: "5"', "has its unit"),
        ('unknown unit "." in duration "1.5m"', "has its unit"),
        ('scrape timeout greater than scrape interval for job "a"', "at most scrape_interval"),
        ("couldn't parse timestamp 9:00, invalid format", "09:00"),
        ("something new", "correct prometheus's files"),
    ],
)
def test_what_helps(said: str, words: str) -> None:
    assert words in remedy(said, "prometheus")


SENTENCES = (Path(__file__).parent / "amtool_sentences.txt").read_text().splitlines()
"""All that Alertmanager says of a file that it refuses, from the errors in the sources of 0.28 to 0.34."""


@pytest.mark.parametrize("said", SENTENCES)
def test_every_sentence_of_amtool_has_a_remedy_of_its_own(said: str) -> None:
    for placed in (said, f"own/alertmanager/alertmanager.yml: {said}"):
        found = remedy(placed, "alertmanager")
        assert not found.startswith("correct alertmanager's files") and "\\" not in found


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('undefined receiver "people" used in route', "add a receiver named people under receivers:"),
        (
            'undefined time interval "night" used in route',
            "add an interval named night under time_intervals:",
        ),
        ("root route must not have any matchers", "move it to a route below routes:"),
        ("at most one of url & url_file must be configured", "keep one of url & url_file"),
        ("one of url or url_file must be configured", "add one of url or url_file"),
        (
            "at most one of basic_auth, oauth2 & authorization must be configured",
            "http_config logs in by one of",
        ),
        ("missing discord config", "an entry of discord_configs is empty"),
        ("missing to address in email config", "to in the receiver says whom"),
        ("missing name or url in Slack action configuration", "give each Slack action its name or url"),
        ('address "smtp.example.com": missing port in address', "HOST:PORT"),
        (
            "unknown parse_mode on telegram_config, must be HTML or empty string",
            "parse_mode is one of HTML or empty",
        ),
        (
            "exactly one of cert or cert_file must be configured when a client key is",
            "cert_file and key_file",
        ),
        ("no global Rocketchat TokenID set either inline or in a file", "token_id_file in the receiver"),
        ("no global Wechat CorpID set", "corp_id in the receiver"),
        (
            "no global OpsGenie API Key set either inline or in a file",
            "key_file (api_key_file) in the receiver",
        ),
        ("expected label name", 'a matcher is LABEL="VALUE"'),
        ("couldn't parse timestamp 9, invalid format", "times are HH:MM"),
        ("start time cannot be equal or greater than end time", "the earlier first"),
        ("unable to load location: unknown time zone Berlin", "Europe/Berlin"),
        ("this Alertmanager has no integration slak", "correct slak, docs/receivers.md lists them"),
        ("field max_alert not found in type config.plain", "there is no max_alert at that place"),
        ("cannot unmarshal !!str `x` into int", "a number"),
        ("cannot unmarshal !!seq into config.plain", "a single value belongs there"),
    ],
)
def test_a_remedy_of_alertmanagers_names_what_is_meant(said: str, words: str) -> None:
    assert words in remedy(said, "alertmanager")


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
