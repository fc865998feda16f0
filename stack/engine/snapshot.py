"""What the Docker engine holds for a stack, read at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from stack.engine import convert, labels
from stack.engine.client import NOT_FOUND, Client, filters, forgiving
from stack.engine.neighbours import neighbour
from stack.engine.observation import networks_of_others, observed_container
from stack.engine.transport import Refusal
from stack.model.neighbours import Neighbour
from stack.model.observed import Applied, Observed, ObservedContainer, placed
from stack.model.spec import APPLIED, CONFIG_ROOT, CURRENT

OBSERVERS = 8
GOING = ("removing", "dead")


class Snapshots:
    """Reads only."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def stacks(self) -> tuple[str, ...]:
        """See ``Engine``."""
        with self._client.asking("list stacks"):
            found = self._listed("containers/json", "", all=1)
        return tuple(sorted({labels.stack_of(c["Labels"]) for c in found if labels.is_service(c["Labels"])}))

    def observe(self, name: str) -> Observed:
        """See ``Engine``. Two rounds of questions, each asked side by side."""
        with self._client.asking(f"observe {name}"), ThreadPoolExecutor(OBSERVERS) as pool:
            asked_networks = pool.submit(self._client.json, "GET", "networks")
            asked_volumes = pool.submit(self._listed, "volumes", name)
            known = pool.submit(lambda: self._client.told)
            all_listed = self._listed("containers/json", name, all=1)
            listed = [c for c in all_listed if not labels.is_keeper(c["Labels"])]
            everyone, volumes = asked_networks.result(), asked_volumes.result()["Volumes"] or ()
            networks = [n for n in everyone if labels.stack_of(n.get("Labels")) == name]
            ids, others = {n["Id"] for n in networks}, networks_of_others(everyone, name)
            asked = pool.map(lambda one: self._observe_one(one, ids, others), listed)
            containers, leftovers = placed(name, filter(None, asked))
            on = {n["Name"]: n["Id"] for n in networks} | {
                network: others[network] for c in containers for network in c.networks if network in others
            }
            known.result()
            return Observed(
                name,
                containers=containers,
                leftovers=leftovers,
                networks=tuple(sorted({n["Name"] for n in networks})),
                volumes=tuple(sorted(v["Name"] for v in volumes if not labels.is_keeper(v["Labels"]))),
                has_state=any(labels.is_keeper(v["Labels"]) for v in volumes),
                locked=any(labels.is_lock(c["Labels"]) for c in all_listed),
                others=tuple(sorted(others)),
                ahead=self._client.ahead,
                beside=self._beside(on.values(), {c["Id"] for c in all_listed}),
            )

    def _beside(self, networks: Iterable[str], ours: set[str]) -> tuple[Neighbour, ...]:
        """Others on these networks. An engine that says nothing of who is on a network has none."""
        ids = {one for network in networks for one in self._inside(network)} - ours
        seen = (self._client.found("container", one) for one in sorted(ids))
        return tuple(neighbour(one) for one in seen if one is not None)

    def _inside(self, network: str) -> Iterable[str]:
        with forgiving(NOT_FOUND):
            return self._client.json("GET", f"networks/{network}").get("Containers") or ()
        return ()

    def _listed(self, path: str, stack: str, **more: int) -> Any:
        return self._client.json("GET", path, query={**filters(**labels.selector(stack)), **more})

    def _observe_one(
        self, listed: Mapping[str, Any], networks: set[str], others: Mapping[str, str]
    ) -> ObservedContainer | None:
        """None where it vanished meanwhile."""
        found = self._client.found("container", listed["Id"])
        if found is None:
            return None
        configured = any(m.get("Destination") == CONFIG_ROOT for m in listed.get("Mounts") or ())
        try:
            applied = self._applied(listed["Id"]) if configured else Applied()
        except Refusal:
            if self._goes(listed["Id"]):
                return None
            raise
        return observed_container(found, applied, networks, self._client.told, others)

    def _goes(self, container: str) -> bool:
        """Whether it is being removed: then an engine may refuse to look into it (20.10)."""
        found = self._client.found("container", container)
        return found is None or found["State"].get("Status") in GOING

    def _applied(self, container: str) -> Applied:
        return Applied.of(self._link(container, APPLIED), self._link(container, CURRENT))

    def _link(self, container: str, name: str) -> str:
        """What a link in the configuration names."""
        return convert.link_target(self._client.seen(container, f"{CONFIG_ROOT}/{name}"))
