"""The Docker engine: who answers, and one snapshot of a stack. The only importer of the Docker SDK.

Honours DOCKER_HOST, TLS variables and the current context of the docker command, as that command does.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

from docker.api.client import APIClient
from docker.auth import get_config_header, resolve_repository_name
from docker.errors import DockerException
from docker.tls import TLSConfig

from stack.config.settings import environment
from stack.engine import convert, failures, labels
from stack.engine._images import ImageCalls
from stack.engine.address import VARIABLES, Tls, find, is_remote
from stack.engine.interface import EngineInfo, Holder, Lease
from stack.engine.keepers import DockerLock, DockerState, Keeper
from stack.engine.lock import Pace, acquire
from stack.model.observed import Applied, Observed, ObservedContainer, in_place
from stack.model.spec import APPLIED, CONFIG_ROOT, CURRENT

CALL_SECONDS = 60
POOL = 32
OBSERVERS = 8


def connect(address: str = "", *, seconds: int = CALL_SECONDS) -> DockerEngine:
    """The engine at ``address``; without one, where the environment or the current context says.

    ``seconds`` is the longest that a single call may stay without an answer. Raises ``EngineUnavailable``.
    """
    found = find(address, environment(*VARIABLES))
    try:
        api = APIClient(
            found.url,
            version="auto",
            timeout=seconds,
            tls=_tls(found.tls),
            max_pool_size=POOL,
            num_pools=POOL,
            use_ssh_client=True,
        )
    except (DockerException, OSError, ValueError) as error:
        raise failures.unavailable(str(found), error) from error
    if found.socket:
        api.trust_env = False  # saves a look for proxies on each call; a socket has none
    return DockerEngine(api, found.url, lambda name: _login(api, name))


def _tls(tls: Tls | None) -> TLSConfig | bool:
    if tls is None:
        return False
    certificate = (tls.cert, tls.key) if tls.cert else None
    return TLSConfig(client_cert=certificate, ca_cert=tls.ca or None, verify=tls.verify)


def _login(api: APIClient, repository: str) -> dict[str, str]:
    """Without a login where the credential helper fails: most images need none, and a refusal names the way out."""
    try:
        header = get_config_header(api, resolve_repository_name(repository)[0])
    except DockerException:
        return {}
    return {"X-Registry-Auth": header.decode()} if header else {}


class DockerEngine(ImageCalls):
    """``stack.engine.interface.Engine`` over the API of Docker 20.10 and later. Safe to use from several threads."""

    pace = Pace()
    """How often the lock's sign of life is renewed, and after what silence it is taken over."""

    @cached_property
    def _keeper(self) -> Keeper:
        return Keeper(self, self.import_image)

    @cached_property
    def _state(self) -> DockerState:
        return DockerState(self, self._keeper)

    def read_state(self, stack: str) -> bytes | None:
        """See ``Engine``."""
        return self._state.read(stack)

    def write_state(self, stack: str, content: bytes) -> None:
        """See ``Engine``."""
        self._state.write(stack, content)

    def remove_state(self, stack: str) -> None:
        """See ``Engine``."""
        self._state.remove(stack)

    def lock(self, stack: str, holder: Holder) -> Lease:
        """See ``Engine``."""
        return acquire(DockerLock(self, self._keeper, stack), holder, self.pace)

    def info(self) -> EngineInfo:
        """See ``Engine``."""
        told = self._told
        return EngineInfo(
            version=told["ServerVersion"],
            api=self._api.api_version,
            address=self.address,
            remote=is_remote(self.address),
            os=told["OperatingSystem"],
            architecture=told["Architecture"],
            cpus=told["NCPU"],
            memory=told["MemTotal"],
            restrictions=self._abilities.restrictions(),
        )

    def stacks(self) -> tuple[str, ...]:
        """See ``Engine``."""
        with self._asking("list stacks"):
            found = self._api.containers(all=True, filters=labels.selector())
        return tuple(sorted({labels.stack_of(c["Labels"]) for c in found if labels.is_service(c["Labels"])}))

    def observe(self, name: str) -> Observed:
        """See ``Engine``. Two rounds of questions, each asked side by side."""
        chosen = labels.selector(name)
        with self._asking(f"observe {name}"), ThreadPoolExecutor(OBSERVERS) as pool:
            networks = pool.submit(self._api.networks, filters=chosen)
            volumes = pool.submit(self._api.volumes, filters=chosen)
            listed = [
                c for c in self._api.containers(all=True, filters=chosen) if not labels.is_keeper(c["Labels"])
            ]
            ids = {n["Id"] for n in networks.result()}
            asked = pool.map(lambda one: self._observe_one(one, ids), listed)
            seen = sorted(filter(None, asked), key=lambda c: c.name)
            found = volumes.result()["Volumes"] or ()
            return Observed(
                name,
                containers=tuple(c for c in seen if in_place(name, c)),
                leftovers=tuple(c for c in seen if not in_place(name, c)),
                networks=tuple(sorted({n["Name"] for n in networks.result()})),
                volumes=tuple(sorted(v["Name"] for v in found if not labels.is_keeper(v["Labels"]))),
                has_state=any(labels.is_keeper(v["Labels"]) for v in found),
            )

    def _observe_one(self, listed: Mapping[str, Any], networks: set[str]) -> ObservedContainer | None:
        """None where it vanished meanwhile."""
        found = self._found(self._api.inspect_container, listed["Id"])
        if found is None:
            return None
        configured = any(m.get("Destination") == CONFIG_ROOT for m in listed.get("Mounts") or ())
        applied = self._applied(listed["Id"]) if configured else Applied()
        return convert.observed_container(found, applied, networks)

    def _applied(self, container: str) -> Applied:
        return Applied.of(self._link(container, APPLIED), self._link(container, CURRENT))

    def _link(self, container: str, name: str) -> str:
        """What a link in the configuration names. HEAD tells it in 1 ms; reading a file costs 45 ms (20.10)."""
        answer = self._api.head(
            self._url(f"containers/{container}/archive"),
            params={"path": f"{CONFIG_ROOT}/{name}"},
            timeout=self._api.timeout,
        )
        return convert.link_target(answer.headers.get("X-Docker-Container-Path-Stat", ""))
