"""Checks of Grafana: our login works and no other does, data sources and dashboards are those of the files.

A wrong password is never tried where it could lock out the real administrator for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from msgspec.structs import replace

from stack.checks.boards import CORRECT
from stack.checks.check import SILENT, Check, knows_its_address
from stack.checks.context import CheckContext
from stack.checks.dashboard_content import difference
from stack.checks.in_network import ask_inside
from stack.checks.messages import Order
from stack.checks.model import Broken, Dashboard, DataSource, Expected, Finding, Report
from stack.checks.near import near
from stack.clients.http import HttpFailure
from stack.common.errors import StartFailed
from stack.common.wait import NotYet
from stack.dashboards.queries import model
from stack.engine.interface import Engine
from stack.model.spec import StackSpec, container_name

DEFAULT_LOGIN = ("admin", "admin")
RELOAD_HINT = "its log names the file: monitoring-stack logs grafana"
LOG_LINES = 8
LEFTOVER_HINT = "try once more, or list its name under deleteDatasources in grafana/provisioning/datasources/"
LOCKED_LINE = "too many consecutive incorrect login attempts"
Login = Literal["ok", "wrong", "locked"]


def ready(context: CheckContext) -> str:
    """The database is fine; the address answers only after provisioning is done."""
    if (state := context.grafana.database()) != "ok":
        raise NotYet(f"/api/health says database {state}")
    return "/api/health says database ok"


def login(context: CheckContext) -> str:
    """Our credentials are an administrator's."""
    user = context.expected.grafana_user
    name, admin = context.administrator().user()
    if name != user or not admin:
        raise Broken(f"logged in as {name}, administrator: {admin}; expected {user}, an administrator")
    return f"logged in as {name}, an administrator"


def default_login(context: CheckContext) -> str:
    """admin/admin does not work. That our own login is needed, and works, proves it; else it is tried."""
    expected = context.expected
    if (expected.grafana_user, expected.grafana_password) == DEFAULT_LOGIN:
        raise Broken("the administrator's password is admin", "set another one: monitoring-stack credentials")
    if expected.grafana_user == DEFAULT_LOGIN[0]:
        try:
            context.administrator()
        except Broken:
            if not expected.probe_default_login:
                raise
        else:
            anonymous(context)
            return "admin has our password, and that is not admin (not tried: wrong tries lock the name)"
    return _refused(context.grafana.status_of(DEFAULT_LOGIN), "admin/admin", "change the password at once")


def anonymous(context: CheckContext) -> str:
    """Nobody gets in without a login."""
    return _refused(
        context.grafana.status_of(None), "a request without login", "GF_AUTH_ANONYMOUS_ENABLED=false"
    )


def _refused(status: int, who: str, hint: str) -> str:
    if status == 401:
        return f"{who} is refused with 401"
    if status == 200:
        raise Broken(f"{who} is let in", hint)
    raise NotYet(f"{who} got {status}, expected 401")


def data_sources(context: CheckContext) -> str:
    """Each provisioned data source is there as its file says, and no other."""
    found = {
        s.uid: DataSource(s.uid, s.name, s.type, s.url, s.read_only, s.interval)
        for s in context.administrator().data_sources()
    }
    wanted = {source.uid: source for source in context.expected.data_sources}
    _some_expected(wanted, "data source")
    for uid, source in wanted.items():
        if (held := found.get(uid)) is None:
            raise NotYet(f"data source {uid} is missing; there are {', '.join(sorted(found)) or 'none'}")
        if source.read_only and not held.read_only:
            raise Broken(f"data source {uid} does not come from a file", "remove it and reload")
        if held != source:
            raise NotYet(f"data source {uid} is not as its file says: {_differing(held, source)}")
    for uid in sorted(found.keys() - wanted.keys()):
        if found[uid].read_only:
            raise Broken(f"data source {uid} is provisioned but in no file", LEFTOVER_HINT)
    return f"{len(wanted)} data sources as provisioned"


def _differing(held: DataSource, source: DataSource) -> str:
    pairs = ((name, getattr(held, name), getattr(source, name)) for name in source.__struct_fields__)
    return ", ".join(f"{name} {there!r} instead of {told!r}" for name, there, told in pairs if there != told)


def data_source_health(context: CheckContext) -> str:
    """Grafana reaches what its data sources point at; Alertmanager's kind has no health call, so its proxy is asked."""
    _some_expected(context.expected.data_sources, "data source")
    for source in context.expected.data_sources:
        if source.type == "alertmanager":
            _answers_status(context, source.uid)
        elif (status := context.administrator().source_health(source.uid)) != "OK":
            raise NotYet(f"data source {source.uid} is {status}")
    return f"{', '.join(s.uid for s in context.expected.data_sources)} healthy"


