"""What the load generator feeds to the url, filesystem and config gates: ordinary inputs, and one family per code.

Names resolve through a fixed table of public addresses, so that nothing leaves the machine; parsing, IDNA and the
judgement of addresses are the gates' own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

# Public addresses of example domains; nobody is ever connected to.
ADDRESSES: Final[dict[str, tuple[str, ...]]] = {
    "example.com": ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"),
    "example.org": ("93.184.215.14",),
    "docs.example.com": ("93.184.215.14",),
    "archive.example.org": ("93.184.215.14",),
    "xn--bcher-kva.example.com": ("93.184.215.14",),
    "intranet.example.net": ("10.20.30.40",),
    "rebind.example.net": ("93.184.215.14", "127.0.0.1"),
}

URLS: Final[dict[str, tuple[str, ...]]] = {
    "url": (
        "https://example.com/",
        "https://example.com/reports/2026/annual.zip",
        "https://docs.example.com/guide?page=2&lang=en#intro",
        "http://archive.example.org/pub/data.tar.gz",
        "https://EXAMPLE.org:443/a/../b/./c",
        "https://b\u00fccher.example.com/katalog",
        "https://example.com/%E2%9C%93/file%20name.pdf",
        "https://93.184.215.14/by-address",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/v6",
    ),
    "E_SCHEME": (
        "ftp://example.com/file",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://example.com/1",
    ),
    "E_USERINFO": ("https://admin:secret@example.com/", "https://example.com@docs.example.com/"),
    "E_HOST_DENY": (
        "http://localhost/admin",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://printer.local/",
    ),
    "E_PORT_DENY": ("https://example.com:8443/", "http://example.org:22/"),
    "E_DNS_FAIL": ("https://gone.example.com/", "https://no-such-host.example.org/"),
    "E_PRIVATE_NET": (
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0x7f000001/",
        "http://[::ffff:10.0.0.1]/",
        "http://intranet.example.net/",
        "http://rebind.example.net/",
    ),
}

PATHS: Final[dict[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "path": (
        ("readme.txt", ()),
        ("reports/2026/summary.pdf", ("annual.pdf", "notes.txt")),
        ("src/package/module.py", ("__init__.py",)),
        ("bilder/\u00fcbersicht.png", ()),
        ("data/set-01/part-0001.csv", ("part-0002.csv", "part-0003.csv")),
        ("\u6587\u6863/\u8bf4\u660e.md", ()),
    ),
    "E_TRAVERSAL": (
        ("../../etc/passwd", ()),
        ("a/%2e%2e/%2e%2e/secret", ()),
        ("C:\\Windows\\system.ini", ()),
    ),
    "E_CASEFOLD_COLLISION": (("README.txt", ("readme.TXT",)), ("stra\u00dfe.txt", ("STRASSE.txt",))),
    "E_DEPTH": (("/".join(["d"] * 40) + "/file", ()),),
    "E_SEGMENT_LEN": (("a" * 300 + ".txt", ()),),
    "E_PATH_LEN": (("/".join(["folder-" + "n" * 90] * 15), ()),),
    "E_PORTABILITY": (("reports/CON.txt", ()), ("notes/what?.txt", ()), ("draft. ", ())),
}

CONFIGS: Final[dict[str, tuple[str, ...]]] = {
    "config": (
        "url:\n  allowed_ports: [80, 443]\n",
        "url:\n  denied_hosts: ['*.internal', localhost]\n  max_redirects: 3\n",
        "path:\n  max_depth: 16\narchive:\n  max_entries: 500\n  max_ratio: 50\n",
        "tools:\n  denied: [fetch-check]\n",
    ),
    "E_CONFIG_INVALID": ("url: [unclosed\n", "just a sentence", "url:\n  allowed_ports: everything\n"),
    "E_CONFIG_VALIDATION": ("url:\n  allowed_ports: [70000]\n", "surprise: true\n"),
}


def resolve(host: str) -> Sequence[str]:
    """The table's answer. Raises OSError for a name that isn't in it, as a resolver does."""
    try:
        return ADDRESSES[host]
    except KeyError:
        raise OSError(f"{host} is not in the load generator's table") from None
