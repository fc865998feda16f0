"""HAProxy, watched by haproxy_exporter over its page of statistics.

Newer ones have a metrics page of their own, which needs no exporter; this serves those that show statistics alone.
"""

from __future__ import annotations

from stack.components.build import wget
from stack.components.exporters.kind import Kind, Packaged, Told
from stack.components.exporters.page import page_of, page_options
from stack.components.exporters.server import Form, Server

PORT = 9101
PROGRAM = "/bin/haproxy_exporter"


def tell(server: Server) -> Told:
    """The page in its form for programs."""
    return Told((f"--haproxy.scrape-uri={page_of(server)};csv",))


HAPROXY = Kind(
    form=Form("haproxy", "haproxy_exporter", 8404, "none", page_options("/stats")),
    title="HAProxy",
    purpose="figures of HAProxy servers",
    port=PORT,
    packaged=Packaged("prom/haproxy-exporter:v0.15.0", "prometheus-haproxy-exporter", PROGRAM, "0"),
    tell=tell,
    health=wget(PORT, "/"),
    up="haproxy_up",
)
