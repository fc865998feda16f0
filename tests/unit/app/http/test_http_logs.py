"""Log lines: JSON, one a line, tied to their request."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from stack.app import logs
from stack.telemetry.request import request_scope

PATIENCE = 30


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
    logging.getLogger().handlers[0].flush()
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
    logging.getLogger().handlers[0].flush()
    assert lines.getvalue() == ""


def test_whoever_logs_does_not_wait_for_the_reader_of_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "WAITING_BYTES", 10_000)
    let_go = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            assert let_go.wait(PATIENCE)
            return super().write(text)

    stream = Stuck()
    writer = logs.Writer(stream)
    records = [
        logging.makeLogRecord({"msg": f"line {number}", "levelname": "INFO"}) for number in range(4000)
    ]  # more than fit twice: once as what is being written, once as what waits
    for record in records:
        writer.handle(record)
    let_go.set()
    writer.handle(records[0])
    writer.flush()
    written = stream.getvalue().splitlines()
    assert written[0] == "line 0"
    assert 500 < len(written) < 4000
    told = [line for line in written if "dropped" in line]
    assert sum(int(line.split()[0]) for line in told) == len(records) + 1 - (len(written) - len(told))


def test_a_log_that_cannot_be_written_harms_nobody() -> None:
    stream = io.StringIO()
    writer = logs.Writer(stream)
    stream.close()
    for text in ("one", "two"):
        writer.handle(logging.makeLogRecord({"msg": text}))
        writer.flush()
    assert any(thread.name == "log" for thread in threading.enumerate())
