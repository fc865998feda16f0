"""What a person meets at the gateway's door: certificate, redirect, login, products, and no other door."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping

from msgspec.structs import replace

from stack.checks.context import CheckContext
from stack.checks.gateway_acme import unissued
from stack.checks.model import Broken, Door, Entry, Evidence
from stack.clients.doorway import Doorway, Met, Untrusted
from stack.clients.http import HttpFailure
from stack.common.moments import wall_clock
from stack.common.wait import NotYet

DAY = 86400.0
SOON = 14 * DAY
"""A certificate that nobody renews by itself and that ends within this time is told."""
REFUSED = (401, 403)
MOVED = (301, 302, 303, 307, 308)
LIVE = "/api/live/ws"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "c3RhY2stY2hlY2stMDAwMA==",
}
SWITCHED = 101


def ready(context: CheckContext) -> str:
    """It answers; whether its certificate is good, or is there at all, is another question."""
    door = door_of(context)
    url = f"{door.entries[0].url}/"
    try:
        met = _plainly(door).ask(url, verified=False)
    except HttpFailure:
        if door.authority != "acme":
            raise
        met = _plainly(door).ask(url, plain=True)
        return f"answers {met.status} at {door.place}, without a certificate so far"
    return f"answers {met.status} over TLS at {door.place}"


def config(context: CheckContext) -> str:
    """What it says of its own configuration, inside its container."""
    door = door_of(context)
    ran = context.execute(door.component, ("wget", "-q", "-O", "-", door.inner))
    said = ran.output.strip()
    if ran.code or said != door.digest:
        raise NotYet(
            f"it runs configuration {said[-60:] or 'of an unknown kind'}, the files make {door.digest}"
        )
    return f"configuration {door.digest} is the one of the files"


def certificate(context: CheckContext) -> Evidence:
    """The certificate of each address, as far as they differ."""
    door = door_of(context)
    doorway, left, issuers = trusted(context), [], set()
    for url in dict.fromkeys(one.url.split("/")[2] for one in door.entries):
        try:
            met = doorway.ask(f"https://{url}/")
        except Untrusted as error:
            raise _refused(door, error) from error
        except HttpFailure as error:
            if door.authority != "acme":
                raise
            raise unissued(context, door.component, error) from error
        left.append(ssl.cert_time_to_seconds(str(met.certificate["notAfter"])) - wall_clock())
        issuers.add(_issuer(met.certificate))
    least = min(left)
    text = f"valid for {_span(least)}, issued by {', '.join(sorted(issuers))}"
    if door.authority == "files" and least < SOON:
        return Evidence(text, (f"the gateway's certificate ends in {_span(least)}: renew it, then reload",))
    return Evidence(text)


def _refused(door: Door, error: Untrusted) -> Exception:
    """A certificate of the user's is as it is; one that Caddy gets may be on its way."""
    if door.authority == "files":
        return Broken(str(error), "gateway.certificate_file must name the host of public_url and be valid")
    return NotYet(str(error))


def _issuer(found: Mapping[str, object]) -> str:
    names = {key: value for part in _parts(found.get("issuer")) for key, value in part}
    return names.get("commonName") or names.get("organizationName") or "an authority without a name"


def _parts(found: object) -> tuple[tuple[tuple[str, str], ...], ...]:
    return found if isinstance(found, tuple) else ()


def _span(seconds: float) -> str:
    return f"{seconds / DAY:.0f} days" if seconds >= 2 * DAY else f"{seconds / 3600:.0f} hours"


def redirect(context: CheckContext) -> str:
    """Who speaks plain HTTP to the port is sent to the same address with TLS."""
    door = door_of(context)
    url = f"{door.entries[0].url}/"
    met = _plainly(door).ask(url, plain=True)
    if met.status not in MOVED or met.headers.get("location") != url:
        raise Broken(
            f"plain HTTP got {met.status} {met.headers.get('location', '')}, expected a redirect to {url}"
        )
    return f"plain HTTP is answered {met.status} to {url}"


