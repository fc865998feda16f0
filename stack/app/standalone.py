"""The gates and the metrics without the rest of the application: ``monitor start`` runs it.

It serves from the standard library, so the plain installation is enough. ``POST /gates/url``, ``/gates/path`` and
``/gates/config`` take the JSON that the application takes, ``/gates/archive`` the archive itself; each answers 200 with
the gate's decision. Nothing is kept. Only so many decisions are under way at once, so that metrics never wait for them.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import BoundedSemaphore
from time import perf_counter
from typing import IO, TYPE_CHECKING, Any, Final

from stack.app.jsontext import json_text
from stack.telemetry.monitor import main
from stack.telemetry.server import Answer, HttpError

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from stack.app.gates.types import Accepted
    from stack.telemetry.server import Route

GATES_AT_ONCE: Final = 16
ARCHIVES_AT_ONCE: Final = 2
MAX_DOCUMENT: Final = 1 << 20
MAX_ARCHIVE: Final = 64 << 20

Asked = dict[str, Any]


def routes() -> Mapping[str, Route]:
    """The addresses of the gates. Building them imports the gates, and what they measure with."""
    from stack.app.gatekeeper import Gatekeeper

    gates = Gatekeeper()
    few, many = BoundedSemaphore(ARCHIVES_AT_ONCE), BoundedSemaphore(GATES_AT_ONCE)

    def asking(gate: str, decide: Callable[[Asked], Accepted[Any]], show: Callable[[Any], object]) -> Route:
        def answer(environ: WSGIEnvironment) -> Answer:
            asked = _document(environ)
            with _turn(many):
                return _decision(gate, lambda: decide(asked), show)

        return answer

    def archive(environ: WSGIEnvironment) -> Answer:
        with _turn(few), NamedTemporaryFile(prefix="inspect-") as file:
            _receive(environ, MAX_ARCHIVE, file)
            return _decision("extraction_gate", lambda: gates.inspect(Path(file.name)), asdict)

    return {
        "POST /gates/url": asking(
            "url_gate", lambda asked: gates.check_url(_text(asked, "url")), lambda checked: checked.url
        ),
        "POST /gates/path": asking(
            "filesystem_gate",
            lambda asked: gates.check_path(_text(asked, "path"), siblings=_texts(asked, "siblings")),
            str,
        ),
        "POST /gates/config": asking(
            "config_gate", lambda asked: gates.check_config(_text(asked, "document")), asdict
        ),
        "POST /gates/archive": archive,
    }


def _decision(gate: str, decide: Callable[[], Accepted[Any]], show: Callable[[Any], object]) -> Answer:
    from stack.app.gates.types import Rejected

    started = perf_counter()
    told: dict[str, object] = {
        "gate": gate,
        "outcome": "ok",
        "error_code": None,
        "value": None,
        "detail": None,
    }
    try:
        told["value"] = show(decide().value)
    except Rejected as rejected:
        told |= {"gate": rejected.gate, "outcome": "reject", "error_code": rejected.error_code}
        told["detail"] = f"{rejected.hint}, got {rejected.value!r}"
    told["duration_ms"] = round((perf_counter() - started) * 1000, 3)
    return Answer(HTTPStatus.OK, json_text(told).encode() + b"\n", "application/json")


@contextmanager
def _turn(lane: BoundedSemaphore) -> Iterator[None]:
    if not lane.acquire(blocking=False):
        raise HttpError(HTTPStatus.SERVICE_UNAVAILABLE, "too many decisions at once: try again")
    try:
        yield
    finally:
        lane.release()


def _receive(environ: WSGIEnvironment, limit: int, into: IO[bytes]) -> None:
    """Copies the body. Raises HttpError unless it comes whole and within the limit."""
    length = environ.get("CONTENT_LENGTH", "")
    if "HTTP_TRANSFER_ENCODING" in environ or not length.isdecimal():
        raise HttpError(HTTPStatus.LENGTH_REQUIRED, "give the body's length as Content-Length")
    if int(length) > limit:
        raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body must have at most {limit} bytes")
    left = int(length)
    while left and (chunk := _chunk(environ, left)):
        into.write(chunk)
        left -= len(chunk)
    if left:
        raise HttpError(HTTPStatus.BAD_REQUEST, "the body ended early")
    into.flush()


def _chunk(environ: WSGIEnvironment, most: int) -> bytes:
    """Some of the body; nothing when the client is gone."""
    try:
        return bytes(environ["wsgi.input"].read(min(most, 1 << 16)))
    except OSError:
        return b""


def _document(environ: WSGIEnvironment) -> Asked:
    body = io.BytesIO()
    _receive(environ, MAX_DOCUMENT, body)
    try:
        asked = json.loads(body.getvalue())
        if not isinstance(asked, dict):
            raise ValueError("expected an object")
        json_text(asked)
    except (ValueError, RecursionError) as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"the body is no JSON that can be used: {error}") from None
    return asked


def _text(asked: Asked, name: str) -> str:
    if not isinstance(asked.get(name), str):
        raise HttpError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: must be text")
    return str(asked[name])


def _texts(asked: Asked, name: str) -> list[str]:
    found = asked.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise HttpError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: must be a list of texts")
    return found


if __name__ == "__main__":
    sys.exit(main(routes))
