"""Dashboard postgres: what PostgreSQL servers do, by database. Data only."""

from __future__ import annotations

from stack.dashboards.exporters.parts import answers, lines, number, per_second, server_dashboard
from stack.dashboards.promql import rate, ratio, select, total

HITS, READS = "pg_stat_database_blks_hit", "pg_stat_database_blks_read"
HIT_RATE, READ_RATE = total("instance", rate(HITS)), total("instance", rate(READS))

POSTGRES = server_dashboard(
    "postgres",
    "PostgreSQL",
    "pg_up",
    (
        answers("pg_up"),
        number(
            "Connections used",
            "Share of max_connections that is taken.",
            "percentunit",
            f"{total('instance', select('pg_stat_database_numbackends'))}"
            f" / {total('instance', select('pg_settings_max_connections'))}",
        ),
        number(
            "Size",
            "Disk space of all databases.",
            "bytes",
            total("instance", select("pg_database_size_bytes")),
        ),
        number(
            "Longest transaction",
            "Age of the oldest transaction that is open.",
            "s",
            f"max by (instance) ({select('pg_stat_activity_max_tx_duration')})",
        ),
        lines(
            "Connections",
            "Connections to each database.",
            "short",
            (total("instance, datname", select("pg_stat_database_numbackends")), "{{instance}} {{datname}}"),
        ),
        per_second(
            "Transactions",
            "Transactions that were committed and rolled back.",
            "ops",
            ("pg_stat_database_xact_commit", "committed"),
            ("pg_stat_database_xact_rollback", "rolled back"),
        ),
        per_second(
            "Rows",
            "Rows that queries returned, and rows that were written.",
            "ops",
            ("pg_stat_database_tup_fetched", "fetched"),
            ("pg_stat_database_tup_inserted", "inserted"),
            ("pg_stat_database_tup_updated", "updated"),
            ("pg_stat_database_tup_deleted", "deleted"),
        ),
        lines(
            "Cache hits",
            "Share of blocks that were found in shared buffers; 0 where nothing was read.",
            "percentunit",
            (ratio(HIT_RATE, f"({HIT_RATE} + {READ_RATE})"), "{{instance}}"),
        ),
        per_second(
            "Deadlocks and conflicts",
            "Transactions that were ended since they waited for each other, or stood in the way of replication.",
            "ops",
            ("pg_stat_database_deadlocks", "deadlocks"),
            ("pg_stat_database_conflicts", "conflicts"),
        ),
        per_second(
            "Temporary files",
            "Bytes written to temporary files by queries for which work_mem was too small.",
            "Bps",
            ("pg_stat_database_temp_bytes", ""),
        ),
        lines(
            "Database size",
            "Disk space of each database.",
            "bytes",
            (total("instance, datname", select("pg_database_size_bytes")), "{{instance}} {{datname}}"),
        ),
    ),
)
