"""The tools that ship: real, harmless, bounded in input, output and time.

`fetch-check` and `archive-inspect` ask the security gates and report a gate's refusal as their result; they must
never fetch, extract or write what they are asked about.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from stack.app.cancel import ARCHIVES, COMPUTING
from stack.app.gates.extraction import Extraction
from stack.app.gates.types import Accepted, Rejected
from stack.app.gates.url import CheckedUrl
from stack.app.tools.arguments import Parameter
from stack.app.tools.registry import Tool, ToolError
from stack.app.tools.workers import Cancel

MAX_TEXT = 1_000_000
MAX_ENCODED = 8_000_000
MAX_WAIT_S = 60.0
SHOWN_ENTRIES = 100
SHOWN_MATCHES = 100
_CHUNK = 64 * 1024
_LINE = 200
ALGORITHMS = ("sha256", "sha512", "sha3_256", "blake2b")


class Gates(Protocol):
    """The gates that tools ask, measured and under the policy in force."""

    def check_url(self, address: str, /) -> Accepted[CheckedUrl]:
        """See url_gate."""

    def check_path(self, path: str, /, root: Path | None = None) -> Accepted[str]:
        """See filesystem_gate."""

    def inspect(self, archive: Path, /) -> Accepted[Extraction]:
        """See extraction_gate."""


def shipped_tools(gates: Gates, files: Path | None = None, scratch: Path | None = None) -> tuple[Tool, ...]:
    """The five tools. `files` is the root of archives given by path (None: none), `scratch` a writable folder."""
    return (_fetch_check(gates), _archive_inspect(gates, files, scratch), TEXT_SEARCH, HASH, WAIT)


def _fetch_check(gates: Gates) -> Tool:
    def run(arguments: Mapping[str, Any], cancel: Cancel) -> dict[str, Any]:
        try:
            checked = gates.check_url(arguments["url"]).value
        except Rejected as refusal:
            return _refused(refusal)
        return {
            "allowed": True,
            "url": checked.url,
            "host": checked.host,
            "port": checked.port,
            "addresses": list(checked.addresses),
        }

    url = Parameter("url", "string", "the URL to judge", 1, 8192)
    return Tool("fetch-check", "Tell whether a URL may be fetched, and from which addresses.", (url,), run)


def _archive_inspect(gates: Gates, files: Path | None, scratch: Path | None) -> Tool:
    def run(arguments: Mapping[str, Any], cancel: Cancel) -> dict[str, Any]:
        data, path = arguments["data"], arguments["path"]
        if (data is None) == (path is None):
            raise ToolError("give either data (base64) or path")
        try:
            if path is not None:
                return _inspected(gates, _inside(gates, files, path))
            content = _decoded(data)
            cancel.check()
            with tempfile.NamedTemporaryFile(dir=scratch, prefix="inspect-") as file:
                file.write(content)
                file.flush()
                return _inspected(gates, Path(file.name))
        except Rejected as refusal:
            return _refused(refusal)

    data = Parameter("data", "string", "the archive in base64 (RFC 4648)", 1, MAX_ENCODED, required=False)
    path = Parameter("path", "string", "the archive's path below the files' root", 1, 4096, required=False)
    return Tool(
        "archive-inspect",
        "Tell whether an archive may be extracted, and what is in it.",
        (data, path),
        run,
    )


def _inside(gates: Gates, files: Path | None, path: str) -> Path:
    if files is None:
        raise ToolError("path: no folder of archives is set up: give data instead")
    archive = files / gates.check_path(path, root=files).value
    if not archive.is_file():
        raise ToolError("path: no such file")
    return archive


def _inspected(gates: Gates, archive: Path) -> dict[str, Any]:
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


def _text_search(arguments: Mapping[str, Any], cancel: Cancel) -> dict[str, Any]:
    with COMPUTING.held():
        return _found(arguments, cancel)


def _found(arguments: Mapping[str, Any], cancel: Cancel) -> dict[str, Any]:
    wanted = arguments["query"] if arguments["case_sensitive"] else arguments["query"].casefold()
    matches: list[dict[str, Any]] = []
    lines = 0
    for number, line in enumerate(arguments["text"].splitlines(), 1):
        if number % 1000 == 0:
            cancel.check()
        if wanted in (line if arguments["case_sensitive"] else line.casefold()):
            lines += 1
            if len(matches) < arguments["limit"]:
                matches.append({"line": number, "text": line[:_LINE]})
    return {"lines": lines, "matches": matches}


def _hash(arguments: Mapping[str, Any], cancel: Cancel) -> dict[str, Any]:
    text = arguments["data"]
    content = _decoded(text) if arguments["encoding"] == "base64" else text.encode("utf-8", "surrogatepass")
    digest = hashlib.new(arguments["algorithm"])
    for start in range(0, len(content), _CHUNK):
        cancel.check()
        digest.update(content[start : start + _CHUNK])
    return {"algorithm": arguments["algorithm"], "digest": digest.hexdigest(), "bytes": len(content)}


def _wait(arguments: Mapping[str, Any], cancel: Cancel) -> dict[str, Any]:
    cancel.wait(arguments["seconds"])
    return {"waited": arguments["seconds"]}


TEXT_SEARCH = Tool(
    "text-search",
    "Find the lines of a text that hold a string; no pattern, just text.",
    (
        Parameter("text", "string", "the text", 0, MAX_TEXT),
        Parameter("query", "string", "what to look for", 1, 1000),
        Parameter("case_sensitive", "boolean", "whether case counts", default=False, required=False),
        Parameter("limit", "integer", "matches to show", 1, SHOWN_MATCHES, default=20, required=False),
    ),
    _text_search,
)
HASH = Tool(
    "hash",
    "Compute a digest of some data.",
    (
        Parameter("data", "string", "the data", 0, MAX_ENCODED),
        Parameter(
            "algorithm", "string", "the function", choices=ALGORITHMS, default="sha256", required=False
        ),
        Parameter(
            "encoding",
            "string",
            "how data is written",
            choices=("utf-8", "base64"),
            default="utf-8",
            required=False,
        ),
    ),
    _hash,
)
WAIT = Tool(
    "wait",
    "Do nothing for a while.",
    (Parameter("seconds", "number", "how long", 0, MAX_WAIT_S),),
    _wait,
)
