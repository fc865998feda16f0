"""A registry on loopback that answers as it is told: a whole small image, a refusal, or nothing at all.

Docker speaks plain HTTP to 127.0.0.0/8, so no certificate is needed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
LAYER = b"\0" * 10240


def digest(data: bytes) -> str:
    """As a registry names content."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class TinyRegistry:
    """``refuse``: status and code for every manifest; ``silent``: no answer until ``release`` is set.

    ``slow``: seconds until a layer comes. ``tags``: what it lists, ``page`` at a time. ``token``: what it hands to
    anybody who asks, and wants to see before it lists; ``realm`` says where to ask, ``elsewhere`` names another host
    for the next page. ``asked`` collects the credentials that came.
    """

    refuse: tuple[int, str] | None = None
    silent: bool = False
    slow: float = 0.0
    release: threading.Event = field(default_factory=threading.Event)
    address: str = ""
    tags: tuple[str, ...] = ()
    page: int = 1000
    token: str = ""
    realm: str = ""
    elsewhere: str = ""
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        layer = gzip.compress(LAYER, mtime=0)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Labels": {"from": "registry"}},
                "rootfs": {"type": "layers", "diff_ids": [digest(LAYER)]},
                "history": [{"created_by": "test"}],
            }
        ).encode()
        self.blobs = {digest(layer): layer, digest(config): config}
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": _named("application/vnd.docker.container.image.v1+json", config),
                "layers": [_named("application/vnd.docker.image.rootfs.diff.tar.gzip", layer)],
            }
        ).encode()

    def list_tags(self, path: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        """A page of tags, or the way to a token; and the place that gives it."""
        if self.silent:
            self.release.wait(30)
        parts = urlsplit(path)
        if parts.path == "/token":
            return 200, {}, json.dumps({"token": self.token}).encode()
        self.asked.append(authorization)
        repository = parts.path.removeprefix("/v2/").removesuffix("/tags/list")
        if self.token and authorization != f"Bearer {self.token}":
            realm = self.realm or f"http://{self.address}/token"
            told = f'Bearer realm="{realm}",service="tiny",scope="repository:{repository}:pull"'
            return 401, {"WWW-Authenticate": told}, b'{"errors": [{"code": "UNAUTHORIZED"}]}'
        if self.refuse:
            status, code = self.refuse
            return status, {}, json.dumps({"errors": [{"code": code}]}).encode()
        last = parse_qs(parts.query).get("last", [""])[0]
        left = [tag for tag in sorted(self.tags) if tag > last]
        shown = left[: self.page]
        more = f'<{self.elsewhere}{parts.path}?last={shown[-1]}>; rel="next"' if len(left) > self.page else ""
        body = json.dumps({"name": repository, "tags": shown}).encode()
        return 200, {"Link": more} if more else {}, body

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        if self.silent:
            self.release.wait(30)
        if path.rstrip("/") == "/v2":
            return 200, "application/json", b"{}"
        if "/manifests/" in path:
            if self.refuse:
                status, code = self.refuse
                body = {"errors": [{"code": code, "message": code.lower()}]}
                return status, "application/json", json.dumps(body).encode()
            return 200, MANIFEST_TYPE, self.manifest
        self.release.wait(self.slow)
        return 200, "application/octet-stream", self.blobs[path.rpartition("/")[2]]


def _named(kind: str, data: bytes) -> dict[str, object]:
    return {"mediaType": kind, "size": len(data), "digest": digest(data)}


@contextmanager
def serving(registry: TinyRegistry) -> Iterator[TinyRegistry]:
    """The registry, listening while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/token") or "/tags/list" in self.path:
                status, headers, body = registry.list_tags(self.path, self.headers.get("Authorization", ""))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                return
            status, kind, body = registry.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Docker-Content-Digest", digest(body))
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    registry.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        registry.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
