"""Scrape jobs as ScrapeConfigs, and that of the application as a ServiceMonitor. Pure.

A job with an option that has no place there is left out whole and told: half a job would scrape something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stack.checks.expect_prometheus import text_of
from stack.common.yaml_text import load_yaml
from stack.components.build import belongs
from stack.exports.operator.http import HasNoPlace, access
from stack.exports.operator.theirs import of_main
from stack.exports.operator.wish import THEIRS, Going, Json, camel, slug
from stack.model.outer import MACHINE
from stack.model.patterns import last_part_matches
from stack.model.spec import CONFIG_ROOT, TARGETS, ConfigFile

SCRAPE = "scrape/"
MAIN = "prometheus.yml"
APP = "app"
OWN_NAMES = {
    "enable_http2": "enableHTTP2",
    "always_scrape_classic_histograms": "scrapeClassicHistograms",
    "convert_classic_histograms_to_nhcb": "convertClassicHistogramsToNHCB",
}
AS_THEY_ARE = frozenset(
    {
        "always_scrape_classic_histograms",
        "body_size_limit",
        "convert_classic_histograms_to_nhcb",
        "enable_compression",
        "enable_http2",
        "fallback_scrape_protocol",
        "honor_labels",
        "honor_timestamps",
        "keep_dropped_targets",
        "label_limit",
        "label_name_length_limit",
        "label_value_length_limit",
        "metrics_path",
        "sample_limit",
        "scheme",
        "scrape_interval",
        "scrape_protocols",
        "scrape_timeout",
        "target_limit",
        "track_timestamps_staleness",
    }
)
"""Options with the same value under a name of the other form."""
ACCESS = ("basic_auth", "authorization", "tls_config", "proxy_url", "no_proxy", "proxy_from_environment")
RELABELINGS = {"relabel_configs": "relabelings", "metric_relabel_configs": "metricRelabelings"}
RELABEL = ("action", "modulus", "regex", "replacement", "separator", "source_labels", "target_label")


def scraping(going: Going) -> Iterator[Json]:
    """One object a job."""
    prometheus = going.spec.service("prometheus")
    main = load_yaml(next(f.content for f in prometheus.files if f.path == MAIN)) or {}
    usual = main.get("global") or {}
    for sentence in of_main(main):
        going.lose(sentence)
    for file in prometheus.files:
        if not file.path.startswith(SCRAPE) or file.secret or _owner(file) in THEIRS:
            continue
        for job in (load_yaml(file.content) or {}).get("scrape_configs") or ():
            try:
                yield (
                    _service_monitor(going, usual)
                    if _owner(file) == APP
                    else _scrape_config(going, job, usual)
                )
            except HasNoPlace as error:
                going.lose(f"job {job.get('job_name')} ({file.origin or file.path}) is left out: {error}")


def _owner(file: ConfigFile) -> str:
    """The component of the stack whose job it is; empty for one of the user's own."""
    if file.origin.startswith("own/") and "/exporters/" not in file.origin:
        return ""
    name = file.path.removeprefix(SCRAPE)
    return next((one for one in (*THEIRS, APP) if belongs(name, one)), "")


def _service_monitor(going: Going, usual: Json) -> Json:
    app = going.spec.service(APP)
    times = {camel(key): text_of(usual[key]) for key in ("scrape_timeout",) if key in usual}
    endpoint: Json = {"port": "http", "interval": text_of(usual.get("scrape_interval", "30s")), **times}
    tokens = [f"{CONFIG_ROOT}/{f.path}" for f in app.assets if f.secret and f.path.endswith("app_token")]
    if tokens:
        endpoint["authorization"] = {"type": "Bearer", "credentials": going.secret(tokens[0])}
    labels = {"app.kubernetes.io/name": app.host, "app.kubernetes.io/instance": going.spec.name}
    selector = {"matchLabels": labels}
    told = ",".join(f"{key}={value}" for key, value in labels.items())
    going.lose(f"{APP}'s ServiceMonitor finds a Service with the labels {told}: `export kubernetes` has one")
    return going.made(
        "monitoring.coreos.com/v1/ServiceMonitor", APP, spec={"selector": selector, "endpoints": [endpoint]}
    )


