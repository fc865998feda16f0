"""One running stand-in: settings, database, accounts, providers, and what happens at start, at reload and meanwhile."""

from __future__ import annotations

import os
import threading
from collections import Counter
from dataclasses import dataclass, field

from .accounts import Accounts
from .database import Database
from .log import log
from .provisioning_dashboards import Provider, apply_provider, crashes, providers
from .provisioning_sources import ProvisioningError, apply_sources
from .settings import Settings, StartupError

FOLDERS = ("csv", "pdf", "png", "plugins")


@dataclass
class Site:
    """State shared by all requests. ``requests`` counts by handler, method and status for /metrics."""

    settings: Settings
    database: Database
    accounts: Accounts
    providers: list[Provider] = field(default_factory=list)
    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    stopping: threading.Event = field(default_factory=threading.Event)

    def reload_sources(self) -> bool:
        """Reads the files again; False where they cannot be applied, and nothing has changed then."""
        try:
            apply_sources(self.database, self.settings.provisioning)
        except ProvisioningError as error:
            log(
                "provisioning",
                "Failed to provision data sources",
                "error",
                error=f"Datasource provisioning error: {error}",
            )
            return False
        return True

    def reload_dashboards(self) -> bool:
        """Reads providers and their files again; a watched folder that has just changed ends the process."""
        if any(crashes(provider) for provider in self.providers):
            log("server", "panic: send on closed channel", "error")
            os._exit(2)
        try:
            self.providers = providers(self.settings.provisioning)
        except ProvisioningError as error:
            log("provisioning.dashboard", "Failed to read dashboards config", "error", error=str(error))
            return False
        for provider in self.providers:
            apply_provider(self.database, provider, forced=True, major=self.settings.major)
        return True

    def watch(self) -> None:
        """Looks at each provider's folder now and then until the end."""
        for provider in self.providers:
            threading.Thread(target=self._watch_one, args=(provider,), daemon=True).start()

    def _watch_one(self, provider: Provider) -> None:
        while not self.stopping.wait(provider.pause()):
            apply_provider(self.database, provider, forced=False, major=self.settings.major)


def open_site(settings: Settings) -> Site:
    """A start up to the point where the server listens; ``StartupError`` where the real one ends."""
    database = Database(settings.data)
    for name in FOLDERS:
        (settings.data / name).mkdir(exist_ok=True)
    log(
        "migrator",
        "migrations completed",
        performed=689 if database.fresh else 0,
        skipped=0 if database.fresh else 689,
    )
    accounts = Accounts(database)
    accounts.provide(settings.admin_user, settings.admin_password)
    site = Site(settings, database, accounts)
    try:
        apply_sources(database, settings.provisioning)
        site.providers = providers(settings.provisioning)
    except (ProvisioningError, KeyError, TypeError, AttributeError) as error:
        log("provisioning", "Failed to provision", "error", error=f"Datasource provisioning error: {error}")
        raise StartupError(
            f"invalid service state: Failed, failure: starting module provisioning: {error}"
        ) from error
    for provider in site.providers:
        apply_provider(database, provider, forced=True, major=settings.major)
    log("provisioning.dashboard", "finished to provision dashboards")
    return site
