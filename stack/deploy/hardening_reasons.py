"""Why containers of the stack are as the CIS Docker Benchmark does not want them: one sentence each, per component."""

from __future__ import annotations

from collections.abc import Callable

from stack.deploy.hardening import Host, Seen

PUBLISHED = "its interface is for people; on loopback unless STACK_INSECURE_BIND is set"
NO_APPARMOR = "the engine has no AppArmor: its kernel, or its machine, lacks it"


def reasons(host: Host, is_ours: Callable[[Seen], bool]) -> Callable[[str, Seen], str]:
    """The reason of a finding; empty where there is none, as for containers of others."""
    apparmor = any("apparmor" in one for one in host.security)

    def reason(rule: str, seen: Seen) -> str:
        if not is_ours(seen):
            return ""
        if rule == "5.2":
            return "" if apparmor else NO_APPARMOR
        return PUBLISHED if rule == "5.9" else ""

    return reason
