"""Dashboard probes: what blackbox_exporter finds from outside, whoever is asked in whatever way. Data only."""

from __future__ import annotations

from stack.dashboards.model import GREEN, RED, Dashboard, Panel, Query, Step, falling
from stack.dashboards.promql import select

WHO = "{{job}} {{instance}}"
LEFT = f"({select('probe_ssl_earliest_cert_expiry')} - time()) / 86400"
NONE = f"({select('probe_success')} * 0 - 1)"
"""For probes that have no such figure, so that the panel names them too."""
PHASES = (
    ("probe_http_duration_seconds", "HTTP"),
    ("probe_dns_duration_seconds", "DNS"),
    ("probe_icmp_duration_seconds", "ping"),
)

PROBES = Dashboard(
    uid="probes",
    title="Probes",
    description="What is watched from outside: whether it answers, how fast, and until when its certificate is valid.",
    tags=("monitoring-stack", "exporter"),
    scope="probe_success",
    folder="optional",
    panels=(
        Panel(
            "stat",
            "Up",
            "Whether the latest probe found what its module wants.",
            "short",
            (Query(select("probe_success"), WHO, True),),
            steps=falling(1, 1),
            states=(("1", "up", GREEN), ("0", "down", RED)),
        ),
        Panel(
            "stat",
            "HTTP code",
            "The status of the latest answer to a probe over HTTP; 0: none came.",
            "none",
            (Query(f"{select('probe_http_status_code')} or {NONE}", WHO, True),),
            steps=(Step(None, RED), Step(200, GREEN), Step(400, RED)),
            states=(("-1", "not HTTP", GREEN),),
        ),
        Panel(
            "timeseries",
            "Success",
            "Share of the probes that succeeded, over the panel's interval.",
            "percentunit",
            (Query(f"avg_over_time({select('probe_success')}[$__rate_interval])", WHO),),
            minimum=0,
            maximum=1,
        ),
        Panel(
            "timeseries",
            "Latency",
            "How long each probe took in all.",
            "s",
            (Query(select("probe_duration_seconds"), WHO),),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Latency by phase",
            "Where the time goes, averaged over the chosen probes: name, connection, TLS, waiting for the first byte,"
            " transfer.",
            "s",
            (
                Query(f"avg({select('probe_dns_lookup_time_seconds')})", "all look-up of the name"),
                *(
                    Query(f"avg by (phase) ({select(metric)})", f"{word} {{{{phase}}}}")
                    for metric, word in PHASES
                ),
            ),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Name lookup",
            "How long the look-up of the target's name took.",
            "s",
            (Query(select("probe_dns_lookup_time_seconds"), WHO),),
            minimum=0,
        ),
        Panel(
            "stat",
            "Days to the end of the certificate",
            "Until the first certificate of the chain ends, where a probe meets one.",
            "short",
            (Query(f"floor({LEFT}) or {NONE}", WHO, True),),
            width=24,
            steps=falling(7, 14),
            decimals=0,
            states=(("-1", "no TLS", GREEN),),
        ),
    ),
)
