"""The gates as the application calls them: measured, with the policy in force, and with the fault switches.

It decides nothing itself: each method is one pure gate function inside one measurement. A fault acts inside the
measurement too, so that a drill looks like the real thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeVar

from stack.app.faults import Faults
from stack.app.gates import config, extraction, filesystem, guarded, url
from stack.app.gates.policy import Policy
from stack.app.gates.types import Accepted, Rejected
from stack.telemetry.gates import gate

T = TypeVar("T")

REJECT_ALL_CODES: Final = {
    "config_gate": "E_CONFIG_VALIDATION",
    "url_gate": "E_HOST_DENY",
    "filesystem_gate": "E_PORTABILITY",
    "extraction_gate": "E_ENTRY_BUDGET",
    "storage_gate": "E_STORAGE_PUT",
}


class Gatekeeper:
    """Asks the gates. Every method raises ``Rejected`` as its gate does."""

    def __init__(self, policy: Policy, faults: Faults, resolve: url.Resolver = url.system_resolver) -> None:
        self.policy = policy
        self._faults = faults
        self.resolver = resolve

    def with_policy(self, policy: Policy) -> Gatekeeper:
        """The same under another policy."""
        return Gatekeeper(policy, self._faults, self.resolver)

    def with_resolver(self, resolve: url.Resolver) -> Gatekeeper:
        """The same with another resolver."""
        return Gatekeeper(self.policy, self._faults, resolve)

    def check_config(self, document: str) -> Accepted[Policy]:
        """A policy document."""
        return self.measured("config_gate", lambda: config.check_config(document))

    def check_url(self, address: str, resolve: url.Resolver | None = None) -> Accepted[url.CheckedUrl]:
        """A URL; ``resolve`` replaces the resolver for this one."""
        resolver = resolve or self.resolver
        return self.measured("url_gate", lambda: url.check_url(address, self.policy.url, resolver))

    def check_path(self, path: str, root: Path | None = None, siblings: Iterable[str] = ()) -> Accepted[str]:
        """A relative path, inside ``root`` if given."""
        return self.measured(
            "filesystem_gate", lambda: filesystem.check_path(path, self.policy.path, root, siblings)
        )

    def inspect(self, archive: Path) -> Accepted[extraction.Extraction]:
        """An archive; nothing is written."""
        return self.measured(
            "extraction_gate",
            lambda: extraction.inspect(archive, self.policy.archive, self.policy.path, guarded.check_path),
        )

    def extract(self, archive: Path, into: Path) -> Accepted[extraction.Extraction]:
        """An archive, into a folder that doesn't exist yet."""
        return self.measured(
            "extraction_gate",
            lambda: extraction.extract(
                archive, into, self.policy.archive, self.policy.path, guarded.check_path
            ),
        )

    def measured(self, name: str, decide: Callable[[], T]) -> T:
        """One decision of gate ``name``, timed, counted and subject to the faults."""
        with gate(name):
            self._faults.delay()
            if self._faults.on("reject-all") and name in REJECT_ALL_CODES:
                raise Rejected(
                    name, REJECT_ALL_CODES[name], "anything", "the fault reject-all is on: switch it off"
                )
            return decide()
