"""From the rendered stack to what the checks expect: the files themselves say which rules, jobs, sources, dashboards.

Pure: it reads the specification's files and nothing else, so an edited file is expected exactly as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from msgspec.structs import replace

from stack.checks.expect_prometheus import (
    INTERVAL,
    MAIN,
    digest_of,
    global_of,
    jobs_of,
    rules_of,
    with_variables,
)
from stack.checks.expect_targets import listed
from stack.checks.model import Dashboard, DataSource, Expected
from stack.common.durations import seconds
from stack.common.yaml_text import load_yaml
from stack.dashboards.queries import model
from stack.model.outer import TEXTFILES
from stack.model.spec import ConfigFile, ServiceSpec, StackSpec

TEMPLATE = ".tmpl"
BOARDS_BELOW = ("", "user/")
EXPORTER = "exporter"
"""The tag of dashboards about servers of the user's, whose panels may be empty as her own may."""


def expected(
    spec: StackSpec,
    addresses: Mapping[str, str],
    *,
    public: Mapping[str, str] | None = None,
    grafana_password: str = "",
    app_token: str = "",
    probe_default_login: bool = True,
    makes_load: bool = True,
    age: float = 0.0,
    proven: float = 0.0,
    idle: Iterable[tuple[str, tuple[ConfigFile, ...]]] = (),
) -> Expected:
    """What ``spec`` promises. ``addresses``: base URL by component, ``public`` the one for people where it is another.

    ``idle``: files of components that do not run.
    """
    files = {s.component: {f.path: f for f in s.files} for s in spec.services}
    told = Expected(
        stack=spec.name,
        addresses=tuple((c, addresses[c].rstrip("/")) for c in spec.components if c in addresses),
        public=tuple((public or {}).items()),
        absent=spec.absent,
        alertmanager_config=_text(files.get("alertmanager", {}).get("alertmanager.yml")),
        dashboards=tuple(_dashboards(spec.services)),
        data_sources=tuple(_data_sources(files.get("grafana", {}), idle)),
        grafana_password=grafana_password,
        probe_default_login=probe_default_login,
        app_token=app_token,
        makes_load=makes_load,
        database="postgres" in spec.components,
        ready_paths=tuple((s.component, s.ready_path) for s in spec.services if s.ready_path),
        age=age,
        proven=proven,
        textfile=any(m.target == TEXTFILES for s in spec.services for m in s.mounts),
        templates=tuple(
            (p, _text(f)) for p, f in files.get("alertmanager", {}).items() if p.endswith(TEMPLATE)
        ),
    )
    return _with_prometheus(told, spec, files.get("prometheus", {}))


def _with_prometheus(told: Expected, spec: StackSpec, files: Mapping[str, ConfigFile]) -> Expected:
    """The same with what Prometheus' own files promise."""
    documents = _documents(files)
    texts = {path: _text(files[path]) for path in documents}
    known = (*(s.kind for s in spec.services), *(name for name, _ in spec.absent))
    watching = {s.kind for s in spec.services if s.kind != s.component}
    watched = listed(documents, next((s.assets for s in spec.services if s.component == "prometheus"), ()))
    jobs = [
        replace(job, origin=files[job.file].origin, listed=watched.get(job.name, ()))
        for job in jobs_of(documents, texts, known)
    ]
    rules = (
        replace(
            rule,
            origin=files[rule.file].origin,
            own=rule.own or PurePosixPath(rule.file).stem.rpartition("+")[2] in watching,
        )
        for rule in rules_of(documents, texts, known)
    )
    usual = _default_interval(documents)
    return replace(
        told,
        jobs=tuple(sorted(jobs, key=lambda job: job.name)),
        digest=digest_of(documents),
        rules=tuple(rules),
        prometheus_config=with_variables(texts.get(MAIN, ""), _environment(spec)),
        scrape_interval=max((job.interval for job in jobs), default=usual),
        shipped_interval=max((job.interval for job in jobs if job.component), default=usual),
    )


def _default_interval(documents: Mapping[str, Any]) -> float:
    return seconds(global_of(documents).get("scrape_interval") or INTERVAL)


def _environment(spec: StackSpec) -> dict[str, str]:
    return dict(next((s.environment for s in spec.services if s.component == "prometheus"), ()))


def _documents(files: Mapping[str, ConfigFile]) -> dict[str, Any]:
    return {
        path: load_yaml(file.content) or {}
        for path, file in sorted(files.items())
        if path.endswith((".yml", ".yaml")) and not file.secret
    }


def _dashboards(services: Iterable[ServiceSpec]) -> Iterable[Dashboard]:
    """Grafana's files; where it is absent, the copies that the quick-look page of Prometheus draws."""
    found: dict[str, ConfigFile] = {}
    for service in sorted(services, key=lambda s: s.component != "grafana"):
        for file in (*service.files, *service.assets):
            folder, _, name = file.path.partition("dashboards/")
            if name.endswith(".json") and folder in BOARDS_BELOW:
                found.setdefault(name, file)
    for name, file in sorted(found.items()):
        text = _text(file)
        found_in = _read(text)
        own = file.origin.startswith("own/") or EXPORTER in (found_in.get("tags") or ())
        yield Dashboard(str(found_in.get("uid") or "") or name.removesuffix(".json"), text, own=own)


def _read(text: str) -> Mapping[str, Any]:
    """The dashboard's values; none where it is no dashboard, which its check will tell."""
    try:
        return model(text)
    except ValueError:
        return {}


def _data_sources(
    files: Mapping[str, ConfigFile], idle: Iterable[tuple[str, tuple[ConfigFile, ...]]]
) -> Iterable[DataSource]:
    """Those of Grafana's files, also of a Grafana that does not run."""
    unused = {file.path: file for component, found in idle if component == "grafana" for file in found}
    for path, document in _documents(files or unused).items():
        if path.startswith("provisioning/datasources/"):
            for source in document.get("datasources") or ():
                yield DataSource(
                    source["uid"],
                    source["name"],
                    source["type"],
                    source.get("url") or "",
                    not source.get("editable"),
                    str((source.get("jsonData") or {}).get("timeInterval") or ""),
                )


def _text(file: ConfigFile | None) -> str:
    return file.content.decode() if file else ""
