"""nginx, watched by nginx-prometheus-exporter over its page stub_status."""

from __future__ import annotations

from stack.components.exporters.kind import Kind, Packaged, Told, runnable
from stack.components.exporters.page import page_of, page_options
from stack.components.exporters.server import Form, Server

PORT = 9113
PROGRAM = "/usr/bin/nginx-prometheus-exporter"


def tell(server: Server) -> Told:
    """The page's address is all."""
    return Told((f"--nginx.scrape-uri={page_of(server)}",))


NGINX = Kind(
    form=Form("nginx", "nginx_exporter", 80, "none", page_options("/stub_status"), closes=False),
    title="nginx",
    purpose="figures of nginx servers",
    port=PORT,
    packaged=Packaged("nginx/nginx-prometheus-exporter:1.5.1", "prometheus-nginx-exporter", PROGRAM, "1"),
    tell=tell,
    health=runnable(PROGRAM),
    up="nginx_up",
)
