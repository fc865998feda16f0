"""The gates as the application calls them: measured, with the policy in force, and with the fault switches.

It decides nothing itself: each call is one pure gate function inside one measurement. A fault acts inside the
measurement too, so that a drill looks like the real thing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

from stack.app.faults import Faults
from stack.app.gates import config, db_boundary, extraction, filesystem, storage, url
from stack.app.gates.policy import DEFAULT_POLICY, Policy
from stack.app.gates.types import Accepted, Rejected
from stack.telemetry import gate

REJECT_ALL_CODES: Final = {
    "config_gate": "E_CONFIG_VALIDATION",
    "url_gate": "E_HOST_DENY",
    "filesystem_gate": "E_PORTABILITY",
    "extraction_gate": "E_ENTRY_BUDGET",
    "storage_gate": "E_STORAGE_PUT",
}

check_member = gate("filesystem_gate")(filesystem.check_path)
"""A member of an archive: a decision of filesystem_gate of its own."""
check_write = gate("db_boundary_gate")(db_boundary.check_write)
"""A write to the packet store, which has its own faults."""


class Gatekeeper:
    """Asks the gates. Every method raises ``Rejected`` as its gate does."""

    def __init__(
        self,
        policy: Policy = DEFAULT_POLICY,
        faults: Faults | None = None,
        resolve: url.Resolver = url.system_resolver,
    ) -> None:
        self.policy = policy
        self._faults = faults or Faults()
        self.resolver = resolve

    def with_policy(self, policy: Policy) -> Gatekeeper:
        """The same under another policy."""
        return Gatekeeper(policy, self._faults, self.resolver)

    def with_resolver(self, resolve: url.Resolver) -> Gatekeeper:
        """The same with another resolver."""
        return Gatekeeper(self.policy, self._faults, resolve)

    @gate("config_gate")
    def check_config(self, document: str) -> Accepted[Policy]:
        """A policy document."""
        if self._faults.enabled:
            self._fail("config_gate")
        return config.check_config(document)

    @gate("url_gate")
    def check_url(self, address: str, resolve: url.Resolver | None = None) -> Accepted[url.CheckedUrl]:
        """A URL; ``resolve`` replaces the resolver for this one."""
        if self._faults.enabled:
            self._fail("url_gate")
        return url.check_url(address, self.policy.url, resolve or self.resolver)

    @gate("filesystem_gate")
    def check_path(self, path: str, root: Path | None = None, siblings: Iterable[str] = ()) -> Accepted[str]:
        """A relative path, inside ``root`` if given."""
        if self._faults.enabled:
            self._fail("filesystem_gate")
        return filesystem.check_path(path, self.policy.path, root, siblings)

    @gate("extraction_gate")
    def inspect(self, archive: Path) -> Accepted[extraction.Extraction]:
        """An archive; nothing is written."""
        self._fail("extraction_gate")
        return extraction.inspect(archive, self.policy.archive, self.policy.path, check_member)

    @gate("extraction_gate")
    def extract(self, archive: Path, into: Path) -> Accepted[extraction.Extraction]:
        """An archive, into a folder that doesn't exist yet."""
        self._fail("extraction_gate")
        return extraction.extract(archive, into, self.policy.archive, self.policy.path, check_member)

    @gate("storage_gate")
    def put(self, store: storage.ContentStore, source: BinaryIO) -> Accepted[storage.StoredObject]:
        """An object into a content store."""
        self._fail("storage_gate")
        return store.put(source)

    def _fail(self, name: str) -> None:
        """What the fault switches do to a decision."""
        self._faults.delay()
        if self._faults.on("reject-all"):
            raise Rejected(
                name, REJECT_ALL_CODES[name], "anything", "the fault reject-all is on: switch it off"
            )
