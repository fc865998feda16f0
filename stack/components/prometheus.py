"""Prometheus: scrapes, keeps, evaluates; also serves the runbooks and the quick-look page under ``/user/``.

Takes SIGHUP for a reload, so no lifecycle endpoint is open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from msgspec.structs import replace

from stack.components.addresses import web_flags
from stack.components.build import HOST_GATEWAY, MIB, SCRATCH, Build, config_files, wget
from stack.components.exporters.scrape import jobs
from stack.components.manifest import Checks, Component, Data
from stack.components.node_exporter import where_it_is
from stack.components.outer_networks import outer_networks
from stack.components.own_paths import OWN_HOSTS, own_secrets, own_targets, translated
from stack.components.places import RULES_PLACE, SCRAPE_PLACE
from stack.components.scrape_interval import panel_interval, script
from stack.components.token import scraping, token_file
from stack.config import values as read
from stack.config.flags import flags
from stack.config.table import Setting
from stack.engine.interface import ImageConfig
from stack.images.pins import LOOKED_UP, Line, Pin
from stack.images.recipes import ACCOUNTS, COMMON, NOBODY_USER, Recipe
from stack.model.spec import (
    CONFIG_ROOT,
    CURRENT,
    DIGEST_RULE,
    NOBODY,
    TARGETS,
    ConfigFile,
    Health,
    ServiceSpec,
    container_name,
    ordered,
)

PORT = 9090
RESEND_DELAY = "4s"
"""An alert that comes up before Prometheus has discovered Alertmanager is lost; the default repeats it after 1 m. Less
than the interval of the Watchdog's group, since at exactly one interval every other turn would be left out."""
FLUSH_DEADLINE = "--storage.remote.flush-deadline=3s"
"""The default, 1 m, holds a stop up for as long where an address is down: longer than a container is given."""
REFUSED = {
    "config.file": "the bundle writes its files",
    "storage.tsdb.path": "its data lies in its volume",
    "storage.tsdb.retention": "prometheus.retention_time and prometheus.retention_size say it",
    "storage.tsdb.retention.": "prometheus.retention_time and prometheus.retention_size say it",
    "web.listen-address": "the port is that of the settings",
    "web.external-url": "public_url says it",
    "web.route-prefix": "everything that asks it asks at the root",
    "web.user-assets": "runbooks and the quick look lie there",
    "web.enable-lifecycle": "whoever reaches the port could stop it; reloads are signals",
    "web.enable-admin-api": "whoever reaches the port could delete data",
    "web.config.file": "everything that asks it asks by plain HTTP without a login",
    "rules.alert.resend-delay": "the proof of the alert path depends on it",
    "log.format": "its log is read for causes",
    "agent": "rules, dashboards and proofs need its storage",
    "storage.agent.": "rules, dashboards and proofs need its storage",
}
"""Flags that would break what is promised."""
MAIN = "prometheus.yml"
REMOTE_RULES = "rules/optional/prometheus-remote_write.yml"
DIGEST_FILE = "rules/stack-digest.yml"
PLACES = (SCRAPE_PLACE, RULES_PLACE)
PAGE_SCRIPT = "values.js"


def service(build: Build) -> ServiceSpec:
    """The container; its retention follows the settings."""
    settings = build.settings
    assets = _assets(build)
    return PROMETHEUS.container(
        build,
        ready_path="/-/ready",
        health=Health(wget(PORT, "/-/healthy")),
        entrypoint=("/bin/prometheus",),
        command=(
            f"--config.file={CONFIG_ROOT}/{CURRENT}/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={settings['prometheus.retention_time']}",
            f"--storage.tsdb.retention.size={settings['prometheus.retention_size']}",
            *web_flags(build.address("prometheus")),
            f"--web.user-assets={CONFIG_ROOT}/user",
            "--enable-feature=exemplar-storage",
            f"--rules.alert.resend-delay={RESEND_DELAY}",
            *((FLUSH_DEADLINE,) if _sends(build) else ()),
            *settings["prometheus.extra_args"],
        ),
        environment=(("STACK_NAME", settings.name),),
        mounts=(build.config_mount("prometheus"), build.data_mount("prometheus", "/prometheus"), SCRATCH),
        reload="signal",
        assets=(*assets, *token_file(build)),
        extra_hosts=HOST_GATEWAY,
        hostname=container_name(settings.name, "prometheus"),
        networks=outer_networks(_scraping(build, assets)),
        exact=(TARGETS, "user/dashboards"),
    )


def files(build: Build) -> tuple[ConfigFile, ...]:
    """Main file, scrape and rule files, the secrets that they name, and a rule that carries the digest of all."""
    chosen = [file for file in _plain(build) if file.path != DIGEST_FILE]
    secrets = own_secrets(build, chosen, NOBODY)
    rule = digest_rule({file.path: file.content for file in chosen})
    digest = ConfigFile(DIGEST_FILE, rule.encode(), origin=f"prometheus/{DIGEST_FILE}")
    return tuple(ordered((*chosen, *secrets, digest)))


