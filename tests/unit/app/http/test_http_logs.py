"""Log lines: JSON, one a line, tied to their request."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from stack.app import logs
from stack.telemetry.request import request_scope


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("info", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def only(lines: io.StringIO) -> dict[str, Any]:
    (line,) = lines.getvalue().splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_has_time_level_message_and_extras(lines: io.StringIO) -> None:
    logging.getLogger("stack.x").info("said %s", "so", extra={"route": "/health"})
    line = only(lines)
    assert line["time"].endswith("Z")
    assert (line["level"], line["logger"], line["message"], line["route"]) == (
        "info",
        "stack.x",
        "said so",
        "/health",
    )
    assert "request_id" not in line


def test_a_line_inside_a_request_carries_its_id(lines: io.StringIO) -> None:
    with request_scope("abc-1"):
        logging.getLogger("stack.x").warning("inside")
    assert only(lines)["request_id"] == "abc-1"


def test_newlines_and_escapes_cannot_forge_a_line(lines: io.StringIO) -> None:
    logging.getLogger("stack.x").info('one\n{"level": "error"}\x1b[31m')
    assert only(lines)["level"] == "info"
    assert "\x1b" not in lines.getvalue()


def test_an_exception_is_one_field(lines: io.StringIO) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("stack.x").exception("failed")
    assert "ValueError: broken" in only(lines)["exception"]


def test_what_is_below_the_level_is_not_written(lines: io.StringIO) -> None:
    logging.getLogger("stack.x").debug("quiet")
    assert lines.getvalue() == ""
