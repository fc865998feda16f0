"""Limits as far as the engine can give them: what it cannot enforce is left out, and said once.

An engine tells most of it about itself (``GET /info``): kernels without a CPU quota, without swap accounting, with
fewer CPUs than asked for. That it may not raise the number of open files shows only when a container starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stack.engine import labels

NANO = 1_000_000_000
_ABILITIES = (
    ("CpuCfsQuota", ("NanoCpus",), "CPU time"),
    ("MemoryLimit", ("Memory", "MemorySwap"), "memory"),
    ("SwapLimit", ("MemorySwap",), "swap"),
    ("PidsLimit", ("PidsLimit",), "the number of processes"),
)
"""What the engine says of itself, the limits that need it, and what they limit."""
CANNOT_LIMIT: Mapping[str, tuple[str, ...]] = {
    limit: tuple(name for name, limits, _ in _ABILITIES if limit in limits)
    for limit in ("Memory", "MemorySwap", "NanoCpus", "PidsLimit")
}
"""By limit what the engine says of itself that is False where it cannot give it."""
_ULIMITS = "this engine may not set the number of open files: containers run with its own"


class Abilities:
    """What one engine can limit. ``ask`` gives its description of itself and is called when first needed."""

    def __init__(self, ask: Callable[[], Mapping[str, Any]]) -> None:
        self._ask = ask
        self._noticed: dict[str, None] = {}

    def fit(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body of ``POST /containers/create`` with those limits that this engine can give."""
        cpus, wanted = int(self._ask()["NCPU"]), body["HostConfig"].get("NanoCpus", 0)
        if wanted > cpus * NANO and labels.is_service(body["Labels"]):
            self._noticed[f"this engine has {cpus} of {wanted / NANO:g} CPUs that a container may use"] = None
        return {**body, "HostConfig": self.possible(body["HostConfig"])}

    def possible(self, host: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the asked limits that this engine can give."""
        told = self._ask()
        found = {name: value for name, value in host.items() if name not in _impossible(told)}
        if "NanoCpus" in found:
            found["NanoCpus"] = min(found["NanoCpus"], int(told["NCPU"]) * NANO)
        if _ULIMITS in self._noticed:
            found.pop("Ulimits", None)
        return found

    def refuses_ulimits(self) -> None:
        """From now on no container asks for them."""
        self._noticed[_ULIMITS] = None

    def restrictions(self) -> tuple[str, ...]:
        """What is not limited as asked, as sentences: told by the engine, and noticed so far."""
        told = self._ask()
        missing = [what for name, _, what in _ABILITIES if told.get(name) is False]
        unlimited = (f"this engine cannot limit {' and '.join(missing)}",) if missing else ()
        return (*unlimited, *self._noticed)


def _impossible(told: Mapping[str, Any]) -> set[str]:
    """An engine too old to tell is taken to be able."""
    return {limit for name, limits, _ in _ABILITIES if told.get(name) is False for limit in limits}
