"""A process that was killed for memory and runs again: status and smoke say so, with the limit and its setting."""

from __future__ import annotations

from tests.scenarios.commands import NAME, Client

SAID = (
    "the engine has started monitoring-app again 3 times: it was killed for memory, its limit is 512 MiB: "
    "raise app.limits.memory (STACK_APP_MEMORY)"
)


def test_it_is_remarked_though_all_is_well_now(client: Client) -> None:
    client("start")
    found = client.engine.find(f"{NAME}-app")
    assert found is not None
    found.restarts, found.oom_killed = 3, True
    code, said = client.run("status")
    assert (code, said.documents[-1]["status"]) == (0, "degraded"), "without Grafana, and without a fault"
    assert said.documents[-1]["remarks"] == [SAID]
    code, said = client.run("smoke")
    (finding,) = [f for f in said.documents[-1]["findings"] if f["check"] == "stack.containers"]
    assert code == 0 and tuple(finding["warnings"]) == (SAID,)
