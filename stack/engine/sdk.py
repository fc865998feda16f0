"""The Docker SDK: engines behind TCP and TLS, and the user's logins to registries. Imported only where needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests
import urllib3
from docker.api.client import APIClient
from docker.auth import encode_header, load_config, resolve_repository_name
from docker.errors import DockerException
from docker.tls import TLSConfig

from stack.engine.address import Address, Tls
from stack.engine.tls_words import meaning
from stack.engine.transport import Reply, Request, Unreachable

CHUNK = 1 << 16
POOL = 32
ANY_VERSION = "1.41"
"""Only so that the SDK does not ask: every request names the engine's own."""


class SdkTransport:
    """``stack.engine.transport.Transport`` to any engine that the SDK can reach."""

    def __init__(self, address: Address, seconds: float) -> None:
        self._address = address
        try:
            self._api = APIClient(
                address.url,
                version=ANY_VERSION,
                timeout=int(seconds),
                tls=_tls(address.tls),
                max_pool_size=POOL,
                num_pools=POOL,
            )
        except (DockerException, OSError, ValueError) as error:
            raise Unreachable(str(error)) from error

    def send(self, request: Request) -> Reply:
        """See ``Transport``."""
        try:
            response = self._api.request(
                request.method,
                f"{self._api.base_url}{request.target}",
                data=request.body,
                headers=dict(request.headers),
                timeout=request.seconds,
                verify=self._api.verify,  # else REQUESTS_CA_BUNDLE would come before the engine's own
                stream=True,
            )
        except requests.RequestException as error:
            raise self._unreachable(error) from error
        channel = getattr(getattr(response.raw, "connection", None), "sock", None)
        return Reply(response.status_code, response.headers, _chunks(response), response.close, channel)

    def _unreachable(self, error: Exception) -> Unreachable:
        cause, remedy = meaning(str(error), self._address.tls, self._address.url)
        return Unreachable(cause or str(error), remedy=remedy)


def _chunks(response: requests.Response) -> Iterator[bytes]:
    try:
        yield from response.raw.stream(CHUNK, decode_content=True)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Unreachable(str(error)) from error


def _tls(tls: Tls | None) -> TLSConfig | bool:
    if tls is None:
        return False
    certificate = (tls.cert, tls.key) if tls.cert else None
    return TLSConfig(client_cert=certificate, ca_cert=tls.ca or None, verify=tls.verify)


def login(repository: str) -> dict[str, str]:
    """The header that goes with a pull, from the user's logins and credential helpers.

    None where a helper fails: most images need none, and a refusal names the way out.
    """
    found: Any = None
    try:
        registry, _ = resolve_repository_name(repository)
        found = load_config().resolve_authconfig(registry)
    except DockerException:
        return {}
    return {"X-Registry-Auth": encode_header(found).decode()} if found else {}
