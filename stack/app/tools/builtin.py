"""The tools that ship: real, harmless, bounded in input, output and time.

`fetch-check` and `archive-inspect` ask the security gates and report a gate's refusal as their result. They must
never extract, keep or show what they are asked about, nor connect to an address that url_gate has not accepted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import socket
import tempfile
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from stack.app.cancel import ARCHIVES, COMPUTING
from stack.app.gatekeeper import Gatekeeper
from stack.app.gates.client import Dial, Fetched, FetchError, fetch
from stack.app.gates.policy import UrlPolicy
from stack.app.gates.types import Accepted, Rejected
from stack.app.gates.url import CheckedUrl
from stack.app.tools.registry import Arguments, Tool, ToolError
from stack.app.tools.workers import Cancel

MAX_TEXT = 1_000_000
MAX_ENCODED = 8_000_000
MAX_WAIT_S = 60.0
SHOWN_ENTRIES = 100
SHOWN_MATCHES = 100
_CHUNK = 64 * 1024
_LINE = 200


class _Fetch(Arguments):
    url: str = Field(description="the URL", min_length=1, max_length=8192)
    fetch: bool = Field(True, description="false: only judge it")


class _Inspect(Arguments):
    data: str = Field(description="the archive in base64 (RFC 4648)", min_length=1, max_length=MAX_ENCODED)


class _Search(Arguments):
    text: str = Field(description="the text", max_length=MAX_TEXT)
    query: str = Field(description="what to look for", min_length=1, max_length=1000)
    case_sensitive: bool = Field(False, description="whether case counts")
    limit: int = Field(20, description="matches to show", ge=1, le=SHOWN_MATCHES)


class _Hash(Arguments):
    data: str = Field(description="the data", max_length=MAX_ENCODED)
    algorithm: Literal["sha256", "sha512", "sha3_256", "blake2b"] = Field(
        "sha256", description="the function"
    )
    encoding: Literal["utf-8", "base64"] = Field("utf-8", description="how data is written")


class _Wait(Arguments):
    seconds: float = Field(description="how long", ge=0, le=MAX_WAIT_S)


def shipped_tools(
    gates: Gatekeeper, scratch: Path | None = None, dial: Dial = socket.create_connection
) -> tuple[Tool, ...]:
    """The five tools. `scratch` is a writable folder.

    `dial` opens the connections of `fetch-check`, to addresses that url_gate has accepted.
    """
    return (_fetch_check(gates, dial), _archive_inspect(gates, scratch), TEXT_SEARCH, HASH, WAIT)


def _fetch_check(gates: Gatekeeper, dial: Dial) -> Tool:
    def run(asked: _Fetch, cancel: Cancel) -> dict[str, Any]:
        def check(url: str, _: UrlPolicy) -> Accepted[CheckedUrl]:
            return gates.check_url(url)

        try:
            if asked.fetch:
                return _fetched(fetch(asked.url, gates.policy.url, check, dial))
            return _decided(gates.check_url(asked.url).value)
        except Rejected as refusal:
            return _refused(refusal)
        except FetchError as fault:
            raise ToolError(str(fault)) from fault

    return Tool(
        "fetch-check",
        "Fetch a URL from the address that was checked, each redirect checked too, and tell what came.",
        _Fetch,
        run,
    )


def _decided(checked: CheckedUrl) -> dict[str, Any]:
    return {
        "allowed": True,
        "url": checked.url,
        "host": checked.host,
        "port": checked.port,
        "addresses": list(checked.addresses),
    }


def _fetched(answer: Fetched) -> dict[str, Any]:
    return {
        **_decided(answer.checked),
        "address": answer.address,
        "status": answer.status,
        "bytes": len(answer.body),
        "truncated": answer.truncated,
        "hops": list(answer.hops),
    }


def _archive_inspect(gates: Gatekeeper, scratch: Path | None) -> Tool:
    def run(asked: _Inspect, cancel: Cancel) -> dict[str, Any]:
        content = _decoded(asked.data)
        cancel.check()
        with tempfile.NamedTemporaryFile(dir=scratch, prefix="inspect-") as file:
            file.write(content)
            file.flush()
            try:
                return _inspected(gates, Path(file.name))
            except Rejected as refusal:
                return _refused(refusal)

    return Tool(
        "archive-inspect", "Tell whether an archive may be extracted, and what is in it.", _Inspect, run
    )


def _inspected(gates: Gatekeeper, archive: Path) -> dict[str, Any]:
    with ARCHIVES.held():
        found = gates.inspect(archive).value
    return {
        "allowed": True,
        "entries": len(found.entries),
        "total_bytes": found.total_bytes,
        "first": [{"path": entry.path, "size": entry.size} for entry in found.entries[:SHOWN_ENTRIES]],
    }


def _refused(refusal: Rejected) -> dict[str, Any]:
    return {
        "allowed": False,
        "gate": refusal.gate,
        "error_code": refusal.error_code,
        "detail": refusal.hint,
    }


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ToolError(f"data: not base64: {error}") from error


def _text_search(asked: _Search, cancel: Cancel) -> dict[str, Any]:
    with COMPUTING.held():
        return _found(asked, cancel)


def _found(asked: _Search, cancel: Cancel) -> dict[str, Any]:
    wanted = asked.query if asked.case_sensitive else asked.query.casefold()
    matches: list[dict[str, Any]] = []
    lines = 0
    for number, line in enumerate(asked.text.splitlines(), 1):
        if number % 1000 == 0:
            cancel.check()
        if wanted in (line if asked.case_sensitive else line.casefold()):
            lines += 1
            if len(matches) < asked.limit:
                matches.append({"line": number, "text": line[:_LINE]})
    return {"lines": lines, "matches": matches}


def _hash(asked: _Hash, cancel: Cancel) -> dict[str, Any]:
    content = _decoded(asked.data) if asked.encoding == "base64" else asked.data.encode()
    digest = hashlib.new(asked.algorithm)
    for start in range(0, len(content), _CHUNK):
        cancel.check()
        digest.update(content[start : start + _CHUNK])
    return {"algorithm": asked.algorithm, "digest": digest.hexdigest(), "bytes": len(content)}


def _wait(asked: _Wait, cancel: Cancel) -> dict[str, Any]:
    cancel.wait(asked.seconds)
    return {"waited": asked.seconds}


TEXT_SEARCH = Tool(
    "text-search",
    "Find the lines of a text that hold a string; no pattern, just text.",
    _Search,
    _text_search,
)
HASH = Tool("hash", "Compute a digest of some data.", _Hash, _hash)
WAIT = Tool("wait", "Do nothing for a while.", _Wait, _wait)
