"""The text of a job: what a person would write, and what every YAML reader takes for what it is."""

from __future__ import annotations

import re

import pytest
import yaml
from msgspec.structs import replace

from stack.common.errors import UsageError
from stack.common.yaml_text import load_yaml
from stack.targets.addresses import address, machine
from stack.targets.jobs import (
    OPTIONS,
    JobText,
    apart,
    job_name,
    label,
    once,
    param,
    path_and_params,
    scalar,
    setting,
)

WHOLE = """\
scrape_configs:
  - job_name: shop
    scrape_interval: 30s
    metrics_path: /m/metrics
    scheme: https
    fallback_scrape_protocol: "PrometheusText0.0.4"
    authorization:
      credentials_file: own/secrets/shop.token
    tls_config:
      ca_file: own/secrets/shop.ca.pem
      insecure_skip_verify: true
    static_configs:
      - targets:
          - "shop:8000"
          - "10:80"
        labels:
          team: "yes"
          __network__: "shop_default"
"""


def test_a_whole_job() -> None:
    told = JobText(
        "shop",
        ("shop:8000", "10:80"),
        path="/m/metrics",
        scheme="https",
        interval="30s",
        labels=(("team", "yes"), ("__network__", "shop_default")),
        more=(("fallback_scrape_protocol", "PrometheusText0.0.4"),),
        token="own/secrets/shop.token",
        authority="own/secrets/shop.ca.pem",
        insecure=True,
    )
    assert told.text() == WHOLE
    (job,) = yaml.safe_load(WHOLE)["scrape_configs"]
    assert job["static_configs"][0]["targets"] == ["shop:8000", "10:80"]
    assert job["static_configs"][0]["labels"]["team"] == "yes"


def test_the_smallest_job() -> None:
    assert JobText("a", ("a:1",)).text() == (
        'scrape_configs:\n  - job_name: a\n    static_configs:\n      - targets:\n          - "a:1"\n'
    )


def test_parameters_and_lists() -> None:
    told = JobText(
        "a",
        ("a:1",),
        params=(("format", "prometheus"), ("match[]", 'up{a="b"}'), ("match[]", "17:00"), ("on", "")),
        more=(("scrape_protocols", "[PrometheusText0.0.4, 'OpenMetricsText1.0.0']"), ("sample_limit", "5")),
    )
    (job,) = yaml.safe_load(told.text())["scrape_configs"]
    assert job["params"] == {"format": ["prometheus"], "match[]": ['up{a="b"}', "17:00"], "on": [""]}
    assert job["scrape_protocols"] == ["PrometheusText0.0.4", "OpenMetricsText1.0.0"]
    assert job["sample_limit"] == 5


@pytest.mark.parametrize(
    ("text", "path", "params"),
    [
        ("/m", "/m", ()),
        ("/m?format=prometheus&a=%26&b", "/m", (("format", "prometheus"), ("a", "&"), ("b", ""))),
        ("", "", ()),
    ],
)
def test_a_path_with_a_question(text: str, path: str, params: tuple[tuple[str, str], ...]) -> None:
    assert path_and_params(text) == (path, params)


def test_a_path_is_no_url() -> None:
    with pytest.raises(UsageError, match="that is a whole URL"):
        path_and_params("http://shop/m")
    assert path_and_params("/probe?target=http://a")[1] == (("target", "http://a"),)


def test_a_parameter() -> None:
    assert (param("a=b=c"), param("a=")) == (("a", "b=c"), ("a", ""))
    for text in ("a", "=b"):
        with pytest.raises(UsageError, match="not of the form NAME=VALUE"):
            param(text)


@pytest.mark.parametrize("name", ["a.b", "1a", "__a", "ü"])
def test_a_name_that_no_label_has_is_told(name: str) -> None:
    with pytest.raises(UsageError, match=f"--label {name}=c: '{name}' cannot be the name of a label"):
        label(f"{name}=c")


def test_a_login() -> None:
    (job,) = load_yaml(JobText("a", ("a:1",), user="no", password="own/secrets/a.password").text())[
        "scrape_configs"
    ]
    assert job["basic_auth"] == {"username": "no", "password_file": "own/secrets/a.password"}


@pytest.mark.parametrize(
    "text",
    ["on", "No", "~", "0123", "1e5", "a: b", "x #y", "ünï", "*a", "1:20", "12345678", "null", "=", "17:00"],
)
def test_every_reader_takes_a_name_for_a_text(text: str) -> None:
    written = f"a: {scalar(text)}"
    if text != "12345678":
        assert yaml.safe_load(written) == {"a": text}
    assert str(load_yaml(written)["a"]) == text


