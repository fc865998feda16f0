"""Dashboard host: the machine under the stack, and further ones, whatever their devices are called. Data only."""

from __future__ import annotations

from stack.dashboards.model import Dashboard, Panel, Query, rising
from stack.dashboards.promql import rate, select, total

FILESYSTEM = "instance, device"
IDLE = 'mode="idle"'


def _flow(title: str, description: str, *metrics: tuple[str, str]) -> Panel:
    """Bytes per second of each device, one query a direction."""
    queries = tuple(
        Query(total("instance, device", rate(metric)), f"{{{{instance}}}} {{{{device}}}} {word}")
        for metric, word in metrics
    )
    return Panel("timeseries", title, description, "Bps", queries, minimum=0)


HOST = Dashboard(
    uid="host",
    title="Host",
    description="Processor, memory, disks, network and load of the machine under the stack, and of further hosts.",
    tags=("monitoring-stack", "host"),
    scope="node_boot_time_seconds",
    panels=(
        Panel(
            "timeseries",
            "CPU used",
            "Share of all processors' time that was not idle.",
            "percentunit",
            (Query(f"1 - avg by (instance) ({rate('node_cpu_seconds_total', IDLE)})", "{{instance}}"),),
            steps=rising(0.7, 0.9),
            minimum=0,
            maximum=1,
        ),
        Panel(
            "timeseries",
            "Load",
            "Processes that run or wait to run, averaged over 1, 5 and 15 minutes.",
            "short",
            tuple(Query(select(f"node_load{n}"), f"{{{{instance}}}} {n} min") for n in (1, 5, 15)),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Memory",
            "Memory in use, which is what could not be given to a new process, and all there is.",
            "bytes",
            (
                Query(
                    f"{select('node_memory_MemTotal_bytes')} - {select('node_memory_MemAvailable_bytes')}",
                    "{{instance}} used",
                ),
                Query(select("node_memory_MemTotal_bytes"), "{{instance}} total"),
            ),
            minimum=0,
        ),
        Panel(
            "bargauge",
            "Disk space used",
            "Used part of each file system, wherever it is mounted.",
            "percentunit",
            (
                Query(
                    f"1 - max by ({FILESYSTEM}) ({select('node_filesystem_avail_bytes')})"
                    f" / max by ({FILESYSTEM}) ({select('node_filesystem_size_bytes')} > 0)",
                    "{{instance}} {{device}}",
                    True,
                ),
            ),
            steps=rising(0.8, 0.9),
            minimum=0,
            maximum=1,
        ),
        _flow(
            "Disk throughput",
            "Bytes read from and written to each disk.",
            ("node_disk_read_bytes_total", "read"),
            ("node_disk_written_bytes_total", "written"),
        ),
        _flow(
            "Network throughput",
            "Bytes received and sent by each interface that node_exporter sees.",
            ("node_network_receive_bytes_total", "received"),
            ("node_network_transmit_bytes_total", "sent"),
        ),
        Panel(
            "stat",
            "Clock offset",
            "How far the clock is from its reference, as the kernel knows it.",
            "s",
            (Query(f"abs({select('node_timex_offset_seconds')})", "{{instance}}", True),),
            height=5,
            steps=rising(0.01, 0.05),
        ),
        Panel(
            "stat",
            "Up since",
            "When the machine was started.",
            "dateTimeFromNow",
            (Query(f"{select('node_boot_time_seconds')} * 1000", "{{instance}}", True),),
            height=5,
        ),
    ),
)