def _scrape_config(going: Going, job: Json, usual: Json) -> Json:
    name = text_of(job["job_name"])
    left = {key: value for key, value in job.items() if key != "job_name" and value is not None}
    if "scrape_interval" not in left:
        left = {**{key: usual[key] for key in ("scrape_interval", "scrape_timeout") if key in usual}, **left}
    told: Json = {"jobName": name}
    for key, value in left.items():
        told |= _option(going, name, key, value)
    return going.made("monitoring.coreos.com/v1alpha1/ScrapeConfig", slug(name), spec=told)


def _option(going: Going, job: str, key: str, value: Any) -> Json:
    if key in AS_THEY_ARE:
        return {OWN_NAMES.get(key, camel(key)): _value(key, value)}
    if key == "params":
        return {"params": {str(name): [text_of(one) for one in many] for name, many in value.items()}}
    if key in RELABELINGS:
        return {RELABELINGS[key]: [_relabeling(going, one) for one in value]} if value else {}
    if key in ACCESS:
        return access(going, job, {key: value})
    if key in DISCOVERIES:
        found: Json = DISCOVERIES[key](going, job, value)
        return found
    raise HasNoPlace(f"{key} has no place in a ScrapeConfig")


def _value(key: str, value: Any) -> Any:
    return text_of(value) if key in ("scrape_interval", "scrape_timeout", "body_size_limit") else value


def _relabeling(going: Going, rule: Json) -> Json:
    if others := sorted(rule.keys() - set(RELABEL)):
        raise HasNoPlace(f"{others[0]} of a relabelling has no place in a ScrapeConfig")
    told: Json = {}
    for key, value in rule.items():
        plain = value if key in ("source_labels", "modulus") else text_of(value)
        told[camel(key)] = going.host(plain) if key == "replacement" else plain
    return told


def _static(going: Going, job: str, groups: Any) -> Json:
    del job
    found = [_group(going, group) for group in groups or () if (group or {}).get("targets")]
    return {"staticConfigs": found} if found else {}


def _group(going: Going, group: Json) -> Json:
    labels = {
        str(name): text_of(value)
        for name, value in (group.get("labels") or {}).items()
        if str(name) != "__network__"
    }
    targets = [going.host(text_of(target)) for target in group["targets"]]
    if any(target.startswith(MACHINE) for target in targets):
        raise HasNoPlace(f"no pod knows {MACHINE}: write an address that pods reach")
    return {"targets": targets, **({"labels": labels} if labels else {})}


def _from_files(going: Going, job: str, configs: Any) -> Json:
    """The targets of watched files as they are now: no file of ours lies in their Prometheus."""
    below = f"{CONFIG_ROOT}/{TARGETS}/"
    patterns = [text_of(one) for config in configs or () for one in config.get("files") or ()]
    if foreign := [one for one in patterns if not one.startswith(below)]:
        raise HasNoPlace(f"{foreign[0]} is no file of own/prometheus/targets")
    files = [
        f
        for f in going.spec.service("prometheus").assets
        if any(last_part_matches(f"{CONFIG_ROOT}/{f.path}", one) for one in patterns)
    ]
    going.lose(f"job {job} has the targets that its files name now: export again when they change")
    groups = [group for f in files for group in load_yaml(f.content) or ()]
    return _static(going, job, groups)


def _from_http(going: Going, job: str, configs: Any) -> Json:
    found = []
    for config in configs or ():
        told: Json = {"url": text_of(config.get("url"))}
        for key, value in config.items():
            if key == "refresh_interval":
                told["refreshInterval"] = text_of(value)
            elif key in ACCESS:
                told |= access(going, f"{job}-discovery", {key: value})
            elif key != "url":
                raise HasNoPlace(f"{key} of http_sd_configs has no place in a ScrapeConfig")
        found.append(told)
    return {"httpSDConfigs": found}


def _from_dns(going: Going, job: str, configs: Any) -> Json:
    del going, job  # names and ports say all
    keys: dict[str, str] = {
        "names": "names",
        "type": "type",
        "port": "port",
        "refresh_interval": "refreshInterval",
    }
    found = [{keys[key]: value for key, value in one.items() if key in keys} for one in configs or ()]
    return {"dnsSDConfigs": found}


DISCOVERIES: Mapping[str, Any] = {
    "static_configs": _static,
    "file_sd_configs": _from_files,
    "http_sd_configs": _from_http,
    "dns_sd_configs": _from_dns,
}
