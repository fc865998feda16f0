"""Grafana's HTTP API: health, logins, what is provisioned, queries as panels send them, reload of provisioning.

Facts of 12.3.0 that shape it: an Alertmanager data source has no health of its own; a batch with one bad query
is 400 as a whole and still carries the results. It must never save or delete anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from stack.clients.http import Http, HttpFailure
from stack.clients.shape import Typed, shaped, text, texts

RELOAD_SECONDS = 60.0


class LoadedSource(Typed, frozen=True):
    """A data source as Grafana holds it; ``read_only`` where it came from a file. ``interval``: see ``DataSource``."""

    uid: str
    name: str
    type: str
    url: str
    read_only: bool
    interval: str = ""


class LoadedDashboard(Typed, frozen=True):
    """A dashboard as Grafana holds it: its model as stored, and whether it came from a file."""

    uid: str
    model: dict[str, Any]
    provisioned: bool


class Query(Struct, frozen=True):
    """One query of a panel; ``ref`` is unique within a batch, times in milliseconds."""

    ref: str
    source_uid: str
    expr: str
    instant: bool
    interval_ms: int = 5000

    def body(self) -> dict[str, Any]:
        """The query as /api/ds/query takes it."""
        return {
            "refId": self.ref,
            "datasource": {"type": "prometheus", "uid": self.source_uid},
            "expr": self.expr,
            "instant": self.instant,
            "range": not self.instant,
            "format": "time_series",
            "intervalMs": self.interval_ms,
            "maxDataPoints": 500,
        }


class Result(Typed, frozen=True):
    """What came back for one query: an error text, or the number of series and of values that are numbers."""

    error: str
    series: int
    numbers: int


class Grafana(Struct, frozen=True):
    """One server at ``http.base``; every method raises ``HttpFailure`` where there is no usable answer."""

    http: Http

    def database(self) -> str:
        """What /api/health says of the database; it answers only when provisioning is done."""
        answer = self.http.readily().get("/api/health")
        with shaped(answer):
            return str(answer.json()["database"])

    def login_status(self) -> int:
        """The status that our credentials get: 200, or 401 for wrong and for locked.

        Where its own database does not answer Grafana says 401 as well, but gives no reason: that is no verdict.
        """
        answer = self.http.get("/api/org", expect=(200, 401))
        with shaped(answer):
            if answer.status == 401 and "messageId" not in answer.json():
                raise HttpFailure(f"{answer.url} answered 401 without a reason", answer.status)
        return answer.status

    def status_of(self, auth: tuple[str, str] | None) -> int:
        """The status that other credentials, or none, get; a try with a wrong password counts for the lock."""
        stranger = replace(self.http, auth=auth)
        return stranger.get("/api/org", expect=()).status

    def user(self) -> tuple[str, bool]:
        """Our login name and whether it is a server administrator."""
        answer = self.http.get("/api/user")
        with shaped(answer):
            user = answer.json()
            return str(user["login"]), bool(user["isGrafanaAdmin"])

    def app_url(self) -> str:
        """The address that it tells browsers to be its own."""
        answer = self.http.get("/api/frontend/settings")
        with shaped(answer):
            return text(answer.json()["appUrl"])

    def data_sources(self) -> tuple[LoadedSource, ...]:
        """All data sources."""
        answer = self.http.get("/api/datasources")
        with shaped(answer):
            return tuple(
                LoadedSource(
                    s["uid"],
                    s["name"],
                    s["type"],
                    s["url"],
                    s["readOnly"],
                    str((s.get("jsonData") or {}).get("timeInterval") or ""),
                )
                for s in answer.json()
            )

    def source_health(self, uid: str) -> str:
        """The status that a data source's own health check names; 400 and 500 are failures with their text."""
        answer = self.http.get(f"/api/datasources/uid/{uid}/health")
        with shaped(answer):
            return str(answer.json()["status"])

    def through_source(self, uid: str, path: str) -> Any:
        """GET through a data source's proxy, decoded."""
        return self.http.get(f"/api/datasources/proxy/uid/{uid}{path}").json()

    def dashboard_uids(self) -> tuple[str, ...]:
        """Uids of all dashboards, ours and others."""
        answer = self.http.get("/api/search", params={"type": "dash-db", "limit": 5000})
        with shaped(answer):
            return tuple(str(hit["uid"]) for hit in answer.json())

    def dashboard(self, uid: str) -> LoadedDashboard:
        """One dashboard as stored."""
        answer = self.http.get(f"/api/dashboards/uid/{uid}")
        with shaped(answer):
            body, meta = answer.json(), answer.json()["meta"]
            # Where its provider allows changes in the browser, only the file's name tells.
            provisioned = meta["provisioned"] or meta.get("provisionedExternalId")
            return LoadedDashboard(uid, dict(body["dashboard"]), bool(provisioned))

    def query(self, queries: Iterable[Query], start: float, end: float) -> dict[str, Result]:
        """A batch as a dashboard sends it, times in Unix seconds; results by ``ref``, also where some failed."""
        window = {"from": str(int(start * 1000)), "to": str(int(end * 1000))}
        bodies = [query.body() for query in queries]
        answer = self.http.post("/api/ds/query", json={"queries": bodies, **window}, expect=(200, 400))
        with shaped(answer):
            return {ref: _result(result) for ref, result in answer.json()["results"].items()}

    def label_values(self, uid: str, label: str, selector: str) -> tuple[str, ...]:
        """Label values as a dashboard variable asks for them."""
        params = {"match[]": selector} if selector else {}
        answer = self.http.get(
            f"/api/datasources/uid/{uid}/resources/api/v1/label/{label}/values", params=params
        )
        with shaped(answer):
            return texts(answer.json()["data"])

    def reload_provisioning(self) -> None:
        """Reads data source and dashboard files again; applied before the answer, which may take its time."""
        patient = replace(self.http, timeout=RELOAD_SECONDS)
        for kind in ("datasources", "dashboards"):
            patient.post(f"/api/admin/provisioning/{kind}/reload")


def _result(result: dict[str, Any]) -> Result:
    frames = [f for f in result.get("frames", []) if f["schema"]["fields"]]
    numbers = sum(
        isinstance(value, int | float)
        for frame in frames
        for field, column in zip(frame["schema"]["fields"], frame["data"]["values"], strict=True)
        if field["type"] == "number"
        for value in column
    )
    return Result(str(result.get("error", "")), len(frames), numbers)
