"""A server inside the stack's network that answers a scrape in every wrong way, each below a path of its own."""

from __future__ import annotations

import trustme
from docker.errors import NotFound

from tests.breakage.breakage import Act, each
from tests.breakage.hands import FOREIGN, api, pristine, python_image, written
from tests.e2e.stack_command import Stack

HOST, HTTP, TLS = "faulty", 8080, 8443
FILE = "prometheus/scrape/faulty.yml"
SCRIPT = """
import http.server, ssl, sys, threading, time
TEXT = 'text/plain; version=0.0.4'
OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
PROTOBUF = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited'
ANSWERS = {
    '/400': (400, TEXT, b'Client sent an HTTP request to an HTTPS server.'),
    '/401': (401, TEXT, b'no'),
    '/403': (403, TEXT, b'no'),
    '/404': (404, TEXT, b'no'),
    '/500': (500, TEXT, b'no'),
    '/html': (200, 'text/html', b'<!doctype html><html><body>Log in</body></html>'),
    '/json': (200, 'application/json', b'{"up": 1}'),
    '/untyped': (200, None, b'a_metric 1\\n'),
    '/garbage': (200, TEXT, b'good 1\\nbad{a="b} x\\n'),
    '/many': (200, TEXT, b''.join(b'm{i="%d"} 1\\n' % i for i in range(500))),
    '/big': (200, TEXT, b''.join(b'm{i="%0999d"} 1\\n' % i for i in range(100))),
    '/empty': (200, TEXT, b''),
    '/fine': (200, TEXT, b'a_metric 1\\n'),
    '/bom': (200, TEXT, b'\\xef\\xbb\\xbfa_metric 1\\n'),
    '/utf-16': (200, TEXT, 'a_metric 1\\n'.encode('utf-16')),
    '/protobuf': (200, PROTOBUF, b'a_metric 1\\n'),
    '/joined': (200, OPEN_METRICS, b'a_metric 1\\n# EOF\\nb_metric 1\\n# EOF\\n'),
    '/gzip': (200, TEXT, b'a_metric 1\\n'),
    '/nowhere': (302, None, b''),
    '/ftp': (302, None, b''),
    '/twice': (200, TEXT, b'a_metric 1\\na_metric 2\\n'),
}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition('?')[0]
        if path == '/slow': time.sleep(5)
        if path == '/cut':
            self.send_response(200); self.send_header('Content-Type', TEXT)
            self.send_header('Content-Length', '999'); self.end_headers()
            self.wfile.write(b'a_metric 1'); self.close_connection = True
            return
        if path == '/redirect':
            self.send_response(302); self.send_header('Location', '/redirect'); self.end_headers()
            return
        status, kind, body = ANSWERS.get(path, ANSWERS['/fine'])
        self.send_response(status)
        if kind: self.send_header('Content-Type', kind)
        if path == '/gzip': self.send_header('Content-Encoding', 'gzip')
        if path == '/ftp': self.send_header('Location', 'ftp://faulty/')
        self.send_header('Content-Length', str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
plain = http.server.ThreadingHTTPServer(('', int(sys.argv[1])), Handler)
threading.Thread(target=plain.serve_forever).start()
open('/tmp/pem', 'w').write(sys.argv[3])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain('/tmp/pem')
closed = http.server.ThreadingHTTPServer(('', int(sys.argv[2])), Handler)
closed.socket = context.wrap_socket(closed.socket, server_side=True)
closed.serve_forever()
"""


def _name(stack: Stack) -> str:
    return f"{FOREIGN}-{stack.name}-server"


def present(stack: Stack) -> None:
    """The server runs in the stack's network."""
    gone(stack)
    issued = trustme.CA().issue_cert(HOST)
    pem = (issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes()).decode()
    networking = api().create_networking_config({stack.name: api().create_endpoint_config(aliases=[HOST])})
    api().create_container(
        python_image(),
        ["-c", SCRIPT, str(HTTP), str(TLS), pem],
        entrypoint=["python3"],
        name=_name(stack),
        labels={FOREIGN: "1"},
        user="0",
        networking_config=networking,
        host_config=api().create_host_config(network_mode=stack.name),
    )
    api().start(_name(stack))


def gone(stack: Stack) -> None:
    """It does not."""
    try:
        api().remove_container(_name(stack), force=True)
    except NotFound:
        return


def scraped(path: str = "/fine", address: str = f"{HOST}:{HTTP}", extra: str = "") -> Act:
    """A scrape file of the user's own that asks it each second."""
    text = (
        "scrape_configs:\n  - job_name: faulty\n    scrape_interval: 1s\n    scrape_timeout: 1s\n"
        f"    metrics_path: {path}\n{extra}    static_configs:\n      - targets: ['{address}']\n"
    )
    return each(present, written(FILE, text))


mended = each(gone, pristine)
