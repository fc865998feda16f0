"""From the rendered stack to what the checks expect: the files themselves say which rules, jobs, sources, dashboards.

Pure: it reads the specification's files and nothing else, so an edited file is expected exactly as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from stack.checks.model import Dashboard, DataSource, Expected, Rule
from stack.common.yaml_text import load_yaml
from stack.dashboards.queries import model
from stack.model.spec import DIGEST_RULE, ConfigFile, ServiceSpec, StackSpec

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
PART = re.compile(r"(\d+)(ms|[smhdwy])")
DEFAULT_INTERVAL = "1m"
BOARDS_BELOW = ("", "user/")


def expected(
    spec: StackSpec,
    addresses: Mapping[str, str],
    *,
    grafana_password: str = "",
    app_token: str = "",
    probe_default_login: bool = True,
    makes_load: bool = True,
    idle: Iterable[tuple[str, tuple[ConfigFile, ...]]] = (),
) -> Expected:
    """What ``spec`` promises. ``addresses``: base URL by component; one without an address is not asked itself.

    ``idle``: files of components that do not run; the dashboards shown elsewhere name data sources of Grafana's.
    """
    files = {s.component: {f.path: f for f in s.files} for s in spec.services}
    unused = {component: {f.path: f for f in found} for component, found in idle}
    prometheus = _documents(files.get("prometheus", {}))
    main = prometheus.get("prometheus.yml", {})
    return Expected(
        stack=spec.name,
        addresses=tuple((c, addresses[c].rstrip("/")) for c in spec.components if c in addresses),
        absent=spec.absent,
        jobs=tuple(sorted(_jobs(prometheus).items())),
        digest=_digest(prometheus),
        rules=tuple(_rules(prometheus)),
        alertmanager_config=_text(files.get("alertmanager", {}).get("alertmanager.yml")),
        dashboards=tuple(_dashboards(spec.services)),
        data_sources=tuple(_data_sources(_documents({**unused, **files}.get("grafana", {})))),
        grafana_password=grafana_password,
        probe_default_login=probe_default_login,
        app_token=app_token,
        scrape_interval=seconds(main.get("global", {}).get("scrape_interval", DEFAULT_INTERVAL)),
        makes_load=makes_load,
        database="postgres" in spec.components,
        ready_paths=tuple((s.component, s.ready_path) for s in spec.services if s.ready_path),
    )


def seconds(duration: str) -> float:
    """A Prometheus duration such as ``5s`` or ``1m30s`` in seconds; ValueError where it is none."""
    text = str(duration)
    parts = PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"not a duration: {text!r}")
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def _documents(files: Mapping[str, ConfigFile]) -> dict[str, Any]:
    return {
        path: load_yaml(file.content) or {}
        for path, file in sorted(files.items())
        if path.endswith((".yml", ".yaml")) and not file.secret
    }


def _jobs(documents: Mapping[str, Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for path, document in documents.items():
        if path == "prometheus.yml" or path.startswith("scrape/"):
            for job in document.get("scrape_configs") or ():
                statics = job.get("static_configs") or ()
                counts[str(job["job_name"])] += sum(len(group.get("targets") or ()) for group in statics)
    return counts


def _groups(documents: Mapping[str, Any]) -> Iterable[Any]:
    for path, document in documents.items():
        if path.startswith("rules/"):
            yield from document.get("groups") or ()


def _rules(documents: Mapping[str, Any]) -> Iterable[Rule]:
    for group in _groups(documents):
        for rule in group.get("rules") or ():
            alerting = "alert" in rule
            yield Rule(
                str(group["name"]),
                str(rule["alert"] if alerting else rule["record"]),
                "alerting" if alerting else "recording",
                str(rule["expr"]),
            )


def _digest(documents: Mapping[str, Any]) -> str:
    for group in _groups(documents):
        for rule in group.get("rules") or ():
            if rule.get("record") == DIGEST_RULE:
                return str(rule["labels"]["digest"])
    return ""


def _dashboards(services: Iterable[ServiceSpec]) -> Iterable[Dashboard]:
    """Grafana's files; where it is absent, the copies that the quick-look page of Prometheus draws."""
    texts: dict[str, str] = {}
    for service in sorted(services, key=lambda s: s.component != "grafana"):
        for file in (*service.files, *service.assets):
            folder, _, name = file.path.partition("dashboards/")
            if name.endswith(".json") and folder in BOARDS_BELOW:
                texts.setdefault(name, _text(file))
    for name, text in sorted(texts.items()):
        yield Dashboard(_uid(text) or name.removesuffix(".json"), text)


def _uid(text: str) -> str:
    """The dashboard's uid; empty where the text has none, which its check will tell."""
    try:
        return str(model(text)["uid"])
    except ValueError:
        return ""


def _data_sources(documents: Mapping[str, Any]) -> Iterable[DataSource]:
    for path, document in documents.items():
        if path.startswith("provisioning/datasources/"):
            for source in document.get("datasources") or ():
                yield DataSource(
                    source["uid"],
                    source["name"],
                    source["type"],
                    source.get("url") or "",
                    not source.get("editable"),
                )


def _text(file: ConfigFile | None) -> str:
    return file.content.decode() if file else ""
