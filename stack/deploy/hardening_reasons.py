"""Why containers of the stack are as the CIS Docker Benchmark does not want them: one sentence each, per component."""

from __future__ import annotations

from collections.abc import Callable, Collection

from stack.deploy.hardening import TRUST
from stack.deploy.hardening_values import Host, Reason, Seen

PUBLISHED = "its interface is for people; on loopback unless STACK_INSECURE_BIND is set"
FAR_AWAY = "this stack's Prometheus asks it there, over TLS with a password; on one address"
NO_APPARMOR = "the engine has no AppArmor: its kernel, or its machine, lacks it"
STARTED_WITH_ONE = "the container is started with one (5.27), which is the component's own"
PINNED = "images are pinned by tag, by digest after images lock; the engine's API knows no content trust"
HOST_NETWORK = "asked for by the settings (host_network), for figures of the machine's own links"


def reasons(
    host: Host,
    is_ours: Callable[[Seen], bool],
    beside_host: Collection[str] = (),
    *,
    published: str = PUBLISHED,
) -> Reason:
    """The reason of a finding; empty where there is none, as for containers of others.

    ``beside_host``: the containers that the settings put into the machine's network. ``published``: why they are.
    """
    apparmor = any("apparmor" in one for one in host.security)
    written = {"5.2": "" if apparmor else NO_APPARMOR, "5.9": published, "4.6": STARTED_WITH_ONE}

    def reason(rule: str, seen: Seen | None) -> str:
        if seen is None:
            return PINNED if rule == TRUST[0] else ""
        if not is_ours(seen):
            return ""
        if rule == "5.10":
            return HOST_NETWORK if seen.name in beside_host else ""
        return written.get(rule, "")

    return reason
