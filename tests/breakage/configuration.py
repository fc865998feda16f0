"""Faults in the user's files: what no product reads, what it reads and cannot evaluate, what swallows alerts."""

from __future__ import annotations

from tests.breakage.breakage import Act, Breakage, Start, each
from tests.breakage.hands import edited, pristine, unlinked, written

AM = "alertmanager/alertmanager.yml"
MAIN = "prometheus/prometheus.yml"
SHIPPED = "prometheus/rules/prometheus.yml"
GATES = "prometheus/rules/app-gates.yml"
MINE = "prometheus/rules/mine.yml"


def rule(expr: str, kind: str = "alert", name: str = "Mine", extra: str = "", interval: str = "1s") -> Act:
    """A rule file of the user's own with one rule."""
    return written(
        MINE,
        f"groups:\n  - name: mine\n    interval: {interval}\n    rules:\n"
        f"      - {kind}: {name}\n        expr: {expr}\n{extra}",
    )


LABELS = "        labels: {severity: critical}\n"
MUTED = """
time_intervals:
  - name: always
    time_intervals:
      - times: [{start_time: "00:00", end_time: "24:00"}]
"""
INHIBITED = """inhibit_rules:
  - source_matchers: ['alertname="Watchdog"']
    target_matchers: ['alertname!="Watchdog"', 'stack_test!="true"']
"""
SECRET = """  - name: mine
    webhook_configs:
      - url_file: /etc/alertmanager/secrets/nowhere
"""
TEMPLATE = """  - name: mine
    slack_configs:
      - api_url: http://app:8000/alerts
        text: '{{ template "nowhere" . }}'
"""
EMPTY = "  - name: mine\n"


def receiver(text: str) -> Act:
    """A further receiver to which warnings go."""
    return each(
        edited(AM, "receivers:\n", f"receivers:\n{text}"),
        edited(AM, "- receiver: warning", "- receiver: mine"),
    )


def _refused(name: str, how: Act, said: str, remedy: str, entry: str) -> Breakage:
    return Breakage(name, how, said, remedy, entry, code=2, start="refuses", applied=True, undo=pristine)


def _found(name: str, how: Act, said: str, remedy: str, entry: str, start: Start = "refuses") -> Breakage:
    return Breakage(name, how, said, remedy, entry, start=start, applied=True, undo=pristine)


def _warned(name: str, how: Act, warns: str, entry: str) -> Breakage:
    return Breakage(name, how, warns=warns, entry=entry, start="accepts", applied=True, undo=pristine)