def _plain(build: Build) -> tuple[ConfigFile, ...]:
    main = ConfigFile(MAIN, build.tree[f"prometheus/{MAIN}"], origin=f"prometheus/{MAIN}")
    native = (file for place in PLACES for file in build.concerning(build.gathered("prometheus", place)))
    fitting = (file for file in native if _sends(build) or not file.origin.endswith(REMOTE_RULES))
    found = where_it_is(build, (_sending(build, main), *fitting, *jobs(build)))
    return translated(scraping(build, (*found, *_far(build))))


def _far(build: Build) -> Iterator[ConfigFile]:
    """The jobs of further hosts."""
    if any(path.startswith(OWN_HOSTS) for path in build.tree):
        from stack.components.hosts import jobs as of_hosts

        yield from of_hosts(build)


def _sends(build: Build) -> bool:
    """Whether samples go anywhere else by the settings."""
    return bool(build.settings.words("remote_write"))


def _sending(build: Build, main: ConfigFile) -> ConfigFile:
    """The file with the addresses and labels of the settings, where there are any."""
    if not _sends(build) and not build.settings.words("external_labels"):
        return main
    from stack.components.remote_write import labels_of, remotes, with_remotes

    return main.edited(with_remotes(main.content, remotes(build), labels_of(build)))


def digest_rule(contents: dict[str, bytes]) -> str:
    """A rule file whose one label identifies all others: read back, it proves which files Prometheus runs."""
    total = hashlib.sha256()
    for path, content in sorted(contents.items()):
        total.update(f"{path}\0{len(content)}\0".encode() + content)
    return (
        "groups:\n  - name: stack_digest\n    interval: 1m\n    rules:\n"
        f"      - record: {DIGEST_RULE}\n        expr: vector(1)\n"
        f'        labels:\n          digest: "{total.hexdigest()[:16]}"\n'
    )


def _assets(build: Build) -> tuple[ConfigFile, ...]:
    page = config_files(build.below("prometheus/user/"), "prometheus/user/")
    interval = panel_interval(build)
    page = tuple(f.edited(script(f.content, interval)) if f.path == PAGE_SCRIPT else f for f in page)
    shown = (*page, *build.dashboards())
    return (*(replace(file, path=f"user/{file.path}") for file in shown), *own_targets(build, _plain(build)))


def _scraping(build: Build, assets: tuple[ConfigFile, ...]) -> Iterator[ConfigFile]:
    """The files that name targets, as they were read: nothing that is put in at their place says where one lives."""
    yield ConfigFile(MAIN, build.tree[f"prometheus/{MAIN}"], origin=f"prometheus/{MAIN}")
    yield from build.gathered("prometheus", PLACES[0])
    yield from (file for file in assets if file.path.startswith(f"{TARGETS}/"))


def check_files(files: tuple[ConfigFile, ...]) -> None:
    """What promtool does not say, or not by the names that people know."""
    from stack.validation.scraping import check_scraping

    check_scraping(files)


def checks() -> Checks:
    """Its own; and what the dashboards ask, where Grafana cannot be asked."""
    from stack.checks import panel_table, prometheus, selfreport

    after = ("prometheus.ready", "prometheus.config", "prometheus.rules")
    return Checks((*prometheus.CHECKS, *selfreport.CHECKS, *panel_table.OF_PROMETHEUS), after)


def recipe() -> Recipe:
    """Debian builds it without its web interface and serves one page at every address of that; ours says so."""
    page = Path(__file__).with_name("prometheus.html").read_text(encoding="utf-8")
    command = ("--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus")
    return Recipe(
        (*COMMON, "prometheus", "promtool"),
        "prometheus",
        ImageConfig(("/bin/prometheus",), command, NOBODY_USER, "/prometheus", ports=(PORT,)),
        folders=(("etc/prometheus", NOBODY), ("prometheus", NOBODY)),
        files=(*ACCOUNTS, ("usr/share/prometheus/web/no-ui/index.html", page)),
    )


PROMETHEUS = Component(
    name="prometheus",
    title="Prometheus",
    purpose="scrapes, keeps and evaluates metrics",
    service=service,
    port=PORT,
    pin=Pin(
        "prometheus",
        "prom/prometheus:v3.13.5",
        ("/bin/prometheus", "--version"),
        line=Line("3.13", "long-term support until July 2027", LOOKED_UP, date(2027, 2, 28)),
    ),
    publish=9090,
    memory=768 * MIB,
    start_seconds=0.2,
    settings=(
        Setting(
            "prometheus.retention_time",
            "STACK_RETENTION_TIME",
            read.match(read.DURATION, "like 15d"),
            "15d",
            "age of data",
        ),
        Setting(
            "prometheus.retention_size",
            "STACK_RETENTION_SIZE",
            read.match(read.SIZE, "like 2GB"),
            "2GB",
            "size of data",
        ),
        Setting(
            "prometheus.extra_args",
            "STACK_PROMETHEUS_EXTRA_ARGS",
            flags(REFUSED),
            (),
            "further flags of Prometheus, such as `--query.timeout=1m`",
        ),
    ),
    files=files,
    places=PLACES,
    check_files=check_files,
    recipe=recipe,
    dashboards=("stack-health",),
    tool=("/bin/promtool", "check", "config", f"{CONFIG_ROOT}/{CURRENT}/prometheus.yml"),
    checks=checks,
    keeps="all samples",
    data=Data("tsdb"),
)