def login(context: CheckContext) -> str:
    """Each product that has no login of its own: refused without one, and its own answer with one."""
    door, doorway = door_of(context), trusted(context)
    guarded = [one for one in door.entries if one.login]
    for one in guarded:
        _without(door, one, doorway.ask(f"{one.url}/"))
    named = ", ".join(one.component for one in guarded)
    if door.forward:
        return f"{named} refused without the login at {door.forward}; with it nothing can be proven from here"
    for one in guarded:
        met = doorway.ask(f"{one.url}/", headers=_basic(door.user, door.password))
        if met.status in REFUSED:
            raise NotYet(f"{one.url}/ refuses the login of the checks with {met.status}")
        if met.status >= 500:
            raise NotYet(f"{one.url}/ answers {met.status} behind the login")
        _no_banner(one, met)
    return f"{named} answer 401 without a login, and with one themselves"


def entered(context: CheckContext, user: str, password: str) -> None:
    """The user gets in; ``NotYet`` where the door stays shut."""
    one = next((entry for entry in door_of(context).entries if entry.login), None)
    if one is None:
        return
    met = trusted(context).ask(f"{one.url}/", headers=_basic(user, password))
    if met.status in REFUSED:
        raise NotYet(f"{one.url}/ refuses {user} with {met.status}")


def _without(door: Door, one: Entry, met: Met) -> None:
    _no_banner(one, met)
    if met.status in REFUSED or (door.forward and met.status in MOVED):
        return
    if met.status >= 500 or met.status == 404:
        raise NotYet(f"{one.url}/ without a login got {met.status}, expected 401")
    raise Broken(f"{one.url}/ lets in without a login ({met.status})", "monitoring-stack reload")


def _no_banner(one: Entry, met: Met) -> None:
    if banner := met.headers.get("server"):
        raise Broken(f"{one.url}/ names its server: {banner}", "monitoring-stack reload")


def grafana(context: CheckContext) -> str:
    """It answers by its address for people, and a WebSocket gets as far as without the gateway."""
    door, doorway = door_of(context), trusted(context)
    one = next(entry for entry in door.entries if entry.component == "grafana")
    health = doorway.ask(f"{one.url}/api/health")
    if health.status != 200:
        raise NotYet(f"{one.url}/api/health got {health.status}")
    origin = {"Origin": "/".join(one.url.split("/")[:3])}
    known = _basic(context.expected.grafana_user, context.expected.grafana_password)
    met = doorway.ask(f"{one.url}{LIVE}", headers={**UPGRADE, **origin, **known})
    if met.status == SWITCHED:
        return "answers, and its live channel is opened (101)"
    direct = _live_directly(context, known)
    if direct == SWITCHED:
        raise NotYet(f"{one.url}{LIVE} got {met.status} for a WebSocket, which Grafana itself opens")
    return f"answers; its live channel is not proven: Grafana itself does not open one ({direct})"


def _live_directly(context: CheckContext, known: Mapping[str, str]) -> int:
    """What Grafana answers to a WebSocket without the gateway; 0 where nothing."""
    base = context.base("grafana")
    place = base.rpartition("/")[2]
    headers = {**UPGRADE, "Origin": base, **known}
    try:
        return Doorway(place).ask(f"{base}{LIVE}", headers=headers, plain=True).status
    except HttpFailure:
        return 0


def alone(context: CheckContext) -> str:
    """The one published port is the gateway's."""
    door = door_of(context)
    if context.near is None:
        raise Broken("the engine cannot be asked from here")
    found = dict(context.near.published())
    others = [f"{name} at {place}" for name, place in sorted(found.items()) if name != door.component]
    if others:
        raise Broken(f"published besides the gateway: {', '.join(others)}", "monitoring-stack start")
    if door.component not in found:
        raise NotYet("the gateway itself is not published")
    return f"one port of the stack is published: {found[door.component]}"


def door_of(context: CheckContext) -> Door:
    """The gateway; ``Broken`` where the stack has none."""
    door = context.expected.door
    if door is None or not door.entries:
        raise Broken("no product stands behind the gateway")
    return door


def trusted(context: CheckContext) -> Doorway:
    """The way through the door that trusts whom its authority says; ``NotYet`` while a local one has no root yet."""
    door = door_of(context)
    roots = door.roots
    if door.authority == "acme" and not roots:
        return _plainly(door)
    if door.root and not roots and context.near is not None:
        roots = (context.near.read(door.component, door.root) or b"").decode("ascii", "replace")
    if "BEGIN CERTIFICATE" not in roots:
        raise NotYet("its authority has no root certificate yet")
    return replace(_plainly(door), roots=roots)


def _plainly(door: Door) -> Doorway:
    return Doorway(door.place)


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}
