"""The application's page about its interface, in a real browser, below a path that a proxy takes off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.chromium import Chromium
from tests.unit.app.http.test_http_process import served

BELOW = "/mon/app"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The application behind a proxy."""
    with served(tmp_path_factory.mktemp("data")) as (_, port, _lines):

        class Proxy(BaseHTTPRequestHandler):
            def _pass_on(self) -> None:
                if not self.path.startswith(f"{BELOW}/"):
                    self.send_error(404)
                    return
                inner = HTTPConnection("127.0.0.1", port, timeout=20)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                inner.request(self.command, self.path.removeprefix(BELOW), body, dict(self.headers))
                answer = inner.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                inner.close()

            do_GET = do_POST = _pass_on

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{BELOW}"
        finally:
            server.shutdown()
            server.server_close()


def test_it_is_drawn_without_asking_anybody_else_and_calls_what_it_shows(
    browser: Chromium, address: str
) -> None:
    browser.open(f"{address}/docs")
    browser.until("document.querySelectorAll('.opblock').length >= 15")
    assert {url for url in browser.requested() if not url.startswith((f"{address}/", "data:"))} == set()
    browser.run(
        "document.querySelector('[id*=health_health] .opblock-summary-control, .opblock-summary-control').click()"
    )
    browser.until("document.querySelector('.try-out__btn')")
    browser.run("document.querySelector('.try-out__btn').click()")
    browser.until("document.querySelector('.execute')")
    browser.run("document.querySelector('.execute').click()")
    browser.until("document.querySelector('.live-responses-table')?.innerText.includes('uptime_seconds')")
    assert [url for url in browser.requested() if url.endswith("/health")] == [f"{address}/health"]
    assert browser.faults() == []
