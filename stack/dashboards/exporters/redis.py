"""Dashboard redis: what Redis servers do. Data only."""

from __future__ import annotations

from stack.dashboards.exporters.parts import answers, lines, number, per_second, server_dashboard
from stack.dashboards.promql import rate, ratio, select, total

HIT_RATE = total("instance", rate("redis_keyspace_hits_total"))
MISS_RATE = total("instance", rate("redis_keyspace_misses_total"))

REDIS = server_dashboard(
    "redis",
    "Redis",
    "redis_up",
    (
        answers("redis_up"),
        number("Memory", "Memory that data and overhead take.", "bytes", select("redis_memory_used_bytes")),
        number("Clients", "Clients that are connected.", "short", select("redis_connected_clients")),
        number("Up for", "Since the server was started.", "s", select("redis_uptime_in_seconds")),
        lines(
            "Memory used and allowed",
            "Memory in use, as the system sees it, and the limit maxmemory (0: none).",
            "bytes",
            (select("redis_memory_used_bytes"), "{{instance}} used"),
            (select("redis_memory_used_rss_bytes"), "{{instance}} resident"),
            (select("redis_memory_max_bytes"), "{{instance}} limit"),
        ),
        lines(
            "Commands",
            "Commands of each kind that were served per second.",
            "ops",
            (total("instance, cmd", rate("redis_commands_total")), "{{instance}} {{cmd}}"),
        ),
        lines(
            "Cache hits",
            "Share of look-ups that found their key; 0 where nothing was looked up.",
            "percentunit",
            (ratio(HIT_RATE, f"({HIT_RATE} + {MISS_RATE})"), "{{instance}}"),
        ),
        lines(
            "Keys",
            "Keys in all databases, and those of them that expire.",
            "short",
            (total("instance", select("redis_db_keys")), "{{instance}} all"),
            (total("instance", select("redis_db_keys_expiring")), "{{instance}} expiring"),
        ),
        per_second(
            "Keys removed",
            "Keys that expired, and keys that were evicted for want of memory.",
            "ops",
            ("redis_expired_keys_total", "expired"),
            ("redis_evicted_keys_total", "evicted"),
        ),
        per_second(
            "Network",
            "Bytes that clients sent and received.",
            "Bps",
            ("redis_net_input_bytes_total", "received"),
            ("redis_net_output_bytes_total", "sent"),
        ),
        per_second(
            "Connections",
            "Connections that were opened, and refused at the limit maxclients.",
            "ops",
            ("redis_connections_received_total", "opened"),
            ("redis_rejected_connections_total", "refused"),
        ),
        lines(
            "Unsaved changes",
            "Changes since the last snapshot on disk.",
            "short",
            (select("redis_rdb_changes_since_last_save"), "{{instance}}"),
        ),
    ),
)
