"""A Prometheus that answers any query with waves: the same labels and values for the same question, as many series as
the labels that it groups by can give. It serves the quick look's files too, as the real one does below ``/user/``."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.loopback import listening

ROOT = Path(__file__).resolve().parents[2]
GROUPED = re.compile(r"by \(([^)]*)\)")
VALUES: dict[str, tuple[str, ...]] = {
    "gate": (
        "config_gate",
        "db_boundary_gate",
        "extraction_gate",
        "filesystem_gate",
        "storage_gate",
        "url_gate",
    ),
    "le": ("0.1", "1.0", "5.0", "10.0", "50.0", "+Inf"),
    "outcome": ("ok", "reject"),
    "status": ("error", "success", "timeout"),
    "error_code": tuple(f"E_A_RATHER_LONG_ERROR_CODE_{n}" for n in range(17)),
    "job": ("app", "prometheus"),
    "instance": ("app:8000", "prometheus:9090"),
}
MOST_SERIES = 40
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json"}


@dataclass
class Waves:
    """What it is asked, in order; ``firing``: label sets and (from, to) of alerts; ``extra``: further dashboards."""

    queries: list[str] = field(default_factory=list)
    firing: list[tuple[dict[str, str], float, float]] = field(default_factory=list)
    extra: dict[str, dict[str, Any]] = field(default_factory=dict)
    empty: str = "no_such_metric"

    def labels(self, query: str) -> list[dict[str, str]]:
        """The label sets that a query leads to."""
        found = GROUPED.findall(query)
        names = [name.strip() for name in found[-1].split(",")] if found else ["job", "instance"]
        if "histogram_quantile" in query:
            names = [name for name in names if name != "le"]
        choices = [VALUES.get(name, (f"{name}-a", f"{name}-b")) for name in names if name]
        return [dict(zip(names, one, strict=True)) for one in product(*choices)][:MOST_SERIES]

    def value(self, query: str, at: int, when: float) -> float:
        """Between 0 and 1 where shares are asked for, else some dozens; the later series are the higher."""
        wave = 0.5 + 0.5 * math.sin(when / 300 + at)
        share = "percent" in query or query.startswith("1 -") or " / " in query
        return round(wave if share else (at + 1) * 7 + wave * 5, 4)

    def matrix(self, query: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Points on the grid of a range."""
        times = [start + n * step for n in range(int((end - start) / step) + 1)]
        if query.startswith("ALERTS{"):
            return [
                {"metric": labels, "values": [[t, "1"] for t in times if begins <= t <= ends]}
                for labels, begins, ends in self.firing
            ]
        return [
            {"metric": labels, "values": [[t, f"{self.value(query, n, t)}"] for t in times]}
            for n, labels in enumerate(self.labels(query) if self.empty not in query else [])
        ]

    def vector(self, query: str, when: float) -> list[dict[str, Any]]:
        """One point each."""
        if "_build_info" in query:
            return [
                {"metric": {"__name__": "prometheus_build_info", "version": "3.13.5"}, "value": [when, "1"]}
            ]
        listed = self.labels(query) if self.empty not in query else []
        return [
            {"metric": labels, "value": [when, f"{self.value(query, n, when)}"]}
            for n, labels in enumerate(listed)
        ]

    def answer(self, path: str, params: dict[str, str]) -> Any:
        """The data of an API route; None where there is no such."""
        query = params.get("query", "")
        if query:
            self.queries.append(query)
        if path == "/api/v1/query_range":
            span = (float(params[name]) for name in ("start", "end", "step"))
            return {"resultType": "matrix", "result": self.matrix(query, *span)}
        if path == "/api/v1/query":
            return {"resultType": "vector", "result": self.vector(query, float(params.get("time", 1.7e9)))}
        if path.startswith("/api/v1/label/"):
            return list(VALUES.get(path.split("/")[4], ("a", "b")))
        return {"/api/v1/labels": ["job", "instance"], "/api/v1/alerts": {"alerts": []}}.get(path)

    def boards(self) -> dict[str, bytes]:
        """The shipped dashboards by file name, and further ones."""
        shipped = {path.name: path.read_bytes() for path in (ROOT / "grafana/dashboards").glob("*.json")}
        return {**shipped, **{name: json.dumps(board).encode() for name, board in self.extra.items()}}

    def file(self, path: str) -> bytes | None:
        """What lies below ``/user/``."""
        name = unquote(path.removeprefix("/user/")) or "index.html"
        if name == "dashboards/":
            links = "".join(f'<a href="{one}">{one}</a>\n' for one in sorted(self.boards()))
            return f"<pre>\n{links}</pre>".encode()
        if name.startswith("dashboards/"):
            return self.boards().get(name.removeprefix("dashboards/"))
        found = ROOT / "prometheus/user" / name
        return found.read_bytes() if found.is_file() and ".." not in name else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    waves: Waves

    def answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        params = {name: values[-1] for name, values in {**parse_qs(parts.query), **parse_qs(body)}.items()}
        if parts.path.startswith("/user/"):
            content = self.waves.file(parts.path)
            kind = KINDS.get(Path(parts.path).suffix, "text/html")
        else:
            data = self.waves.answer(parts.path, params)
            content = None if data is None else json.dumps({"status": "success", "data": data}).encode()
            kind = KINDS[".json"]
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    do_GET = do_POST = answer

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that is left hangs up."""


@contextmanager
def drawn_prometheus(waves: Waves) -> Iterator[str]:
    """Its base address while the block runs."""
    handler = type("Handler", (_Handler,), {"waves": waves})
    with listening(_Server(("127.0.0.1", 0), handler)) as address:
        yield address
