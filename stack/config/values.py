"""How the text of a setting becomes its value: one small reader a kind, ``ValueError`` with what is allowed otherwise.

Pure: nothing here knows where a text came from or what it is for, and nothing is opened.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from stack.common.durations import duration, seconds

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
DURATION = re.compile(r"[1-9][0-9]*(h|d|w|y)")
SIZE = re.compile(r"[1-9][0-9]*(MB|GB|TB)")
ROOM = re.compile(r"(0|[1-9][0-9]{0,6})(MB|GB|TB)")
MEMORY = re.compile(r"([1-9][0-9]{0,6})([mg])")
SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")
CPUS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")
IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")
COMPONENT_PLACE = "{component}"
"""Stands for the name of each product in its public address."""
PUBLIC = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9_.-]|\{component\})+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/(?:[A-Za-z0-9_~-]|\{component\})(?:[A-Za-z0-9._~-]|\{component\})*)*)/?"
)
CACHE_FOLDER = "cache"
LEAST_MEMORY = 32 * 1024**2
"""Below this no product here starts."""
ON = ("true", "1", "on", "yes")
OFF = ("false", "0", "off", "no")


def port(text: str) -> int:
    """A TCP port."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ValueError(f"must be 1-65535, got {text}")
    return int(text)


def first_port(count: int) -> Callable[[str], int]:
    """The first of ``count`` consecutive ports."""

    def parse(text: str) -> int:
        last = 65535 - count
        if not text or port(text) > last:
            raise ValueError(f"must be 1-{last}, got {text or 'nothing'}")
        return port(text)

    return parse


def match(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    """Text that is ``what``, which ``pattern`` decides."""

    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"must be {what}, got {text!r}")
        return text

    return parse


def stack_name(text: str) -> str:
    """A stack's name; it also names the stack's folder in .stack/, where one name is taken."""
    if match(NAME, "1-40 of a-z, 0-9 and -")(text) == CACHE_FOLDER:
        raise ValueError(f"must not be {CACHE_FOLDER}, a folder in .stack/ that all stacks share")
    return text


def image(text: str) -> str:
    """An image's reference, or nothing for the pinned one."""
    if text and not IMAGE.fullmatch(text):
        raise ValueError(f"must be an image like prom/prometheus:v3.5.0, got {text!r}")
    return text


def choice(*allowed: str) -> Callable[[str], str]:
    """One of the words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, got {text!r}")
        return text

    return parse


def address(text: str) -> str:
    """An IP address in its normal form."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise ValueError(f"must be an IP address, got {text!r}") from error


def public_url(text: str) -> str:
    """The address of the products for people, or nothing for where they are published; without a slash at its end."""
    found = PUBLIC.fullmatch(text)
    if text and found is None:
        like = f"http://host, https://host/path or https://{COMPONENT_PLACE}.example.com"
        raise ValueError(f"must be like {like}, got {text!r}")
    if found and found["port"]:
        port(found["port"])
    if found and text.count(COMPONENT_PLACE) > 1:
        raise ValueError(f"must have {COMPONENT_PLACE} once, got {text!r}")
    return text.rstrip("/")


def switch(text: str) -> bool:
    """On or off, in any of the usual words."""
    return choice(*ON, *OFF)(text.lower()) in ON


def rate(text: str) -> float:
    """Operations a second."""
    try:
        number = float(text) if text.isascii() else -1.0
    except ValueError:
        number = -1.0
    if not 0 < number <= 1000:
        raise ValueError(f"must be above 0 and at most 1000 operations a second, got {text}")
    return number


def memory(text: str) -> int:
    """Bytes, from a number with the unit m or g (powers of 1024), as the engine's own options take it."""
    if not (found := MEMORY.fullmatch(text)):
        raise ValueError(f"must be like 512m or 2g, got {text!r}")
    size = int(found[1]) * (1024**3 if found[2] == "g" else 1024**2)
    if not size >= LEAST_MEMORY:
        raise ValueError(f"must be at least {LEAST_MEMORY // 1024**2}m, got {text!r}")
    return size


def cpus(text: str) -> float:
    """Processors, in hundredths."""
    if not CPUS.fullmatch(text) or not float(text):
        raise ValueError(f"must be a number above 0 like 0.5 or 2, got {text!r}")
    return float(text)


def within(least: int, most: int) -> Callable[[str], int]:
    """A whole number."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"must be a number of {least} to {most}, got {text!r}")
        return int(text)

    return parse


def log_size(text: str) -> str:
    """A size as engines take it of a log: ``10m`` for 10MB. One without a bound would fill the disk."""
    found = SIZE.fullmatch(text)
    if not found or found[1] == "TB":
        raise ValueError(f"must be a size like 10MB or 1GB, got {text!r}")
    return text.removesuffix("B").lower()


def between(least: float, most: float) -> Callable[[str], float]:
    """Seconds, as a number or as Prometheus writes them."""

    def parse(text: str) -> float:
        try:
            found = float(text) if SECONDS.fullmatch(text) else seconds(text)
        except ValueError:
            found = -1.0
        if not least <= found <= most:
            allowed = f"{duration(least)} to {duration(most)}"
            raise ValueError(f"must be a time of {allowed} like 10s or 2m, got {text!r}")
        return found

    return parse
