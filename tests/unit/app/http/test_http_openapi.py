"""The interface is what its OpenAPI document says: schemathesis makes requests from it and finds no fault.

Two checks are left out for uploads: any bytes fit the schema of an archive, and refusing most of them is the point; and
in a form everything is bytes, so that "null" is as good a file as any.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from stack.app.assembly import open_context
from stack.app.http.app import create_app
from stack.app.http.openapi import UPLOADS
from stack.app.http.problems import MEDIA_TYPE
from stack.app.load.inputs import resolve
from stack.app.settings import AppSettings

load_all_checks()
_FOLDER = tempfile.TemporaryDirectory(prefix="schemathesis-")
CONTEXT = open_context(AppSettings(data=Path(_FOLDER.name), faults=True))
CONTEXT.gates = CONTEXT.gates.with_resolver(resolve)
APP = create_app(CONTEXT)


@asynccontextmanager
async def _started_already(_: object) -> AsyncIterator[None]:
    """Schemathesis runs the lifespan around every request; the parts can be started once."""
    yield


APP.router.lifespan_context = _started_already
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)
SCHEMA.config.update(base_url="http://testserver")  # its own is relative to where the document lies


# Of the session: where tests are shared out among processes, those of a module need not follow each other.
@pytest.fixture(scope="session", autouse=True)
def _started() -> Iterator[None]:
    CONTEXT.start()
    yield
    CONTEXT.close()
    _FOLDER.cleanup()


@SCHEMA.parametrize()
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_interface_keeps_its_word(case: schemathesis.Case[Any]) -> None:
    excluded: list[Any] = [positive_data_acceptance, negative_data_rejection] if case.path in UPLOADS else []
    for fault in CONTEXT.faults.active():
        CONTEXT.faults.switch(fault, False)
    # Longer than a request may take: it would be cancelled after 10 s, which to the application is its own end.
    case.call_and_validate(excluded_checks=excluded, timeout=2 * CONTEXT.settings.request_timeout)


def test_every_operation_documents_its_problems() -> None:
    paths = APP.openapi()["paths"]
    assert len(paths) >= 15
    for operations in paths.values():
        for operation in operations.values():
            for status in ("400", "405", "408", "413", "422", "500", "503"):
                assert list(operation["responses"][status]["content"]) == [MEDIA_TYPE]
            assert operation["summary"]
            assert "security" not in operation


def test_with_a_token_every_operation_but_health_asks_for_it(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("abc")
    document = create_app(open_context(AppSettings(data=tmp_path / "data", token_file=token))).openapi()
    open_paths = [
        path
        for path, operations in document["paths"].items()
        for each in operations.values()
        if "security" not in each
    ]
    assert open_paths == ["/health"]
