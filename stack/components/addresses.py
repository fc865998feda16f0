"""Where people find each product: the address in links, redirects and cookies, as ``public_url`` says it.

Inside the stack every product serves at its root, whatever this address is: a proxy takes the prefix off before it
asks. So nothing that asks a product inside depends on it. Pure.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from stack.config.settings import Settings
from stack.config.values import COMPONENT_PLACE, PUBLIC

SCHEME_PORTS = {"http": 80, "https": 443}


class Address(Struct, frozen=True):
    """``host`` as a URL has it; ``port`` None is that of the scheme. ``prefix`` begins with a slash, or is empty."""

    scheme: str
    host: str
    port: int | None = None
    prefix: str = ""

    @property
    def origin(self) -> str:
        """Without a path."""
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port is not None else "")

    @property
    def url(self) -> str:
        """All of it, without a slash at its end."""
        return self.origin + self.prefix

    @property
    def secure(self) -> bool:
        """Whether people speak TLS with what is there."""
        return self.scheme == "https"


def address(settings: Settings, component: str) -> Address:
    """The component's address for people: by ``public_url``, else where it, or what stands before it, is published."""
    found = PUBLIC.fullmatch(str(settings["public_url"]))
    if found is None:
        return _behind(settings, component) if settings.front else published(settings, component)
    scheme, host, port, path = (
        (found[name] or "").replace(COMPONENT_PLACE, component) for name in ("scheme", "host", "port", "path")
    )
    number = int(port) if port else None
    if COMPONENT_PLACE not in found[0]:
        if not path and not settings.front:
            return Address(scheme, host, settings.port(component))
        path = f"{path}/{component}"
    return Address(scheme, host, number, path)


def published(settings: Settings, component: str) -> Address:
    """Where the component itself is published on this machine."""
    host = "127.0.0.1" if settings.bind in ("0.0.0.0", "::") else settings.bind  # noqa: S104 - compared, never bound
    return Address("http", f"[{host}]" if ":" in host else host, settings.port(component))


def web_flags(place: Address) -> tuple[str, ...]:
    """What Prometheus and Alertmanager are told; without the second flag they would serve below the prefix."""
    flag = f"--web.external-url={place.url}"
    return (flag, "--web.route-prefix=/") if place.prefix else (flag,)


def told(settings: Settings) -> bool:
    """Whether people have another way to the products than to the port of each."""
    return bool(settings["public_url"] or settings.front)


def outward(settings: Settings, components: Collection[str]) -> dict[str, str]:
    """The addresses for people of those among ``components`` that have one besides the port of each."""
    units = settings.table.published if told(settings) else ()
    names = (unit.name for unit in units if unit.name in components and unit.name != settings.front)
    return {name: address(settings, name).url for name in names}


def _behind(settings: Settings, component: str) -> Address:
    place = published(settings, settings.front)
    port = None if place.port == SCHEME_PORTS["https"] else place.port
    return Address("https", place.host, port, f"/{component}")
