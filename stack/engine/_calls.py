"""What all calls of the Docker engine share: the client, and the turn of its errors into ours.

The SDK's errors are HTTPErrors of requests, so nothing here imports the SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import requests

from stack.common.errors import StartFailed
from stack.engine import failures, labels
from stack.engine.labels import Kind
from stack.engine.limits import Abilities

Inspect = dict[str, Any]
NOT_FOUND, CONFLICT = 404, 409


class Calls:
    """A low-level client (``docker.APIClient``), the address it was made for, and the user's logins to registries.

    ``credentials`` gives the header that goes with a pull from a repository.
    """

    def __init__(self, api: Any, address: str, credentials: Callable[[str], dict[str, str]]) -> None:
        self._api = api
        self.address = address
        self._credentials = credentials
        self._abilities = Abilities(lambda: self._told)

    @cached_property
    def _told(self) -> Inspect:
        """The engine of itself. Asked once: it costs 10 ms, and several parts of a command want to know."""
        with self._asking("ask who answers"):
            return dict(self._api.info())

    def _url(self, path: str) -> str:
        """Address of a call that the SDK has no method for, or one that does more than we want."""
        return f"{self._api.base_url}/v{self._api.api_version}/{path}"

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Turns a refusal into ``StartFailed`` and silence into ``EngineUnavailable``."""
        try:
            yield
        except requests.HTTPError as error:
            raise failures.refused(what, text_of(error)) from error
        except requests.RequestException as error:
            raise failures.unavailable(self.address, error) from error

    def _found(self, inspect: Callable[[str], Inspect], name: str) -> Inspect | None:
        """The engine's description of ``name``; None where there is no such object."""
        with self._asking(f"inspect {name}"):
            try:
                return inspect(name)
            except requests.HTTPError as error:
                if status_of(error) == NOT_FOUND:
                    return None
                raise

    def _container(self, name: str) -> Inspect | None:
        """A container of ours; None where it is gone; StartFailed where it belongs to somebody else."""
        found = self._found(self._api.inspect_container, name)
        if found is not None:
            ours("container", name, found["Config"].get("Labels"))
        return found

    def _present(self, name: str) -> Inspect:
        """A container of ours; StartFailed where it is gone."""
        found = self._container(name)
        if found is None:
            raise StartFailed(f"container {name} is gone", hint="run start again")
        return found


def ours(kind: Kind, name: str, marks: dict[str, str] | None) -> None:
    """StartFailed unless the labels say that the object is ours."""
    if not labels.stack_of(marks):
        message, hint = labels.foreign(kind, name)
        raise StartFailed(message, hint=hint)


@contextmanager
def forgiving(*statuses: int) -> Iterator[None]:
    """Lets answers of these HTTP statuses pass: what should be so is so already."""
    try:
        yield
    except requests.HTTPError as error:
        if status_of(error) not in statuses:
            raise


def status_of(error: requests.HTTPError) -> int:
    """The HTTP status; 0 where there was no answer."""
    return error.response.status_code if error.response is not None else 0


def text_of(error: requests.HTTPError) -> str:
    """The engine's own words."""
    return str(getattr(error, "explanation", None) or error)