ROWS = (
    _refused(
        "yaml-invalid",
        edited(GATES, "groups:", "groups: ["),
        r"prometheus/rules/app-gates\.yml:\d+",
        "YAML",
        "COMPONENT/FILE:LINE:COLUMN: ... correct the YAML",
    ),
    Breakage(
        "promql-invalid",
        edited(GATES, "sum by (", "summ by ("),
        r"prometheus\.config: loaded files have digest \w+, rendered ones \w+",
        "reload",
        "prometheus.config: loaded files have digest DIGEST, rendered ones DIGEST",
        start="refuses",
        refusal=r"rules/app-gates\.yml.*correct prometheus's files",
        refusal_code=2,
        refusal_entry="correct COMPONENT's files",
        applied=True,
        undo=pristine,
    ),
    Breakage(
        "receiver-unknown",
        edited(AM, "receiver: default", "receiver: nobody"),
        r"alertmanager\.config: the loaded alertmanager\.yml is not the rendered one: route\.receiver is default",
        "reload",
        "alertmanager.config: the loaded alertmanager.yml is not the rendered one: ...",
        start="refuses",
        refusal=r"alertmanager\.yml:\d+: .*nobody.*: add a receiver named nobody under receivers",
        refusal_code=2,
        refusal_entry="alertmanager/FILE:LINE: undefined receiver ... add a receiver named NAME",
        applied=True,
        undo=pristine,
    ),
    _warned(
        "own-metric-unknown",
        rule("no_such_metric_total > 5", extra=LABELS),
        r"mine.*no_such_metric_total",
        "FILE GROUP/RULE: no series has the name METRIC",
    ),
    _warned(
        "own-le-without-zero",
        rule("sum(rate(http_request_duration_seconds_bucket{le='1'}[5m])) > 5", extra=LABELS),
        r'mine.*has le="1"',
        "FILE GROUP/RULE: no series of METRIC has LABEL",
    ),
    _warned(
        "own-label-unknown",
        rule("up{job='nobody'} == 0", extra=LABELS),
        r"mine.*job.*nobody",
        "FILE GROUP/RULE: no series of METRIC has LABEL",
    ),
    _warned(
        "own-recording-empty",
        rule("sum(rate(up[1s]))", kind="record", name="mine:up:sum"),
        r"mine.*it records nothing",
        "FILE GROUP/RULE: it records nothing, though there are series of all that it reads",
    ),
    _found(
        "shipped-metric-renamed",
        edited(SHIPPED, "prometheus_config_last_reload_successful", "prometheus_config_latest_reload_ok"),
        r"prometheus\.\w+: .*prometheus_config_latest_reload_ok",
        r"",
        "prometheus.series: FILE GROUP/RULE: no series has the name METRIC",
    ),
    _found(
        "duplicate-labels",
        rule(
            "label_replace(up, 'job', 'x', '', '')",
            kind="record",
            name="mine:up:x",
            extra="        labels: {instance: y, job: x}\n",
            interval="5m",
        ),
        r"prometheus\.\w+: .*(mine|same labelset|duplicate)",
        r"mine|label",
        "prometheus.CHECK: ... the same labelset",
    ),
    _found(
        "many-to-many",
        rule("up * on(stack) up > 0", extra=LABELS, interval="5m"),
        r"prometheus\.\w+: .*mine.*(many-to-many|found duplicate series)",
        r"on\(|group_left|expression",
        "prometheus.CHECK: ... found duplicate series",
    ),
    _warned(
        "route-to-empty-receiver",
        receiver(EMPTY),
        r"receiver mine tells nobody",
        "alertmanager.yml: receiver NAME tells nobody",
    ),
    Breakage(
        "secret-file-missing",
        receiver(SECRET),
        r"alertmanager\.yml:\d+: .*nowhere is not in the container",
        r"own/secrets",
        "alertmanager/FILE:LINE: KEY: PATH is not in the container",
        code=2,
        start="refuses",
        applied=True,
        undo=pristine,
    ),
    _refused(
        "template-undefined",
        receiver(TEMPLATE),
        r"alertmanager/alertmanager\.yml:\d+: template nowhere is not defined",
        r"define it in a file of own/alertmanager/templates/",
        "alertmanager/FILE:LINE: template NAME is not defined, so that no notification could be written",
    ),
    _found(
        "muted-always",
        each(
            written(AM, ""),
            pristine,
            edited(AM, "receivers:\n", f"{MUTED.lstrip()}\nreceivers:\n"),
            edited(
                AM, "- receiver: critical\n", "- receiver: critical\n      mute_time_intervals: [always]\n"
            ),
        ),
        r"alertmanager\.routes: .*is muted for the whole coming week by its time intervals \(always\)",
        r"",
        "alertmanager.routes: alertmanager.yml: PLACE is muted for the whole coming week",
    ),
    _found(
        "inhibited-always",
        edited(AM, "inhibit_rules:\n", INHIBITED),
        r"alertmanager\.routes: .*Watchdog, which always fires, holds back",
        r"",
        "alertmanager.routes: alertmanager.yml: PLACE: ALERT, which always fires, holds back ...",
    ),
    _found(
        "watchdog-rule-gone",
        edited(SHIPPED, "- alert: Watchdog", "- alert: Wachhund"),
        r"path\.watchdog: no rule fires Watchdog",
        r"Watchdog|rules/prometheus\.yml",
        "path.watchdog: no rule fires Watchdog",
    ),
    _found(
        "alerting-section-gone",
        edited(
            MAIN,
            "alerting:\n  alertmanagers:\n    - static_configs:\n        - targets: [alertmanager:9093]\n",
            "",
        ),
        r"prometheus\.alertmanagers: no Alertmanager discovered",
        r"alerting|alertmanager:9093",
        "prometheus.alertmanagers: no Alertmanager discovered",
    ),
    _found(
        "alertmanager-address-wrong",
        edited(MAIN, "targets: [alertmanager:9093]", "targets: [alertmanager:9999]"),
        r"prometheus\.alertmanagers: sends alerts to \S+:9999/\S+ not to this stack",
        r"alertmanager:9093",
        "prometheus.alertmanagers: sends alerts to ADDRESS, not to this stack's Alertmanager",
    ),
    _found(
        "route-of-the-proof-gone",
        edited(AM, "matchers: ['stack_test=\"true\"']", "matchers: ['stack_test=\"no\"']"),
        r"path\.alert: .*",
        r"stack_test",
        "path.alert: the test alert did not arrive",
    ),
    _found(
        "watchdog-route-gone",
        edited(AM, "matchers: ['alertname=\"Watchdog\"']", "matchers: ['alertname=\"Wachhund\"']"),
        r"alertmanager\.routes: .*repeats the Watchdog only each \d+ s",
        r"route",
        "alertmanager.routes: alertmanager.yml: PLACE repeats the Watchdog only each N s",
    ),
    _found(
        "scrape-file-removed",
        unlinked("prometheus/scrape/app.yml"),
        r"prometheus\.targets: no job scrapes app",
        r"restore prometheus/scrape/app\.yml",
        "prometheus.targets: no job scrapes COMPONENT",
    ),
)
