"""Dashboard processes: chosen programs of the engine's machine. Data only."""

from __future__ import annotations

from stack.dashboards.exporters.parts import lines, server_dashboard
from stack.dashboards.model import Panel
from stack.dashboards.promql import rate, select, total

GROUP = "namedprocess_namegroup_"
PROGRAM = "groupname"
LEGEND = "{{groupname}}"


def _by_program(title: str, description: str, unit: str, metric: str, *matchers: str) -> Panel:
    return lines(title, description, unit, (total(PROGRAM, select(f"{GROUP}{metric}", *matchers)), LEGEND))


PROCESSES = server_dashboard(
    "processes",
    "Processes",
    f"{GROUP}num_procs",
    (
        _by_program("Processes", "Processes of each program.", "short", "num_procs"),
        _by_program("Threads", "Threads of each program.", "short", "num_threads"),
        lines(
            "Processor time",
            "Processors that each program keeps busy.",
            "short",
            (total(PROGRAM, rate(f"{GROUP}cpu_seconds_total")), LEGEND),
        ),
        _by_program(
            "Memory",
            "Memory of each program that is in RAM; shared pages count for each of its processes.",
            "bytes",
            "memory_bytes",
            'memtype="resident"',
        ),
        lines(
            "Page faults",
            "Pages that had to be read from disk, per second.",
            "ops",
            (total(PROGRAM, rate(f"{GROUP}major_page_faults_total")), LEGEND),
        ),
        lines(
            "Context switches",
            "How often its threads gave up a processor, or were taken off one, per second.",
            "ops",
            (
                total(f"{PROGRAM}, ctxswitchtype", rate(f"{GROUP}context_switches_total")),
                f"{LEGEND} {{{{ctxswitchtype}}}}",
            ),
        ),
    ),
)
