"""Dashboard memcached: what memcached servers do. Data only."""

from __future__ import annotations

from stack.dashboards.exporters.parts import answers, lines, number, per_second, server_dashboard
from stack.dashboards.promql import rate, ratio, select, total

GETS = total("instance", rate("memcached_commands_total", 'command="get"'))
HITS = total("instance", rate("memcached_commands_total", 'command="get"', 'status="hit"'))

MEMCACHED = server_dashboard(
    "memcached",
    "memcached",
    "memcached_up",
    (
        answers("memcached_up"),
        number(
            "Memory used",
            "Share of the memory for items that is taken.",
            "percentunit",
            ratio(
                total("instance", select("memcached_current_bytes")),
                total("instance", select("memcached_limit_bytes")),
            ),
        ),
        number("Items", "Items that are kept.", "short", select("memcached_current_items")),
        number("Up for", "Since the server was started.", "s", select("memcached_uptime_seconds")),
        lines(
            "Memory used and allowed",
            "Bytes of items, and the limit (-m).",
            "bytes",
            (select("memcached_current_bytes"), "{{instance}} used"),
            (select("memcached_limit_bytes"), "{{instance}} limit"),
        ),
        lines(
            "Commands",
            "Commands of each kind that were served per second.",
            "ops",
            (total("instance, command", rate("memcached_commands_total")), "{{instance}} {{command}}"),
        ),
        lines(
            "Cache hits",
            "Share of gets that found their key; 0 where nothing was asked for.",
            "percentunit",
            (ratio(HITS, GETS), "{{instance}}"),
        ),
        per_second(
            "Items removed",
            "Items that were evicted for want of memory, and expired ones whose memory was used again.",
            "ops",
            ("memcached_items_evicted_total", "evicted"),
            ("memcached_items_reclaimed_total", "reclaimed"),
        ),
        lines(
            "Connections",
            "Open connections, and how many there may be (-c).",
            "short",
            (select("memcached_current_connections"), "{{instance}} open"),
            (select("memcached_max_connections"), "{{instance}} limit"),
        ),
        per_second(
            "New connections",
            "Connections that were opened, and refused at the limit.",
            "ops",
            ("memcached_connections_total", "opened"),
            ("memcached_connections_rejected_total", "refused"),
        ),
        per_second(
            "Network",
            "Bytes that clients sent and received.",
            "Bps",
            ("memcached_read_bytes_total", "received"),
            ("memcached_written_bytes_total", "sent"),
        ),
    ),
)