def _answers_status(context: CheckContext, uid: str) -> None:
    status = context.administrator().through_source(uid, "/api/v2/status")
    if not isinstance(status, dict) or "versionInfo" not in status:
        raise NotYet(f"data source {uid} answers its proxy with {str(status)[:80]}")


def dashboards(context: CheckContext) -> str:
    """The provisioned dashboards are those of the files, each with its variables, panels and queries."""
    wanted = {d.uid: d for d in context.expected.dashboards}
    _some_expected(wanted, "dashboard")
    found = context.administrator().dashboard_uids()
    if missing := sorted(wanted.keys() - set(found)):
        raise NotYet(f"dashboards missing: {', '.join(missing)}")
    for uid in found:
        _as_in_file(context, uid, wanted.get(uid))
    return f"{len(wanted)} dashboards with the panels and queries of their files"


def _as_in_file(context: CheckContext, uid: str, wanted: Dashboard | None) -> None:
    held = context.administrator().dashboard(uid)
    if wanted is None:
        if held.provisioned:
            raise Broken(
                f"dashboard {uid} is provisioned but in no file",
                "an old uid stays for good in Grafana's database; remove its data volume to be rid of it",
            )
        return
    if not held.provisioned:
        raise NotYet(f"dashboard {uid} does not come from its file")
    if what := difference(_in_file(wanted), held.model):
        raise NotYet(f"dashboard {uid} differs from its file: {what}")


def _in_file(wanted: Dashboard) -> dict[str, Any]:
    try:
        return model(wanted.text)
    except ValueError as error:
        raise Broken(f"dashboard {wanted.uid}: {error}", CORRECT) from error


def classify_login(status: int, logs: Iterable[str]) -> Login:
    """What a login's status means, with the server's latest log lines: only they tell a lock from a wrong password.

    A lock must not be repaired: it lifts by itself after five minutes, and the right password is refused meanwhile.
    """
    if status == 200:
        return "ok"
    return "locked" if any(LOCKED_LINE in line for line in logs) else "wrong"


def reload_provisioning(engine: Engine, spec: StackSpec, expected: Expected, image: str) -> None:
    """Grafana reads its files again, applied before this returns; for a remote engine from inside its network.

    ``StartFailed`` where our login is refused, or the files are: nothing has changed then, and only its log says why.
    """
    if engine.info().remote:
        order = Order(expected, names=("grafana.ready",), reload_provisioning=True)
        report = ask_inside(engine, spec, image, order)
    else:
        found = near(engine, spec.name, fronted=expected.door is not None)
        report = reload_here(CheckContext(expected, near=found))
    if report.failed:
        fault, name = report.failed[0], container_name(spec.name, "grafana")
        message = f"Grafana did not load its provisioning: {fault.evidence}"
        raise StartFailed(message, hint=fault.hint, logs=engine.logs(name, LOG_LINES))


def reload_here(context: CheckContext) -> Report:
    """Grafana is told from this process; the report holds one finding, named after what was refused."""
    try:
        context.administrator().reload_provisioning()
    except Broken as error:
        return _told("grafana.login", "failed", str(error), error.hint)
    except HttpFailure as error:
        return _told("grafana.reload", "failed", str(error), RELOAD_HINT)
    return _told("grafana.reload", "ok", "provisioning was read again")


def _told(check: str, status: Literal["ok", "failed"], evidence: str, hint: str = "") -> Report:
    return Report((Finding(check, "grafana", "ready", status, evidence, hint),))


def _some_expected(values: object, what: str) -> None:
    if not values:
        raise Broken(f"no {what} is expected", f"the {what} files are empty or were not rendered")


PROVISIONING = "monitoring-stack reload provisions again; Grafana's log names the file at fault"
CHECKS = (
    Check(
        "grafana.ready", "Grafana serves, provisioned", "grafana", "ready", ready, SILENT, 90, recurring=True
    ),
    Check("grafana.login", "our administrator can log in", "grafana", "checked", login, "", 10),
    Check("grafana.default_login", "admin/admin is refused", "grafana", "checked", default_login, "", 10),
    Check("grafana.anonymous", "nobody enters without login", "grafana", "checked", anonymous, "", 10),
    replace(knows_its_address("grafana"), after=("grafana.login",)),
    Check(
        "grafana.data_sources",
        "data sources are those of the files",
        "grafana",
        "checked",
        data_sources,
        PROVISIONING,
        10,
        after=("grafana.login",),
    ),
    Check(
        "grafana.data_source_health",
        "Grafana reaches its data sources",
        "grafana",
        "checked",
        data_source_health,
        "is the component behind the data source up?",
        10,
        after=("grafana.login", "grafana.data_sources"),
        recurring=True,
    ),
    Check(
        "grafana.dashboards",
        "dashboards are those of the files",
        "grafana",
        "checked",
        dashboards,
        PROVISIONING,
        10,
        every=0.1,
        after=("grafana.login",),
    ),
)
