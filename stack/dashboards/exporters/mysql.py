"""Dashboard mysql: what MySQL and MariaDB servers do. Data only."""

from __future__ import annotations

from stack.dashboards.exporters.parts import answers, lines, number, per_second, server_dashboard
from stack.dashboards.promql import rate, select, total

STATUS = "mysql_global_status_"
CONNECTED = select(f"{STATUS}threads_connected")
COMMANDS = 'command=~"select|insert|update|delete|replace"'

MYSQL = server_dashboard(
    "mysql",
    "MySQL",
    "mysql_up",
    (
        answers("mysql_up"),
        number(
            "Connections used",
            "Share of max_connections that is taken.",
            "percentunit",
            f"{CONNECTED} / {select('mysql_global_variables_max_connections')}",
        ),
        number(
            "Buffer pool",
            "Memory for InnoDB's data.",
            "bytes",
            select("mysql_global_variables_innodb_buffer_pool_size"),
        ),
        number("Up for", "Since the server was started.", "s", select(f"{STATUS}uptime")),
        lines(
            "Connections",
            "Threads that are connected, those that work, and the limit.",
            "short",
            (CONNECTED, "{{instance}} connected"),
            (select(f"{STATUS}threads_running"), "{{instance}} running"),
            (select("mysql_global_variables_max_connections"), "{{instance}} limit"),
        ),
        per_second(
            "Queries",
            "Statements that were executed, and those of them that were slow.",
            "ops",
            (f"{STATUS}queries", "all"),
            (f"{STATUS}slow_queries", "slow"),
        ),
        lines(
            "Statements",
            "Statements that read and write, by kind.",
            "ops",
            (
                total("instance, command", rate(f"{STATUS}commands_total", COMMANDS)),
                "{{instance}} {{command}}",
            ),
        ),
        per_second(
            "Failed connections",
            "Connections that could not be made, and that were not closed as they should.",
            "ops",
            (f"{STATUS}aborted_connects", "not made"),
            (f"{STATUS}aborted_clients", "not closed"),
        ),
        per_second(
            "Buffer pool reads",
            "Reads that the buffer pool was asked for, and those that had to go to disk.",
            "ops",
            (f"{STATUS}innodb_buffer_pool_read_requests", "asked"),
            (f"{STATUS}innodb_buffer_pool_reads", "from disk"),
        ),
        per_second(
            "Row lock waits",
            "How often a statement had to wait for a row.",
            "ops",
            (f"{STATUS}innodb_row_lock_waits", ""),
        ),
        per_second(
            "Network",
            "Bytes that clients sent and received.",
            "Bps",
            (f"{STATUS}bytes_received", "received"),
            (f"{STATUS}bytes_sent", "sent"),
        ),
        per_second(
            "Temporary tables",
            "Temporary tables that were made, and those that did not fit into memory.",
            "ops",
            (f"{STATUS}created_tmp_tables", "all"),
            (f"{STATUS}created_tmp_disk_tables", "on disk"),
        ),
    ),
)
