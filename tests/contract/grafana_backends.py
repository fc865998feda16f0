"""A fake Prometheus and Alertmanager that answer so that Grafana must give the recorded frames.

The wanted series of each expression are read from the recorded answers; every series has the constant 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.loopback import Asked, Reply, Routes

PROXY = "/api/datasources/proxy/uid/"
RESOURCES = "/resources"
END_BEFORE_START = 'invalid parameter "end": end timestamp must not be before start time'
TEXTS = {"NaN": "NaN", "Inf": "+Inf"}


class Backends:
    """The two tables, filled from exchanges."""

    def __init__(self, exchanges: Iterable[dict[str, Any]]) -> None:
        self.series: dict[tuple[str, str], tuple[list[dict[str, str]], str]] = {}
        self.errors: dict[str, str] = {}
        self.prometheus: Routes = {
            "POST /api/v1/query": self._instant,
            "GET /api/v1/query": self._instant,
            "POST /api/v1/query_range": self._range,
        }
        self.alertmanager: Routes = {}
        for exchange in exchanges:
            self._learn_frames(exchange["response"]["body"])
            self._learn_raw(exchange)

    def _learn_frames(self, body: Any) -> None:
        if not isinstance(body, dict) or "results" not in body:
            return
        for result in body["results"].values():
            frames = result["frames"]
            if not frames:
                continue
            expr = _expr(frames[0])
            if "error" in result:
                text = result["error"].partition(": ")[2]
                if text != END_BEFORE_START:
                    self.errors[expr] = text
            elif expr:
                self._learn_series(expr, frames)

    def _learn_series(self, expr: str, frames: list[dict[str, Any]]) -> None:
        for kind in ("matrix", "vector", "scalar"):
            mine = [f for f in frames if f["schema"]["meta"]["custom"].get("resultType") == kind]
            if mine:
                labels = [f["schema"]["fields"][1]["labels"] for f in mine]
                self.series[kind, expr] = (labels, TEXTS.get(mine[0]["data"].get("special", ""), "1"))
        if not frames[0]["schema"]["fields"]:
            self.series["matrix", expr] = self.series["vector", expr] = ([], "1")

    def _learn_raw(self, exchange: dict[str, Any]) -> None:
        request, response = exchange["request"], exchange["response"]
        path, reply = unquote(request["path"]), (response["status"], response["body"])
        if request["auth"] != "admin" or not (path.startswith(PROXY) or RESOURCES in path):
            return
        if path.startswith(PROXY):
            uid, _, rest = path.removeprefix(PROXY).partition("/")
        else:
            uid, rest = "prometheus", path.partition(f"{RESOURCES}/")[2]
        parts = urlsplit(f"/{rest}")
        if uid == "alertmanager":
            self.alertmanager[f"GET {parts.path}"] = reply
        elif parts.path in ("/api/v1/query", "/api/v1/query_range"):
            self._learn_query(parts.query or request.get("raw", ""), reply)
        elif reply[0] == 200:
            self.prometheus[f"GET {parts.path}"] = reply

    def _learn_query(self, query: str, reply: tuple[int, Any]) -> None:
        expr = query.partition("query=")[2].partition("&")[0]
        if reply[0] == 400:
            self.errors[expr] = reply[1]["error"]
        elif reply[0] == 200:
            result = reply[1]["data"]["result"]
            self.series["vector", expr] = ([s["metric"] for s in result], "1")

    def _instant(self, asked: Asked) -> Reply:
        def build(labels: dict[str, str], text: str) -> dict[str, Any]:
            return {"metric": labels, "value": [float(asked.params.get("time", 1)), text]}

        return self._reply(asked, "vector", build)

    def _range(self, asked: Asked) -> Reply:
        start, end, step = (float(asked.params[name]) for name in ("start", "end", "step"))
        if end < start:
            return _error(END_BEFORE_START)

        def build(labels: dict[str, str], text: str) -> dict[str, Any]:
            return {
                "metric": labels,
                "values": [[start + i * step, text] for i in range(int((end - start) / step) + 1)],
            }

        return self._reply(asked, "matrix", build)

    def _reply(self, asked: Asked, kind: str, build: Any) -> Reply:
        expr = asked.params.get("query", "")
        if expr in self.errors:
            return _error(self.errors[expr])
        if kind == "vector" and ("scalar", expr) in self.series:
            return 200, _success("scalar", [float(asked.params["time"]), "1"])
        if (kind, expr) not in self.series:
            return (200, _success(kind, [])) if expr == "1+1" else _error(f"unexpected expression {expr}")
        labels, text = self.series[kind, expr]
        return 200, _success(kind, [build(one, text) for one in labels])


def load(path: Any) -> list[dict[str, Any]]:
    """The exchanges of one file."""
    return list(json.loads(path.read_text(encoding="utf-8")))


def _expr(frame: dict[str, Any]) -> str:
    text = str(frame["schema"]["meta"]["executedQueryString"])
    return text.removeprefix("Expr: ").rpartition("\nStep: ")[0]


def _success(kind: str, result: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}}


def _error(text: str) -> Reply:
    return 400, {"status": "error", "errorType": "bad_data", "error": text}
