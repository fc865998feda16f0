"""The one list of dashboards, in the order in which they link to each other. It holds no panel of its own."""

from __future__ import annotations

from stack.dashboards.exporters import EXPORTERS
from stack.dashboards.gate_security import GATE_SECURITY
from stack.dashboards.host import HOST
from stack.dashboards.model import Dashboard
from stack.dashboards.probes import PROBES
from stack.dashboards.slo import SLO
from stack.dashboards.stack_health import STACK_HEALTH
from stack.dashboards.tool_observability import TOOL_OBSERVABILITY

DASHBOARDS: tuple[Dashboard, ...] = (
    GATE_SECURITY,
    TOOL_OBSERVABILITY,
    SLO,
    STACK_HEALTH,
    HOST,
    PROBES,
    *EXPORTERS,
)