@pytest.mark.parametrize(
    ("text", "place", "scheme", "path"),
    [
        ("shop:8000", "shop:8000", "", ""),
        ("my_shop.local:80", "my_shop.local:80", "", ""),
        ("10.0.0.7:9100", "10.0.0.7:9100", "", ""),
        ("[fe80::1]:9100", "[fe80::1]:9100", "", ""),
        ("http://shop:8000/metrics", "shop:8000", "http", "/metrics"),
        ("https://shop.example/", "shop.example:443", "https", ""),
        ("http://shop", "shop:80", "http", ""),
        ("http://shop:1/a@b", "shop:1", "http", "/a@b"),
    ],
)
def test_addresses(text: str, place: str, scheme: str, path: str) -> None:
    found = address(text)
    assert (found.place, found.scheme, found.path) == (place, scheme, path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shop", "its port is missing"),
        ("shop:", "its port is missing"),
        ("shop:99999", "not a port"),
        ("shop:http", "not a port"),
        ("fe80::1:9100", "not an address"),
        ("[fe80::1]", "its port is missing"),
        ("", "not an address"),
        ("a b:1", "not an address"),
        ("http://[::1:80/m", "not an address"),
        ("http://me:secret@[::1:80/m", "not an address"),
        ("shop:\u0663", "not a port"),
        ("ftp://shop:21", "http or https"),
        ("http://me:secret@shop:1/", "only host, port and path"),
        ("shop:1?x=1", "only host, port and path"),
        ("me:secret@shop:1", "...@shop:1: only host, port and path"),
        ("http://me:se/cret@shop:1", "http://...@shop:1: only host"),
        ("http://[fd00::1/", "fd00::1/: not an address"),
        ("localhost:8000", "Prometheus' own container"),
        ("http://127.0.0.1:8000/metrics", "Prometheus' own container"),
        ("[::1]:8000", "Prometheus' own container"),
        ("LOCALHOST:8000", "Prometheus' own container"),
        ("0.0.0.0:8000", "Prometheus' own container"),
        ("[::]:8000", "Prometheus' own container"),
    ],
)
def test_what_is_no_address(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        address(text, "shop")
    assert caught.value.hint and "secret" not in caught.value.message


def test_loopback_names_both_remedies() -> None:
    with pytest.raises(UsageError) as caught:
        address("localhost:8000", "shop")
    assert "target add shop --host 8000" in caught.value.hint and "--container" in caught.value.hint
    assert machine("8000") == "host.docker.internal:8000"


@pytest.mark.parametrize("text", ["", "a/b", "../a", "-x", "a b", "a" * 101, "ä"])
def test_names_that_cannot_be(text: str) -> None:
    with pytest.raises(UsageError):
        job_name(text)


def test_labels_and_settings() -> None:
    assert label("team=a=b") == ("team", "a=b") and setting("sample_limit=5") == ("sample_limit", "5")
    for text in ("team", "=a", "1a=b", "__network__=x", "a-b=c", "job=x"):
        with pytest.raises(UsageError):
            label(text)
    for text in ("a", "a=", "A=b", "static_configs"):
        with pytest.raises(UsageError):
            setting(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["a,b", c]', ["a,b", "c"]),
        ("['a, b']", ["a, b"]),
        ("[]", []),
        ('[{source_labels: [a, b], regex: "x;(.*)", action: drop}]',
         [{"source_labels": ["a", "b"], "regex": "x;(.*)", "action": "drop"}]),
        ("{server_name: 'a: b', insecure_skip_verify: true}", {"server_name": "a: b", "insecure_skip_verify": True}),
        ("'a: b'", "a: b"),
        ("5", 5),
        ("1.5", 1.5),
        ("[1.5, null]", [1.5, None]),
        ("yes", "yes"),
        ("http://a:1#b", "http://a:1#b"),
    ],
)  # fmt: skip
def test_the_value_of_a_further_key_is_yaml(text: str, value: object) -> None:
    told = JobText("a", ("a:1",), more=(setting(f"k={text}"),)).text()
    (job,) = yaml.safe_load(told)["scrape_configs"]
    assert job["k"] == value


@pytest.mark.parametrize("text", ["[a", "{a: b", '"a', "[a]]", "'a' b"])
def test_a_value_that_is_no_yaml_is_told(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"--set k={text}: ")):
        setting(f"k={text}")


@pytest.mark.parametrize("key", OPTIONS)
def test_a_key_that_has_its_own_option_is_no_further_key(key: str) -> None:
    with pytest.raises(UsageError, match=f"{key} has its own option") as caught:
        setting(f"{key}=x")
    assert caught.value.hint == f"give it as {OPTIONS[key]}"


def test_a_name_is_given_once() -> None:
    assert once("--label", [("a", "1"), ("b", "1")]) == (("a", "1"), ("b", "1"))
    with pytest.raises(UsageError, match="--label: a is given twice"):
        once("--label", [("a", "1"), ("b", "1"), ("a", "1")])


@pytest.mark.parametrize(
    ("key", "job"),
    [
        ("authorization", JobText("a", ("a:1",), token="own/secrets/t")),
        ("basic_auth", JobText("a", ("a:1",), user="u", password="own/secrets/p")),
        ("tls_config", JobText("a", ("a:1",), authority="own/secrets/c")),
        ("tls_config", JobText("a", ("a:1",), insecure=True)),
    ],
)
def test_a_key_that_another_option_writes_is_no_further_key(key: str, job: JobText) -> None:
    apart(job)
    apart(JobText("a", ("a:1",), more=((key, "{}"),)))
    with pytest.raises(UsageError, match=f"--set {key}"):
        apart(replace(job, more=((key, "{}"),)))
